import PumiceGPU
public import PumiceOperators
import PumiceTensors

extension Attention: Dispatchable {
  public static let variants: [Variant<Attention>] = ThreadPerElement.variants(
    "Attention/attention_naive.comp", size: { ($0.heads, $0.tokens) },
    loopIterations: { ($0.keys + 1) * (2 * $0.headSize + 1) }
  ) { op in
    Step(
      "Attention/attention_naive.comp", defines: op.format == .f16 ? ["CACHE_F16": ""] : [:],
      bindings: op.arguments.map { .argument($0.name) },
      constants: [
        "tokens": UInt32(op.tokens), "heads": UInt32(op.heads), "group": UInt32(op.heads / op.kvHeads),
        "head_size": UInt32(op.headSize), "keys": UInt32(op.keys), "capacity": UInt32(op.capacity),
        "scale": op.scale.bitPattern,
      ], groups: (1, 1, 1))
  }
}
