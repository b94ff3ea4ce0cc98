public import PumiceOperators
import PumiceTensors

extension KVAppend: Dispatchable {
  public static let variants: [Variant<KVAppend>] = ThreadPerElement.variants(
    "KVAppend/kv_append.comp", size: { ($0.kvHeads * $0.headSize / 2, $0.tokens) }
  ) { op in
    Step(
      "KVAppend/kv_append.comp", defines: op.format == .f16 ? ["CACHE_F16": ""] : [:],
      bindings: op.arguments.map { .argument($0.name) },
      constants: ["kv_heads": UInt32(op.kvHeads), "head_size": UInt32(op.headSize), "capacity": UInt32(op.capacity)],
      groups: (1, 1, 1))
  }
}
