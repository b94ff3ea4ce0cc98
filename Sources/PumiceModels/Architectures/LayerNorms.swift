import PumiceOperators

extension Architecture {
  /// Families with layer norms and rotary embeddings.
  static let withLayerNorm = [
    Architecture(
      name: "gptneox", norm: .layer, residual: .parallelByKey, feedForward: .plain(.geluTanh)),
    // The first norm is for both blocks where there is no second (7B), else for the feed-forward network (40B).
    Architecture(
      name: "falcon", norm: .layer, residual: .parallel, feedForward: .plain(.geluTanh),
      names: TensorNames(attentionNorms: ["attn_norm_2", "attn_norm"], feedForwardNorm: "attn_norm")),
    Architecture(
      name: "stablelm", norm: .layer, headNorm: HeadNorm(norm: .layer, isOptional: true),
      residual: .parallelWithoutNorm),
    Architecture(name: "starcoder2", norm: .layer, feedForward: .plain(.geluTanh)),
    Architecture(name: "codeshell", norm: .layer, feedForward: .plain(.geluTanh)),
    Architecture(name: "orion", norm: .layer),
    Architecture(name: "nemotron", norm: .layer, feedForward: .plain(.reluSquared)),
    Architecture(name: "jais2", norm: .layer, feedForward: .plain(.reluSquared)),
  ]

  /// Families that tell positions by learned embeddings or by penalties for distance.
  static let withoutRotary = [
    Architecture(
      name: "gpt2", norm: .layer, rotary: nil, feedForward: .plain(.geluTanh), positionEmbedding: .required),
    Architecture(
      name: "starcoder", norm: .layer, rotary: nil, feedForward: .plain(.geluTanh), positionEmbedding: .required),
    Architecture(
      name: "bloom", norm: .layer, rotary: nil, alibi: .keyOr(8), feedForward: .plain(.geluTanh),
      embeddingNorm: .weights),
    // Without norms of queries there are none of keys.
    Architecture(
      name: "mpt", norm: .layer, headNorm: HeadNorm(norm: .layer, isOptional: true), rotary: nil, alibi: .key,
      clampsProjections: true, feedForward: .plain(.geluTanh), positionEmbedding: .optional, unused: ["attn_k_norm"]),
    Architecture(name: "jais", norm: .layer, rotary: nil, alibi: .key, attentionScale: .inverse),
    Architecture(
      name: "refact", rotary: nil, alibi: .keyOr(8),
      unused: ["rope_freqs", "attn_output.bias", "ffn_gate.bias", "ffn_up.bias", "ffn_down.bias"]),
  ]
}
