import PumiceModelFiles
import PumiceOperators

/// Keys and values that are made of a latent which all heads share (DeepSeek-AI 2024, "DeepSeek-V2").
extension Architecture {
  public struct LatentAttention: Hashable, Sendable {
    /// Whether the two magnitudes of YaRN are the same where a file states one (`rope.scaling.yarn_log_multiplier`), so
    /// that scores have it and the rotated parts do not (DeepSeek-V2).
    public var hasOneMagnitude = false
    /// The ε of the norms of latents, where it is not that of the others.
    public var epsilon: Float?

    public init(hasOneMagnitude: Bool = false) { self.hasOneMagnitude = hasOneMagnitude }
  }
}

/// The numbers of a model's latent attention.
public struct LatentConfiguration: Hashable, Sendable {
  /// Elements of the latent that queries are made of; nil where they are made of what attention reads.
  public var queryRank: Int?
  /// Elements of the latent that keys and values are made of.
  public var rank: Int
  /// Elements of a head of queries and keys that tell nothing of positions, and those after them that are turned.
  public var plainSize: Int
  public var rotatedSize: Int
  /// Elements of a head of values.
  public var valueSize: Int
  /// Whether the cache keeps the latents themselves, with one rotated part, as files with a matrix of each head for keys
  /// and one for values (`attn_k_b`, `attn_v_b`) are made for; otherwise it keeps the keys and values of all heads.
  public var isAbsorbed: Bool
  /// What scores are multiplied by besides 1/√(elements of a query).
  public var scoreScale: Float = 1

  /// Elements of a head of queries.
  public var querySize: Int { plainSize + rotatedSize }
}

extension ModelKeys {
  /// The numbers of latent attention; nil where the architecture has none.
  func latent(_ architecture: Architecture) throws(ModelFileError) -> LatentConfiguration? {
    guard architecture.latentAttention != nil else { return nil }
    let rank = try size("attention.kv_lora_rank", most: 1 << 16)
    let queryRank = try file.optionalInteger(name("attention.q_lora_rank"), in: 0...1 << 16) ?? 0
    let keySize = try file.optionalInteger(name("attention.key_length_mla"), in: 0...1 << 16) ?? 0
    let isAbsorbed = keySize > 0
    let query = isAbsorbed ? keySize : try size("attention.key_length", most: 1 << 16)
    let rotated = try size("rope.dimension_count", most: query)
    let c = LatentConfiguration(
      queryRank: queryRank == 0 ? nil : queryRank, rank: rank, plainSize: query - rotated, rotatedSize: rotated,
      valueSize: try size(isAbsorbed ? "attention.value_length_mla" : "attention.value_length", most: 1 << 16),
      isAbsorbed: isAbsorbed)
    guard !isAbsorbed || c.plainSize > 0 else {
      throw unsupported("attention.key_length_mla", "keys of which all elements are turned")
    }
    for (key, size) in isAbsorbed
      ? [("attention.kv_lora_rank", rank), ("rope.dimension_count", rotated)] : [("attention.key_length", query)]
    where size % 8 != 0 { throw unsupported(key, "\(size), which is no multiple of 8") }
    return c
  }

  /// What YaRN makes of the rotated parts, and of scores in latent attention: there a magnitude m counts for queries and keys
  /// without positions too, so that scores are multiplied by m².
  func latentMagnitudes(
    _ architecture: Architecture, _ yarn: RoPEScaling.YaRN?, rotation: Float
  ) throws(ModelFileError) -> (rotation: Float, scores: Float) {
    guard let latent = architecture.latentAttention, let yarn else { return (rotation, 1) }
    let unit = architecture.rotary?.logMultiplierUnit ?? 1
    let weight = (try file.optionalFloat(name("rope.scaling.yarn_log_multiplier")) ?? 0) * unit
    let magnitude = Float(RoPEScaling.yarnMagnitude(factor: yarn.factor, weight: weight))
    if latent.hasOneMagnitude, weight != 0 { return (1, magnitude * magnitude) }
    return (rotation, rotation * rotation * magnitude * magnitude)
  }

  /// Tokens beyond which an indexer chooses those that attention sees. Up to so many it leaves all of them, and has no part
  /// in what a model gives; beyond, it would have to be computed.
  func indexedTokens(_ architecture: Architecture) throws(ModelFileError) -> Int? {
    architecture.hasIndexer ? try size("attention.indexer.top_k", most: 1 << 30) : nil
  }
}
