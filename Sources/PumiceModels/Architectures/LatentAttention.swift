import PumiceOperators

extension Architecture {
  static let latentAttention = [
    Architecture(
      name: "minicpm3", rotary: Rotary(.halves, factors: .shortAndLong), latentAttention: LatentAttention(),
      scales: Scales(embedding: .constant(12), residual: .byRootOfDepth(1.4), logits: .byWidth(256))),
    Architecture(
      name: "plm", rotary: Rotary(.adjacent), latentAttention: LatentAttention(), feedForward: .plain(.reluSquared)),
  ]
}
