public import PumiceModelFiles
public import PumiceOperators
import PumiceTensors

/// The numbers of one model, read from its file and checked.
public struct ModelConfiguration: Hashable, Sendable {
  public var architecture: Architecture
  public var vocabularySize: Int
  /// Tokens that the model was trained to see at once.
  public var contextLength: Int
  /// Width of the residual stream.
  public var embeddingLength: Int
  public var feedForwardLength: Int
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
  /// How vectors of tokens become one of a text, where the file says so.
  public var pooling: StatedPooling?
  /// Whether a token sees those before it and itself alone. Otherwise a prompt must be given at once.
  public var isCausal: Bool
  public var ropePairing: RoPE.Pairing
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
    guard let architecture = architecture ?? Architecture.all.first(where: { $0.name == name }) else {
      let known = Architecture.all.map(\.name).joined(separator: ", ")
      throw file.error(
        .unknownArchitecture, subject: "key general.architecture", "“\(name)” cannot be run, only: \(known)")
    }
    let keys = ModelKeys(file: file, prefix: name)
    self.architecture = try keys.withStatedActivation(architecture)
    contextLength = try keys.size("context_length", most: 1 << 30)
    embeddingLength = try keys.size("embedding_length")
    let layerCount = try keys.size("block_count", most: 1 << 16)
    feedForwardLength = max(1, try keys.size("feed_forward_length") / architecture.feedForwardDivisor)
    headCount = try keys.size("attention.head_count", most: 1 << 16)
    kvHeadCount = try keys.optionalSize("attention.head_count_kv", most: 1 << 16) ?? headCount
    guard headCount % kvHeadCount == 0 else {
      throw keys.invalid("attention.head_count_kv", "\(headCount) heads are no multiple of \(kvHeadCount)")
    }
    headSize = try keys.headSize("attention.key_length", embeddingLength: embeddingLength, headCount: headCount)
    valueSize = try keys.headSize("attention.value_length", embeddingLength: embeddingLength, headCount: headCount)
    normEpsilon = try keys.epsilon(architecture.norm)
    rotaryDimensions = try keys.optionalSize("rope.dimension_count", most: headSize) ?? headSize
    guard rotaryDimensions % 2 == 0 else {
      throw keys.invalid("rope.dimension_count", "\(rotaryDimensions) is odd")
    }
    ropeBase = try keys.ropeBase("rope.freq_base") ?? 10_000
    ropeScale = try keys.ropeScale(architecture.rotary)
    shortContext =
      architecture.rotary?.factors == .shortAndLong
      ? try keys.optionalSize("rope.scaling.original_context_length", most: 1 << 30) ?? contextLength : nil
    embeddingScale = try keys.factor(architecture.scales.embedding, width: embeddingLength)
    residualScale = try keys.factor(architecture.scales.residual, width: embeddingLength)
    logitScale = try keys.factor(architecture.scales.logits, width: embeddingLength)
    scoreCap = architecture.caps.scores ? try keys.bound("attn_logit_softcapping") : nil
    logitCap = architecture.caps.logits ? try keys.bound("final_logit_softcapping") : nil
    projectionClamp = architecture.clampsProjections ? try keys.bound("attention.clamp_kqv") : nil
    alibiSlopes = try keys.alibiSlopes(architecture.alibi, heads: headCount, layers: layerCount)
    pooling = try keys.pooling()
    isCausal = try file.optionalBool(keys.name("attention.causal")) ?? (architecture.encoder == nil)
    ropePairing = try keys.pairing(architecture.rotary)
    vocabularySize = try keys.vocabularySize(architecture)
    layers = []
    layers = try keys.layers(layerCount, self)
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
  /// How far a token sees, all less than so many positions away; nil for everything.
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
