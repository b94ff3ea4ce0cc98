import PumiceOperators

extension Architecture {
  /// What a family of encoders has besides its layers: they read a text at once, every token sees all others, and what they
  /// give are vectors of the tokens.
  public struct EncoderTraits: Hashable, Sendable {
    /// Whether files may have embeddings of token types, of which the first kind's is added to those of tokens.
    public var hasTokenTypes = false
    /// Whether files may lack the norm before the first layer's attention.
    public var firstNormIsOptional = false
    /// Whether there is a norm after the last layer.
    public var hasOutputNorm = true
    /// Whether files may have layers after pooling (`TensorNames.dense`).
    public var hasDense = false
    /// Whether `hidden_activation` may name the function of the feed-forward network.
    public var activationByKey = false
  }

  /// Tensors of classifiers, which no embedding needs.
  private static let classifier: Set = ["cls"]

  /// Devlin et al. 2018 and what came after.
  static let encoders =
    [
      Architecture(
        name: "bert", norm: .layer, rotary: nil, residual: .normalized, feedForward: .plain(.geluErf),
        embeddingNorm: .weights, positionEmbedding: .required, names: .normsOfSums,
        encoder: EncoderTraits(hasTokenTypes: true, hasOutputNorm: false), unused: classifier),
      Architecture(
        name: "nomic-bert", norm: .layer, residual: .normalized, feedForward: .gated(.silu), embeddingNorm: .weights,
        names: .normsOfSums, encoder: EncoderTraits(hasTokenTypes: true, hasOutputNorm: false)),
      Architecture(
        name: "jina-bert-v2", norm: .layer, headNorm: HeadNorm(norm: .layer, isOptional: true), rotary: nil,
        alibi: .keyOr(8), residual: .normalized, feedForward: .gatedOrPlain(.geluErf), embeddingNorm: .weights,
        names: jina, encoder: EncoderTraits(hasTokenTypes: true, hasOutputNorm: false), unused: classifier),
      Architecture(
        name: "jina-bert-v3", norm: .layer, residual: .normalized, feedForward: .plain(.geluErf),
        embeddingNorm: .weights, names: .normsOfSums,
        encoder: EncoderTraits(hasTokenTypes: true, hasOutputNorm: false)),
      Architecture(
        name: "modern-bert", norm: .layer,
        windows: Windows(period: 3, fullFirst: true, isCentered: true, base: .key), feedForward: .gated(.geluErf),
        embeddingNorm: .weights, encoder: EncoderTraits(firstNormIsOptional: true, activationByKey: true),
        unused: classifier),
      Architecture(
        name: "neo-bert", rotary: Rotary(.adjacent), names: TensorNames(outputNorm: "enc.output_norm"),
        encoder: EncoderTraits(), unused: classifier),
      Architecture(name: "eurobert", encoder: EncoderTraits(), unused: ["output"]),
      Architecture(
        name: "gemma-embedding", headNorm: HeadNorm(), windows: Windows(period: 6, isCentered: true, base: .unscaled),
        feedForward: .gated(.geluTanh), scales: Scales(embedding: .rootOfWidth), names: .normsAround,
        encoder: EncoderTraits(hasDense: true), unused: ["output"]),
      Architecture(
        name: "llama-embed", rotary: Rotary(.adjacent, factors: .one), scales: Scales(feedForwardProducts: true),
        encoder: EncoderTraits(), unused: ["output", "cls"]),
    ]

  private static let jina: TensorNames = {
    var names = TensorNames.normsOfSums
    names.secondNorm = "attn_norm_2"
    return names
  }()
}
