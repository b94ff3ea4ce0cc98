import PumiceOperators

extension Architecture {
  /// Llama with factors for embeddings, blocks, attention and logits (maximal update parametrization).
  static let granite =
    [
      Architecture(
        name: "granite", rotary: Rotary(.adjacent, layers: .byKey, factors: .one), attentionScale: .key,
        experts: Experts(shared: .optional), scales: graniteScales),
      Architecture(
        name: "minicpm", rotary: Rotary(.adjacent, layers: .byKey, factors: .one), experts: Experts(),
        scales: graniteScales),
      Architecture(
        name: "granitemoe", rotary: Rotary(.adjacent, factors: .one), attentionScale: .key,
        experts: Experts(shared: .optional), scales: graniteScales),
      Architecture(
        name: "granite_swa", rotary: Rotary(.adjacent, factors: .one), attentionScale: .key,
        windows: Windows(period: 0), hasSinks: true, scales: graniteScales),
    ]

  static let graniteScales = Scales(
    embedding: .key("embedding_scale"), residual: .key("residual_scale"), logits: .inverseOfKey("logit_scale"))
}
