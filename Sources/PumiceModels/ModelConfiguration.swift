public import PumiceModelFiles
import PumiceTensors

/// The numbers of one model, read from its file and checked.
public struct ModelConfiguration: Hashable, Sendable {
  public var architecture: Architecture
  public var vocabularySize: Int
  /// Tokens that the model was trained to see at once.
  public var contextLength: Int
  /// Width of the residual stream.
  public var embeddingLength: Int
  public var layerCount: Int
  public var feedForwardLength: Int
  public var headCount: Int
  public var kvHeadCount: Int
  public var headSize: Int
  public var normEpsilon: Float
  public var rotaryDimensions: Int
  /// Base of the rotary frequencies.
  public var ropeBase: Double
  /// Factor of every rotary frequency: the inverse of linear scaling's.
  public var ropeScale: Double

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
    let keys = Keys(file: file, prefix: name)
    self.architecture = architecture
    contextLength = try keys.size("context_length", most: 1 << 30)
    embeddingLength = try keys.size("embedding_length")
    layerCount = try keys.size("block_count", most: 1 << 16)
    feedForwardLength = try keys.size("feed_forward_length")
    headCount = try keys.size("attention.head_count", most: 1 << 16)
    kvHeadCount = try keys.optionalSize("attention.head_count_kv", most: 1 << 16) ?? headCount
    guard headCount % kvHeadCount == 0 else {
      throw keys.invalid("attention.head_count_kv", "\(headCount) heads are no multiple of \(kvHeadCount)")
    }
    headSize = try keys.headSize(embeddingLength: embeddingLength, headCount: headCount)
    let epsilon = try file.float(keys.name("attention.layer_norm_rms_epsilon"))
    guard epsilon > 0, epsilon < 1 else {
      throw keys.invalid("attention.layer_norm_rms_epsilon", "\(epsilon) is not between 0 and 1")
    }
    normEpsilon = Float(epsilon)
    rotaryDimensions = try keys.optionalSize("rope.dimension_count", most: headSize) ?? headSize
    guard rotaryDimensions % 2 == 0 else {
      throw keys.invalid("rope.dimension_count", "\(rotaryDimensions) is odd")
    }
    ropeBase = try file.optionalFloat(keys.name("rope.freq_base")) ?? 10_000
    guard ropeBase > 0, ropeBase.isFinite else { throw keys.invalid("rope.freq_base", "\(ropeBase) is not positive") }
    ropeScale = try keys.ropeScale()
    vocabularySize = try Self.vocabularySize(file, keys, architecture)
    try keys.refuseUnsupported()
  }

  /// The rows of the embedding table, which the keys that tell the same must agree with.
  private static func vocabularySize(
    _ file: any GGUFSource, _ keys: Keys, _ architecture: Architecture
  ) throws(ModelFileError) -> Int {
    let table = try file.requiredTensor(named: architecture.names.tokenEmbedding + ".weight")
    guard table.shape.rank == 2 else {
      throw file.error(
        .invalidTensor, subject: "tensor \(table.name)", "has the shape \(table.shape), expected a matrix")
    }
    let rows = table.shape[0]
    let declared = try keys.optionalSize("vocab_size")
    if let declared, declared != rows {
      throw keys.invalid("vocab_size", "is \(declared), but \(table.name) has \(rows) rows")
    }
    let tokens = try file.optionalStringArray("tokenizer.ggml.tokens")?.count ?? rows
    guard tokens <= rows else {
      throw file.error(
        .invalidMetadata, subject: "key tokenizer.ggml.tokens", "has \(tokens) tokens, but \(table.name) \(rows) rows")
    }
    return rows
  }
}

/// The keys of one architecture in one file.
private struct Keys {
  let file: any GGUFSource
  let prefix: String

  func name(_ key: String) -> String { "\(prefix).\(key)" }

  func invalid(_ key: String, _ detail: String) -> ModelFileError {
    file.error(.invalidMetadata, subject: "key \(name(key))", detail)
  }

  func size(_ key: String, most: Int = 1 << 24) throws(ModelFileError) -> Int {
    try file.integer(name(key), in: 1...most)
  }

  func optionalSize(_ key: String, most: Int = 1 << 24) throws(ModelFileError) -> Int? {
    try file.optionalInteger(name(key), in: 1...most)
  }

  /// Elements of a head; keys and values must have the same.
  func headSize(embeddingLength: Int, headCount: Int) throws(ModelFileError) -> Int {
    let keyLength = try optionalSize("attention.key_length", most: 1 << 16)
    if keyLength == nil, embeddingLength % headCount != 0 {
      throw invalid("embedding_length", "\(embeddingLength) cannot be shared by \(headCount) heads")
    }
    let size = keyLength ?? embeddingLength / headCount
    let valueLength = try optionalSize("attention.value_length", most: 1 << 16) ?? embeddingLength / headCount
    guard valueLength == size else {
      throw unsupported("attention.value_length", "values of \(valueLength) elements for keys of \(size)")
    }
    guard size % 8 == 0, size <= 256 else {
      throw unsupported(
        keyLength == nil ? "attention.head_count" : "attention.key_length",
        "heads of \(size) elements; attention takes multiples of 8 up to 256")
    }
    return size
  }

  /// Linear scaling divides positions by a factor; 0 stands for none, as converters write it.
  func ropeScale() throws(ModelFileError) -> Double {
    let type = try file.optionalString(name("rope.scaling.type"))
    if let type, type != "linear", type != "none" {
      throw unsupported("rope.scaling.type", "“\(type)”; linear scaling and a table of factors are supported")
    }
    let attention = try file.optionalFloat(name("rope.scaling.attn_factor")) ?? 1
    guard attention == 1 || attention == 0 else { throw unsupported("rope.scaling.attn_factor", "\(attention)") }
    if type == "none" { return 1 }
    let key = file.metadata[name("rope.scaling.factor")] == nil ? "rope.scale_linear" : "rope.scaling.factor"
    let factor = try file.optionalFloat(name(key)) ?? 0
    guard factor >= 0, factor.isFinite else { throw invalid(key, "\(factor) is not a factor") }
    return factor == 0 ? 1 : 1 / factor
  }

  func refuseUnsupported() throws(ModelFileError) {
    let experts = try file.optionalInteger(name("expert_count")) ?? 0
    guard experts == 0 else { throw unsupported("expert_count", "a mixture of \(experts) experts") }
  }

  private func unsupported(_ key: String, _ what: String) -> ModelFileError {
    file.error(.unsupportedModel, subject: "key \(name(key))", "not supported: \(what)")
  }
}
