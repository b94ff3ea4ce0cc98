import Foundation
import PumiceModelFiles

/// What `config.json` of a folder of the Llama architecture says, and the same as GGUF's metadata.
struct FolderConfiguration {
  let metadata: GGUFMetadata
  let headSize: Int
  let ropeBase: Double
  let scaling: RopeScaling
  /// Whether the output uses the embedding's matrix.
  let isTied: Bool
  let bosToken: Int?
  let eosTokens: [Int]

  /// - Throws: `unknownArchitecture`, `unsupportedModel`, and what is wrong with which key.
  init(folder: String) throws(ModelFileError) {
    let config = try ConfigurationReader(path: "\(folder)/config.json")
    let type = try config.optionalString("model_type") ?? ""
    guard ["llama", "mistral"].contains(type) else {
      throw config.failure(.unknownArchitecture, "model_type", "“\(type)” cannot be converted, only llama and mistral")
    }
    if config.value("sliding_window") != nil {
      throw config.failure(.unsupportedModel, "sliding_window", "GGUF's Llama has none")
    }
    let activation = try config.optionalString("hidden_act") ?? "silu"
    guard activation == "silu" else {
      throw config.failure(.unsupportedModel, "hidden_act", "“\(activation)” cannot be converted, only silu")
    }
    func size(_ key: String) throws(ModelFileError) -> Int {
      let value = try config.integer(key)
      guard 1...1 << 30 ~= value else { throw config.failure(.invalidMetadata, key, "\(value) is no size") }
      return value
    }
    let width = try size("hidden_size"), heads = try size("num_attention_heads")
    let kvHeads = config.value("num_key_value_heads") == nil ? heads : try size("num_key_value_heads")
    if config.value("head_dim") != nil {
      headSize = try size("head_dim")
    } else {
      guard width % heads == 0 else {
        throw config.failure(.invalidMetadata, "num_attention_heads", "\(heads) heads cannot share \(width) elements")
      }
      headSize = width / heads
    }
    guard headSize % 2 == 0 else {
      throw config.failure(.unsupportedModel, "head_dim", "heads of \(headSize) elements have no pairs to turn")
    }
    let rope = try config.optionalObject("rope_parameters")
    let base = try config.optionalNumber("rope_theta"), newerBase = try rope?.optionalNumber("rope_theta")
    ropeBase = newerBase ?? base ?? 10_000
    let scalingConfig = try config.optionalObject("rope_scaling")
    scaling = try Self.scaling(scalingConfig ?? rope)
    isTied = try config.optionalBool("tie_word_embeddings") ?? false
    let share = try config.optionalNumber("partial_rotary_factor") ?? 1
    guard share == 1 else {
      throw config.failure(.unsupportedModel, "partial_rotary_factor", "\(share) cannot be converted, only 1")
    }
    bosToken = try Self.tokens(config, "bos_token_id").first
    eosTokens = try Self.tokens(config, "eos_token_id")

    let context = try size("max_position_embeddings"), layers = try size("num_hidden_layers")
    let feedForward = try size("intermediate_size"), vocabulary = try size("vocab_size")
    let epsilon = try config.optionalNumber("rms_norm_eps") ?? 1e-6
    let name = URL(fileURLWithPath: folder).standardizedFileURL.lastPathComponent
    func number(_ value: Int) -> GGUFValue { .uint32(UInt32(clamping: value)) }
    var metadata = GGUFMetadata([
      ("general.architecture", .string("llama")), ("general.name", .string(name)),
      ("llama.vocab_size", number(vocabulary)), ("llama.context_length", number(context)),
      ("llama.embedding_length", number(width)), ("llama.block_count", number(layers)),
      ("llama.feed_forward_length", number(feedForward)), ("llama.attention.head_count", number(heads)),
      ("llama.attention.head_count_kv", number(kvHeads)), ("llama.attention.key_length", number(headSize)),
      ("llama.attention.value_length", number(headSize)),
      ("llama.attention.layer_norm_rms_epsilon", .float32(Float(epsilon))),
      ("llama.rope.dimension_count", number(headSize)), ("llama.rope.freq_base", .float32(Float(ropeBase))),
    ])
    if case .linear(let factor) = scaling {
      metadata["llama.rope.scaling.type"] = .string("linear")
      metadata["llama.rope.scaling.factor"] = .float32(Float(factor))
    }
    self.metadata = metadata
  }

  private static func scaling(_ config: ConfigurationReader?) throws(ModelFileError) -> RopeScaling {
    guard let config else { return .none }
    let key = config.value("rope_type") == nil ? "type" : "rope_type"
    func factor(_ key: String) throws(ModelFileError) -> Double {
      guard let value = try config.optionalNumber(key), value > 0, value.isFinite else {
        throw config.failure(.invalidMetadata, key, "is no factor above 0")
      }
      return value
    }
    switch try config.optionalString(key) ?? "default" {
    case "default": return .none
    case "linear": return .linear(factor: try factor("factor"))
    case "llama3":
      let low = try factor("low_freq_factor"), high = try factor("high_freq_factor")
      guard low < high else {
        throw config.failure(.invalidMetadata, "high_freq_factor", "\(high) is not above low_freq_factor, \(low)")
      }
      return .llama3(
        factor: try factor("factor"), low: low, high: high, original: try factor("original_max_position_embeddings"))
    case let type:
      throw config.failure(
        .unsupportedModel, key, "“\(type)” cannot be converted, only default, linear and llama3")
    }
  }

  /// One token or several.
  private static func tokens(_ config: ConfigurationReader, _ key: String) throws(ModelFileError) -> [Int] {
    guard case .array(let values)? = config.value(key) else {
      return try config.optionalInteger(key).map { [$0] } ?? []
    }
    var tokens: [Int] = []
    for value in values {
      guard case .integer(let token) = value else {
        throw config.failure(.wrongKeyType, key, "has \(value.typeName), expected integers")
      }
      tokens.append(token)
    }
    return tokens
  }
}
