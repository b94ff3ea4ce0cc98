public import PumiceOperators
import PumiceTensors

extension EmbeddingGather: Dispatchable {
  public static let variants: [Variant<EmbeddingGather>] = ThreadPerElement.variants(
    "EmbeddingGather/embedding_gather.comp", size: { ($0.width, $0.tokens) }
  ) { op in
    Step(
      "EmbeddingGather/embedding_gather.comp", defines: op.format.weightDefines(),
      bindings: [.argument("table"), .argument("tokens"), .argument("y")] + op.format.weightBindings,
      constants: ["vocabulary": UInt32(op.vocabulary), "width": UInt32(op.width)], groups: (1, 1, 1))
  }
}
