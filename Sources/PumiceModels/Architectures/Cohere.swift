import PumiceOperators

extension Architecture {
  static let cohere = [
    Architecture(
      name: "command-r", norm: .layer, headNorm: HeadNorm(norm: .layer, isOptional: true), rotary: Rotary(.adjacent),
      residual: .parallel, scales: Scales(logits: .key("logit_scale")),
      names: TensorNames(feedForwardNorm: nil)),
    Architecture(
      name: "cohere2", norm: .layer, rotary: Rotary(.adjacent, layers: .windowed), windows: Windows(period: 4),
      residual: .parallel, scales: Scales(logits: .key("logit_scale"), feedForwardProducts: true),
      names: TensorNames(feedForwardNorm: nil)),
  ]
}
