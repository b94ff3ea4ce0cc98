public import PumiceOperators

extension HeadCopy: Dispatchable {
  public static let variants: [Variant<HeadCopy>] = ThreadPerElement.variants(
    "HeadCopy/head_copy.comp", size: { ($0.target.heads * $0.length, $0.tokens) }
  ) { op in
    Step(
      "HeadCopy/head_copy.comp", bindings: [.argument("x"), .argument("y")],
      constants: [
        "length": UInt32(op.length), "source_heads": UInt32(op.source.heads),
        "source_size": UInt32(op.source.headSize), "source_offset": UInt32(op.source.offset),
        "target_heads": UInt32(op.target.heads), "target_size": UInt32(op.target.headSize),
        "target_offset": UInt32(op.target.offset),
      ], groups: (1, 1, 1))
  }
}
