public import PumiceModelFiles
public import PumiceOperators
import PumiceTensors

/// The numbers of one model, read from its file and checked.
public struct ModelConfiguration: Hashable, Sendable {
  public var architecture: Architecture
  public var vocabularySize: Int
  /// Tokens that the model was trained to see at once; with an indexer at most as many as it lets attention see.
  public var contextLength: Int
  /// Width of the residual stream.
  public var embeddingLength: Int
  /// 0 where no layer has a feed-forward network.
  public var feedForwardLength: Int
  /// Query heads; 0, like all sizes of heads, where no layer attends.
  public var headCount: Int
  public var kvHeadCount: Int
  /// Elements of a query and a key.
  public var headSize: Int
  /// Elements of a value.
  public var valueSize: Int
  public var normEpsilon: Float
  public var rotaryDimensions: Int
  /// Base of the rotary frequencies.
  public var ropeBase: Double
  /// Factor of every rotary frequency: the inverse of linear scaling's.
  public var ropeScale: Double
  /// Up to which context the short table of rotary factors holds; nil where there are not two.
  public var shortContext: Int?
  /// What the token embeddings, the outputs of blocks and the logits are multiplied by.
  public var embeddingScale: Float
  public var residualScale: Float
  public var logitScale: Float
  /// What scores of attention, logits, and queries, keys and values are kept within; nil for no bound.
  public var scoreCap: Float?
  public var logitCap: Float?
  public var projectionClamp: Float?
  /// What distance costs in each head (ALiBi); empty for nothing.
  public var alibiSlopes: [Float]
  /// Whether a token sees those before it and itself alone. Otherwise a prompt must be given at once.
  public var isCausal: Bool
  public var ropePairing: RoPE.Pairing
  /// Nil where attention is not latent.
  public var latent: LatentConfiguration?
  /// Nil where no layer has a recurrent block.
  public var recurrence: RecurrenceConfiguration?
  /// Where layers differ.
  public var layers: [LayerConfiguration]

  public var layerCount: Int { layers.count }

  /// Reads the keys of the file's architecture.
  ///
  /// - Throws: `ModelFileError` that names the key: `unknownArchitecture`, `unsupportedModel`, a missing key, or a value
  ///   that is out of range or contradicts another.
  public init(_ file: any GGUFSource) throws(ModelFileError) {
    let name = try file.string("general.architecture")
    guard let architecture = Architecture.all.first(where: { $0.name == name }) else {
      let known = Architecture.all.map(\.name).joined(separator: ", ")
      throw file.error(
        .unknownArchitecture, subject: "key general.architecture", "“\(name)” cannot be run, only: \(known)")
    }
    let keys = ModelKeys(file: file, prefix: name)
    self.architecture = architecture
    let trained = try keys.size("context_length", most: 1 << 30)
    contextLength = min(trained, try keys.indexedTokens(architecture) ?? trained)
    embeddingLength = try keys.size("embedding_length")
    let layerCount = try keys.size("block_count", most: 1 << 16)
    let blocks = try keys.blocks(layerCount, architecture)
    latent = try keys.latent(architecture)
    recurrence = try keys.recurrence(architecture, embeddingLength: embeddingLength)
    feedForwardLength =
      blocks.contains(where: \.feedForward)
      ? max(1, try keys.sizeOfSome("feed_forward_length") / architecture.feedForwardDivisor) : 0
    if blocks.contains(where: \.attention) {
      headCount = try keys.sizeOfSome("attention.head_count", most: 1 << 16)
      kvHeadCount = try keys.optionalSizeOfSome("attention.head_count_kv", most: 1 << 16) ?? headCount
      guard headCount % kvHeadCount == 0 else {
        throw keys.invalid("attention.head_count_kv", "\(headCount) heads are no multiple of \(kvHeadCount)")
      }
      headSize = try keys.headSize("attention.key_length", embeddingLength: embeddingLength, headCount: headCount)
      valueSize = try keys.headSize("attention.value_length", embeddingLength: embeddingLength, headCount: headCount)
      if let latent {
        kvHeadCount = latent.isAbsorbed ? 1 : headCount
        headSize = latent.isAbsorbed ? latent.rank + latent.rotatedSize : latent.querySize
        valueSize = latent.isAbsorbed ? latent.rank : latent.valueSize
      }
    } else {
      (headCount, kvHeadCount, headSize, valueSize) = (0, 0, 0, 0)
    }
    normEpsilon = try keys.epsilon(architecture.norm)
    rotaryDimensions = headCount == 0 ? 0 : try keys.optionalSize("rope.dimension_count", most: headSize) ?? headSize
    guard rotaryDimensions % 2 == 0 else {
      throw keys.invalid("rope.dimension_count", "\(rotaryDimensions) is odd")
    }
    ropeBase = try keys.ropeBase("rope.freq_base") ?? 10_000
    ropeScale = try keys.ropeScale(architecture.rotary)
    shortContext =
      architecture.rotary?.factors == .shortAndLong
      ? try keys.optionalSize("rope.scaling.original_context_length", most: 1 << 30) ?? contextLength : nil
    embeddingScale = try keys.factor(architecture.scales.embedding, width: embeddingLength, layers: layerCount)
    residualScale = try keys.factor(architecture.scales.residual, width: embeddingLength, layers: layerCount)
    logitScale = try keys.factor(architecture.scales.logits, width: embeddingLength, layers: layerCount)
    scoreCap = architecture.caps.scores ? try keys.bound("attn_logit_softcapping") : nil
    logitCap = architecture.caps.logits ? try keys.bound("final_logit_softcapping") : nil
    projectionClamp = architecture.clampsProjections ? try keys.bound("attention.clamp_kqv") : nil
    alibiSlopes = try keys.alibiSlopes(architecture.alibi, heads: headCount, layers: layerCount)
    isCausal = try file.optionalBool(keys.name("attention.causal")) ?? true
    ropePairing = try keys.pairing(architecture.rotary)
    vocabularySize = try keys.vocabularySize(architecture)
    layers = []
    layers = try keys.layers(blocks, self)
    try keys.refuseUnsupported(architecture)
  }
}

extension ModelConfiguration {
  /// What becomes of the scores of attention before softmax.
  var scoreModifications: [ScoreModification] {
    (scoreCap.map { [.softCap($0)] } ?? []) + (alibiSlopes.isEmpty ? [] : [.alibi(alibiSlopes)])
  }
}

/// What may differ from layer to layer.
public struct LayerConfiguration: Hashable, Sendable {
  public var blocks: LayerBlocks
  /// How many tokens a token sees, itself among them; nil for all.
  public var window: Int?
  /// How queries and keys are turned; nil for not at all.
  public var rotary: RotaryScheme?
  /// What the scores of attention are multiplied by.
  public var attentionScale: Float
}

/// What makes a table of rotary frequencies.
public struct RotaryScheme: Hashable, Sendable {
  public var base: Double
  /// Factor of every frequency.
  public var scale: Double
  /// Whether the file's table of factors, if it has one, divides the frequencies.
  public var usesFactors: Bool
}
