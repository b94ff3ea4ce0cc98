public import PumiceOperators

extension CausalConvolution: Dispatchable {
  public static let variants: [Variant<CausalConvolution>] = ThreadPerElement.variants(
    "CausalConvolution/causal_convolution.comp", size: { ($0.channels, 1) }, loopIterations: \.tokens
  ) { op in
    var defines = ["TAPS": "\(op.taps)"]
    if op.bias { defines["BIAS"] = "" }
    if op.silu { defines["SILU"] = "" }
    return Step(
      "CausalConvolution/causal_convolution.comp", defines: defines,
      bindings: op.arguments.map { .argument($0.name) },
      constants: ["tokens": UInt32(op.tokens), "channels": UInt32(op.channels)], groups: (1, 1, 1))
  }
}
