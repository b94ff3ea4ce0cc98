import PumiceModelFiles

/// The part of `config.json` that describes a text model, and numbers that most keys are derived from.
struct FolderSettings: Sendable {
  var reader: ConfigurationReader
  private(set) var width = 0
  /// 0 where the configuration has none.
  private(set) var heads = 0
  private(set) var layerCount = 0

  /// The first of some keys that is there.
  private func first(_ keys: [String]) -> String? { keys.first { reader.value($0) != nil } }

  /// - Throws: `missingKey` where none of the keys is there and nothing stands in for it.
  func size(_ keys: String..., default standard: Int? = nil) throws(ModelFileError) -> Int {
    guard let key = first(keys) else {
      if let standard { return standard }
      throw reader.failure(.missingKey, keys[0], "the file does not have it")
    }
    let value = try reader.integer(key)
    guard 1...1 << 30 ~= value else { throw reader.failure(.invalidMetadata, key, "\(value) is no size") }
    return value
  }

  func optionalSize(_ keys: String...) throws(ModelFileError) -> Int? {
    guard let key = first(keys) else { return nil }
    return try size(key)
  }

  /// A number from 0 on; 0 where the key is not there.
  func count(_ key: String) throws(ModelFileError) -> Int { try sameSize([key], from: 0) ?? 0 }

  /// The first of some keys that is there: a number, or a list of it for every layer.
  ///
  /// - Throws: `unsupportedModel` for layers that differ.
  func sameSize(_ keys: [String], from least: Int = 1) throws(ModelFileError) -> Int? {
    guard let key = first(keys) else { return nil }
    var value: JSONValue? = reader.value(key)
    if case .array(let list)? = value {
      guard let first = list.first, list.allSatisfy({ $0 == first }) else {
        throw refusal(key, "layers that differ in it cannot be run")
      }
      value = first
    }
    guard case .integer(let size)? = value, least...1 << 30 ~= size else {
      throw reader.failure(.invalidMetadata, key, "is no size")
    }
    return size
  }

  func number(_ keys: String...) throws(ModelFileError) -> Double? {
    guard let key = first(keys), let value = try reader.optionalNumber(key) else { return nil }
    guard value.isFinite else { throw reader.failure(.invalidMetadata, key, "\(value) is not finite") }
    return value
  }

  /// A factor; 1, or another number, where the key is not there.
  func factor(_ key: String, or standard: Double = 1) throws(ModelFileError) -> Float {
    let value = Float(try number(key) ?? standard)
    guard value.isFinite, value > 0 else {
      throw reader.failure(.invalidMetadata, key, "\(value) is no factor above 0")
    }
    return value
  }

  func flag(_ key: String) throws(ModelFileError) -> Bool? { try reader.optionalBool(key) }

  func text(_ keys: String...) throws(ModelFileError) -> String? {
    guard let key = first(keys) else { return nil }
    return try reader.optionalString(key)
  }

  func refusal(_ key: String, _ detail: String) -> ModelFileError { reader.failure(.unsupportedModel, key, detail) }

  /// - Throws: what is wrong with which key.
  init(_ reader: ConfigurationReader) throws(ModelFileError) {
    self.reader = reader
    width = try size("hidden_size", "n_embd", "d_model")
    heads = try optionalSize("num_attention_heads", "n_head", "n_heads") ?? 0
    let listed = try reader.optionalArray("layers_block_type")?.count
    layerCount = try size("num_hidden_layers", "n_layer", "n_layers", "num_layers", default: listed)
    guard layerCount <= 1 << 16 else {
      throw reader.failure(.invalidMetadata, "num_hidden_layers", "\(layerCount) is no number of layers")
    }
  }

  /// The flags of layers by their names, `layer_types`; nil where it is not there.
  ///
  /// - Parameters:
  ///   - recurs: whether layers may also be recurrent blocks, which have none.
  ///   - isChunked: whether windows are pieces of the text.
  func windowedLayers(recurs: Bool, isChunked: Bool) throws(ModelFileError) -> [Bool]? {
    guard let types = try reader.optionalArray("layer_types") else { return nil }
    guard types.count == layerCount else {
      throw reader.failure(.invalidMetadata, "layer_types", "is for \(types.count) layers of \(layerCount)")
    }
    var flags: [Bool] = []
    for type in types {
      switch type {
      case .string("full_attention"), .string("attention"): flags.append(false)
      case .string("sliding_attention"): flags.append(true)
      case .string("chunked_attention") where isChunked: flags.append(true)
      case .string("linear_attention") where recurs, .string("mamba") where recurs, .string("conv") where recurs:
        flags.append(false)
      case .string(let name):
        throw refusal("layer_types", "has “\(name)”, only full_attention and sliding_attention are read")
      default: throw reader.failure(.wrongKeyType, "layer_types", "has \(type.typeName), expected strings")
      }
    }
    return flags
  }

  /// One token or several.
  func tokens(_ key: String) throws(ModelFileError) -> [Int] { try Self.tokens(reader, key) }

  static func tokens(_ reader: ConfigurationReader, _ key: String) throws(ModelFileError) -> [Int] {
    guard case .array(let values)? = reader.value(key) else {
      return try reader.optionalInteger(key).map { [$0] } ?? []
    }
    var tokens: [Int] = []
    for value in values {
      guard case .integer(let token) = value else {
        throw reader.failure(.wrongKeyType, key, "has \(value.typeName), expected integers")
      }
      tokens.append(token)
    }
    return tokens
  }
}
