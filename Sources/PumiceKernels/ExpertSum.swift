public import PumiceOperators

extension ExpertSum: Dispatchable {
  public static let variants: [Variant<ExpertSum>] = ThreadPerElement.variants(
    "ExpertSum/expert_sum.comp", size: { ($0.width, $0.tokens) }, loopIterations: \.slots
  ) { op in
    Step(
      "ExpertSum/expert_sum.comp", defines: op.accumulates ? ["ACCUMULATES": ""] : [:],
      bindings: op.arguments.map { .argument($0.name) },
      constants: ["slots": UInt32(op.slots), "width": UInt32(op.width)], groups: (1, 1, 1))
  }
}
