import PumiceOperators

extension Architecture {
  static let latentAttention = [
    Architecture(
      name: "deepseek2", rotary: Rotary(.adjacent, logMultiplierUnit: 10), temperature: .keys,
      latentAttention: LatentAttention(hasOneMagnitude: true), experts: likeDeepSeekV3),
    Architecture(
      name: "mistral4", rotary: Rotary(.adjacent, logMultiplierUnit: 10), temperature: .keys,
      latentAttention: LatentAttention(), experts: likeDeepSeekV3),
    // What their indexers choose is everything in the texts that are run.
    Architecture(
      name: "deepseek32", rotary: Rotary(.adjacent, logMultiplierUnit: 10), latentAttention: LatentAttention(),
      hasIndexer: true, experts: likeDeepSeekV3, scales: Scales(feedForwardProducts: true), unused: ["indexer"]),
    Architecture(
      name: "glm-dsa", rotary: Rotary(.adjacent), latentAttention: LatentAttention(), hasIndexer: true,
      experts: likeDeepSeekV3, scales: Scales(feedForwardProducts: true), unused: ["indexer"]),
    Architecture(
      name: "minicpm3", rotary: Rotary(.halves, factors: .shortAndLong), latentAttention: LatentAttention(),
      scales: Scales(embedding: .constant(12), residual: .byRootOfDepth(1.4), logits: .byWidth(256))),
    Architecture(
      name: "plm", rotary: Rotary(.adjacent), latentAttention: LatentAttention(), feedForward: .plain(.reluSquared)),
  ]

  static let likeDeepSeekV3 = Experts(
    scoring: .key(.softmax), normalization: .key, hasSelectionBias: true, shared: .optional)
}
