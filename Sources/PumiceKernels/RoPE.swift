public import PumiceOperators

extension RoPE: Dispatchable {
  public static let variants: [Variant<RoPE>] = ThreadPerElement.variants(
    "RoPE/rope.comp", size: { ($0.heads * $0.rotaryDimensions / 2, $0.tokens) }
  ) { op in
    Step(
      "RoPE/rope.comp", defines: op.pairing == .adjacent ? ["PAIRS_ADJACENT": ""] : [:],
      bindings: [.argument("x"), .argument("positions"), .argument("frequencies")],
      constants: [
        "heads": UInt32(op.heads), "head_size": UInt32(op.headSize), "rotary_pairs": UInt32(op.rotaryDimensions / 2),
        "offset": UInt32(op.offset), "magnitude": op.magnitude.bitPattern,
      ],
      groups: (1, 1, 1))
  }
}
