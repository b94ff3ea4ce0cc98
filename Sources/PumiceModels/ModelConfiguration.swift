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
  /// The largest of all layers; 0 where no layer has a network without experts.
  public var feedForwardLength: Int
  /// The largest of all layers; 0, like all sizes of heads, where no layer attends.
  public var headCount: Int
  /// The largest of all layers.
  public var kvHeadCount: Int
  /// Elements of a query and a key.
  public var headSize: Int
  /// Elements of a value.
  public var valueSize: Int
  public var normEpsilon: Float
  /// Parts of the residual stream that are normalized each for itself.
  public var normGroups: Int
  public var rotaryDimensions: Int
  /// Base of the rotary frequencies.
  public var ropeBase: Double
  /// Factor of every rotary frequency: the inverse of linear scaling's.
  public var ropeScale: Double
  /// Scaling of rotary frequencies that differs between them; nil for none.
  public var yarn: RoPEScaling.YaRN?
  /// What the rotated parts of queries and keys are multiplied by.
  public var ropeMagnitude: Float
  /// Up to which context the short table of rotary factors holds; nil where there are not two.
  public var shortContext: Int?
  /// What the token embeddings, the outputs of blocks and the logits are multiplied by.
  public var embeddingScale: Float
  public var residualScale: Float
  public var logitScale: Float
  /// What the output of attention is multiplied by.
  public var attentionOutputScale: Float
  /// What scores of attention, logits, and queries, keys and values are kept within; nil for no bound.
  public var scoreCap: Float?
  public var logitCap: Float?
  public var projectionClamp: Float?
  /// What distance costs in each head (ALiBi); empty for nothing.
  public var alibiSlopes: [Float]
  /// How vectors of tokens become one of a text, where the file says so.
  public var pooling: StatedPooling?
  /// What grows with the position of a query; nil for nothing.
  public var temperature: Temperature?
  /// Whether a token sees those before it and itself alone. Otherwise a prompt must be given at once.
  public var isCausal: Bool
  public var ropePairing: RoPE.Pairing
  /// Layers that the file has besides, for predictions further ahead; they are not used.
  public var predictionLayers: Range<Int>
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
    try self.init(file, (file as? FolderAsGGUF)?.architecture)
  }

  /// - Parameter architecture: what the layers are made of; nil for what its name says.
  init(_ file: any GGUFSource, _ architecture: Architecture?) throws(ModelFileError) {
    let name = try file.string("general.architecture")
    guard var architecture = architecture ?? Architecture.all.first(where: { $0.name == name }) else {
      let known = Architecture.all.map(\.name).joined(separator: ", ")
      throw file.error(
        .unknownArchitecture, subject: "key general.architecture", "“\(name)” cannot be run, only: \(known)")
    }
    let keys = ModelKeys(file: file, prefix: name)
    architecture = try keys.withStatedActivation(architecture)
    architecture.norm = try keys.norm(architecture.norm)
    self.architecture = architecture
    let trained = try keys.size("context_length", most: 1 << 30)
    contextLength = min(trained, try keys.indexedTokens(architecture) ?? trained)
    embeddingLength = try keys.size("embedding_length")
    let blockCount = try keys.size("block_count", most: 1 << 16)
    let layerCount = blockCount - (try keys.predictionLayers(of: blockCount))
    predictionLayers = layerCount..<blockCount
    let blocks = try keys.blocks(layerCount, architecture)
    latent = try keys.latent(architecture)
    recurrence = try keys.recurrence(architecture, embeddingLength: embeddingLength)
    let heads = try keys.headCounts(blocks, latent)
    headCount = heads.map(\.query).max()!
    kvHeadCount = heads.map(\.keyValue).max()!
    if headCount == 0 {
      (headSize, valueSize) = (0, 0)
    } else if let latent {
      headSize = latent.isAbsorbed ? latent.rank + latent.rotatedSize : latent.querySize
      valueSize = latent.isAbsorbed ? latent.rank : latent.valueSize
    } else {
      headSize = try keys.headSize("attention.key_length", embeddingLength: embeddingLength, headCount: headCount)
      valueSize = try keys.headSize("attention.value_length", embeddingLength: embeddingLength, headCount: headCount)
    }
    normEpsilon = try keys.epsilon(architecture.norm)
    normGroups = architecture.hasNormGroups ? max(1, try keys.normGroups(of: embeddingLength)) : 1
    rotaryDimensions = headCount == 0 ? 0 : try keys.optionalSize("rope.dimension_count", most: headSize) ?? headSize
    guard rotaryDimensions % 2 == 0 else {
      throw keys.invalid("rope.dimension_count", "\(rotaryDimensions) is odd")
    }
    ropeBase = try keys.ropeBase("rope.freq_base") ?? 10_000
    (ropeScale, yarn, ropeMagnitude) = try keys.ropeScaling(architecture.rotary, contextLength: contextLength)
    let magnitudes = try keys.latentMagnitudes(architecture, yarn, rotation: ropeMagnitude)
    ropeMagnitude = magnitudes.rotation
    latent?.scoreScale = magnitudes.scores
    shortContext =
      architecture.rotary?.factors == .shortAndLong
      ? try keys.optionalSize("rope.scaling.original_context_length", most: 1 << 30) ?? contextLength : nil
    embeddingScale = try keys.factor(architecture.scales.embedding, width: embeddingLength, layers: layerCount)
    residualScale = try keys.factor(architecture.scales.residual, width: embeddingLength, layers: layerCount)
    logitScale = try keys.factor(architecture.scales.logits, width: embeddingLength, layers: layerCount)
    attentionOutputScale = try keys.factor(
      architecture.scales.attention, width: embeddingLength, layers: layerCount)
    scoreCap =
      architecture.caps.scores
      ? try keys.bound("attn_logit_softcapping", or: architecture.caps.scoresWithoutKey) : nil
    logitCap = architecture.caps.logits ? try keys.bound("final_logit_softcapping") : nil
    projectionClamp = architecture.clampsProjections ? try keys.bound("attention.clamp_kqv") : nil
    alibiSlopes = try keys.alibiSlopes(architecture.alibi, heads: headCount, layers: layerCount)
    pooling = try keys.pooling()
    temperature = try keys.temperature(architecture.temperature, contextLength: contextLength)
    isCausal = try file.optionalBool(keys.name("attention.causal")) ?? (architecture.encoder == nil)
    ropePairing = try keys.pairing(architecture.rotary)
    vocabularySize = try keys.vocabularySize(architecture)
    feedForwardLength = 0
    layers = []
    layers = try keys.layers(self, heads, blocks)
    feedForwardLength = layers.map(\.feedForwardLength).max()!
  }
}

extension ModelConfiguration {
  /// What becomes of the scores of attention before softmax.
  var scoreModifications: [ScoreModification] {
    (scoreCap.map { [.softCap($0)] } ?? []) + (alibiSlopes.isEmpty ? [] : [.alibi(alibiSlopes)])
  }
}

/// What queries are multiplied by: 1 + scale · ln(1 + ⌊(position + offset) / length⌋).
public struct Temperature: Hashable, Sendable {
  public var length: Int
  public var scale: Float
  public var offset: Int

  func factor(position: Int) -> Float {
    1 + scale * Float(DoubleMath.logarithm(Double((position + offset) / length + 1)))
  }
}

/// What may differ from layer to layer.
public struct LayerConfiguration: Hashable, Sendable {
  /// Heads of queries, and of keys and values; 0 where the layer does not attend.
  public var headCount: Int
  public var kvHeadCount: Int
  /// Whether the layer has a recurrent block.
  public var recurs: Bool
  /// How far a token sees, all less than so many positions away; nil for everything.
  public var window: Int?
  /// How queries and keys are turned; nil for not at all.
  public var rotary: RotaryScheme?
  /// What the scores of attention are multiplied by.
  public var attentionScale: Float
  /// Whether the model's temperature is for this layer's queries.
  public var hasTemperature = false
  /// Length of the network without experts; 0 where there is none.
  public var feedForwardLength: Int
  /// The mixture of experts; nil where there is none.
  public var experts: ExpertConfiguration?

  public var attends: Bool { headCount > 0 }
}

/// The mixture of experts of one layer.
public struct ExpertConfiguration: Hashable, Sendable {
  /// How many there are, and how many a token uses.
  public var count: Int
  public var used: Int
  /// Feed-forward length of each.
  public var length: Int
  /// That of the shared expert; nil where there is none.
  public var sharedLength: Int?
  /// Width of the space that experts work in; nil for that of the residual stream.
  public var latentLength: Int?
  public var scoring: ExpertRouting.Scoring
  public var groups: ExpertRouting.Groups?
  public var normalizes: Bool
  /// Factor of the weights.
  public var scale: Float
  /// Factor of what runs beside the experts.
  public var combinedScale: Float = 1
  /// What activated gates and ups are cut off at, in experts and in the shared one; nil for nothing.
  public var limit: Float?
  public var sharedLimit: Float?

  /// The choice among experts for some tokens.
  func routing(tokens: Int, bias: Bool) -> ExpertRouting {
    ExpertRouting(
      tokens: tokens, experts: count, chosen: used, scoring: scoring, groups: groups, bias: bias,
      normalizes: normalizes, scale: scale)
  }
}

/// What makes a table of rotary frequencies.
public struct RotaryScheme: Hashable, Sendable {
  public var base: Double
  /// How many elements of a head are turned.
  public var dimensions: Int
  /// Factor of every frequency.
  public var scale: Double
  /// Scaling that differs between frequencies, in the place of that factor.
  public var yarn: RoPEScaling.YaRN?
  /// What the turned elements are multiplied by.
  public var magnitude: Float
  /// Whether the file's table of factors, if it has one, divides the frequencies.
  public var usesFactors: Bool
}
