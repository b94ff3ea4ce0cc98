import Foundation
import PumiceModelFiles
import PumiceOperators

/// What `config.json` of a folder says: the layers of its model, and the same as GGUF's metadata.
struct FolderConfiguration {
  let family: FolderFamily
  /// The architecture as the folder has it.
  private(set) var architecture: Architecture
  private(set) var metadata: GGUFMetadata
  let rope: FolderRope?
  let heads: Int
  let kvHeads: Int
  let headSize: Int
  let feedForwardLength: Int
  let layerCount: Int
  let vocabularySize: Int?
  /// Whether the output uses the embedding's matrix.
  let isTied: Bool
  /// Whether there are parts for images or sounds, which are not run.
  let hasOtherParts: Bool
  let bosToken: Int?
  let eosTokens: [Int]

  /// - Parameter isRun: whether the model is run as it is. If not, it is for a GGUF file, which has no windows where the
  ///   architecture has none; the context is then cut to the window.
  /// - Throws: `unknownArchitecture`, `unsupportedModel`, and what is wrong with which key.
  init(folder: String, isRun: Bool) throws(ModelFileError) {
    let root = try ConfigurationReader(path: "\(folder)/config.json")
    let config = try root.optionalObject("text_config") ?? root
    hasOtherParts = root.value("text_config") != nil
    let type = try (config.value("model_type") == nil ? root : config).optionalString("model_type") ?? ""
    guard let family = FolderFamily.all.first(where: { $0.types.contains(type) }),
      let known = Architecture.all.first(where: { $0.name == family.architecture })
    else {
      throw root.failure(
        .unknownArchitecture, "model_type", "“\(type)” cannot be run from a folder, only: \(FolderFamily.names)")
    }
    self.family = family
    let settings = try FolderSettings(config)
    try family.refuseOthers(settings)
    heads = settings.heads
    layerCount = settings.layerCount
    kvHeads = try family.kvHeads(settings)
    headSize = try Self.headSize(settings)
    let positions = try settings.size(
      "max_position_embeddings", "n_positions", "max_seq_len", "seq_length", "model_max_length",
      default: family.context)
    let context = positions - family.firstPosition
    guard context > 0 else {
      throw root.failure(.invalidMetadata, "max_position_embeddings", "\(positions) leaves no position for a token")
    }
    feedForwardLength = try settings.size(
      "intermediate_size", "n_inner", "ffn_hidden_size", default: 4 * settings.width)
    vocabularySize = try settings.optionalSize("padded_vocab_size", "vocab_size")
    rope = known.rotary == nil ? nil : try FolderRope(settings, headSize: headSize, context: context, isRun: isRun)
    // Where there are other parts too, some folders say it of all of them and some of the text alone.
    func holder(_ key: String) -> ConfigurationReader { root.value(key) == nil ? config : root }
    isTied = try holder("tie_word_embeddings").optionalBool("tie_word_embeddings") ?? family.isTied
    bosToken = try FolderSettings.tokens(holder("bos_token_id"), "bos_token_id").first
    eosTokens = try FolderSettings.tokens(holder("eos_token_id"), "eos_token_id")

    architecture = known
    metadata = GGUFMetadata()
    let name = family.architecture
    func set(_ key: String, _ value: GGUFValue) { metadata["\(name).\(key)"] = value }
    func set(_ key: String, _ value: Int) { set(key, GGUFValue.uint32(UInt32(clamping: value))) }
    func set(_ key: String, _ value: Double) { set(key, GGUFValue.float32(Float(value))) }
    metadata["general.architecture"] = .string(name)
    metadata["general.name"] = .string(URL(fileURLWithPath: folder).standardizedFileURL.lastPathComponent)
    set("context_length", context)
    set("embedding_length", settings.width)
    set("block_count", layerCount)
    set("feed_forward_length", feedForwardLength * known.feedForwardDivisor)
    set("attention.head_count", heads)
    set("attention.head_count_kv", kvHeads)
    set("attention.key_length", headSize)
    set("attention.value_length", headSize)
    let isRMS = known.norm == .rms || known.norm == .plainRMS
    set(isRMS ? "attention.layer_norm_rms_epsilon" : "attention.layer_norm_epsilon", try family.epsilon(settings))
    if let rope { try setRotation(rope, settings) }
    try setWindows(settings, isRun: isRun)
    for key in family.keys { if let value = try key.value(settings) { set(key.name, value) } }
    try family.adapts(&architecture, settings)
    try setActivation(settings, isRun: isRun)
    if let magnitude = rope?.magnitude, magnitude != 1 {
      guard rotaryDimensions == headSize, architecture.caps.scores == false else {
        throw settings.refusal("rope_scaling", "scaled scores with a head that is turned in part cannot be run")
      }
      // Queries and keys are both multiplied.
      var scale = 1 / Double(headSize).squareRoot()
      if case .float32(let stated)? = metadata["\(name).attention.scale"] { scale = Double(stated) }
      set("attention.scale", scale * magnitude * magnitude)
      architecture.attentionScale = .key
    }
  }

  private var rotaryDimensions: Int { rope.map { Int(Double(headSize) * $0.share) } ?? 0 }

  private static func headSize(_ settings: FolderSettings) throws(ModelFileError) -> Int {
    if let size = try settings.optionalSize("head_dim", "kv_channels") { return size }
    guard settings.width % settings.heads == 0 else {
      throw settings.reader.failure(
        .invalidMetadata, "num_attention_heads",
        "\(settings.heads) heads cannot share \(settings.width) elements")
    }
    return settings.width / settings.heads
  }

  private mutating func setRotation(_ rope: FolderRope, _ settings: FolderSettings) throws(ModelFileError) {
    guard headSize % 2 == 0, rotaryDimensions % 2 == 0, rotaryDimensions > 0 else {
      throw settings.refusal(
        "head_dim", "heads of \(headSize) elements, \(rotaryDimensions) of them turned, have no pairs to turn")
    }
    let name = family.architecture
    metadata["\(name).rope.dimension_count"] = .uint32(UInt32(clamping: rotaryDimensions))
    metadata["\(name).rope.freq_base"] = .float32(Float(rope.base))
    if let base = rope.windowBase, base != rope.base {
      metadata["\(name).rope.freq_base_swa"] = .float32(Float(base))
      if architecture.windows?.base == .same { architecture.windows?.base = .key }
    }
    if case .linear(let factor) = rope.scaling {
      metadata["\(name).rope.scaling.type"] = .string("linear")
      metadata["\(name).rope.scaling.factor"] = .float32(Float(factor))
    }
    if let original = rope.originalContext {
      metadata["\(name).rope.scaling.original_context_length"] = .uint32(UInt32(clamping: original))
      architecture.rotary?.factors = .shortAndLong
    } else if !rope.factors.isEmpty || rope.scaling.isTable {
      architecture.rotary?.factors = .one
    }
    if family.hasPairsInGGUF { architecture.rotary?.pairing = .halves }
  }

  private mutating func setWindows(_ settings: FolderSettings, isRun: Bool) throws(ModelFileError) {
    let isUsed = try settings.flag("use_sliding_window") ?? true
    let window = isUsed ? try settings.optionalSize("sliding_window") : nil
    let flags = try settings.windowedLayers(), name = family.architecture
    var isEverywhere = flags?.allSatisfy { $0 } ?? (family.windows == .everywhere)
    guard flags?.contains(true) ?? (window != nil) else {
      architecture.windows = nil
      return
    }
    guard let window else {
      throw settings.refusal("sliding_window", "layers have a window, but its size is not there")
    }
    if flags == nil, family.windows == .refused {
      throw settings.refusal("sliding_window", "a window cannot be run in this family")
    }
    if family.windows == .byArchitecture, flags == nil { isEverywhere = false }
    metadata["\(name).attention.sliding_window"] = .uint32(UInt32(clamping: window))
    if let flags {
      metadata["\(name).attention.sliding_window_pattern"] = .array(.bool(flags))
    } else if case .integer? = settings.reader.value("sliding_window_pattern") {
      let period = try settings.size("sliding_window_pattern")
      metadata["\(name).attention.sliding_window_pattern"] = .uint32(UInt32(clamping: period))
    }
    if architecture.windows == nil { architecture.windows = .init(period: 0) }
    architecture.windows?.layers = nil
    if isEverywhere, !isRun, case .uint32(let context)? = metadata["\(name).context_length"] {
      metadata["\(name).context_length"] = .uint32(min(context, UInt32(clamping: window)))
    }
  }

  private mutating func setActivation(_ settings: FolderSettings, isRun: Bool) throws(ModelFileError) {
    let kind = family.activation
    let keys = ["hidden_act", "hidden_activation", "activation_function", "activation"]
    let key = keys.last { settings.reader.value($0) != nil }
    var name = kind.standard
    if let key, !kind.isFixed, let stated = try settings.reader.optionalString(key) { name = stated }
    guard let function = kind.meanings[name] ?? FolderActivation.known[name] else {
      throw settings.refusal(key ?? "hidden_act", "the activation “\(name)” cannot be run")
    }
    let standard: Activation.Function
    switch architecture.feedForward {
    case .gated(let old):
      standard = old
      architecture.feedForward = .gated(function)
    case .plain(let old):
      standard = old
      architecture.feedForward = .plain(function)
    case .gatedOrPlain(let old):
      standard = old
      architecture.feedForward = .gatedOrPlain(function)
    }
    // Programs for GGUF compute every GELU by its approximation.
    let gelus: Set<Activation.Function> = [.geluErf, .geluTanh]
    guard isRun || standard == function || gelus.isSuperset(of: [standard, function]) else {
      throw settings.refusal(
        key ?? "hidden_act", "“\(name)” cannot be converted: \(family.architecture) has \(standard)")
    }
  }
}

extension FolderFamily {
  /// Keys that change what a model computes, and the values at which they do not. A family that reads them says so.
  private static let neutral: [(key: String, values: [JSONValue])] = [
    ("attn_logit_softcapping", []), ("final_logit_softcapping", []), ("clip_qkv", []), ("logit_scale", [.integer(1)]),
    ("embedding_multiplier", [.integer(1), .number(1)]), ("residual_multiplier", [.integer(1), .number(1)]),
    ("attention_multiplier", []), ("logits_scaling", [.integer(1), .number(1)]),
    ("query_pre_attn_scalar", []), ("alibi", [.bool(false)]), ("use_qk_norm", [.bool(false)]),
    ("qk_layernorm", [.bool(false)]), ("no_rope_layers", [.array([])]),
    ("num_local_experts", [.integer(0), .integer(1)]),
    ("num_experts", [.integer(0), .integer(1)]), ("n_routed_experts", [.integer(0), .integer(1)]),
    ("moe_num_experts", [.integer(0), .integer(1)]), ("num_nextn_predict_layers", [.integer(0)]),
    ("use_bidirectional_attention", [.bool(false)]), ("attn_config", []), ("use_mrope", [.bool(false)]),
  ]

  /// - Throws: `unsupportedModel` for a key with an effect that the family does not have.
  fileprivate func refuseOthers(_ settings: FolderSettings) throws(ModelFileError) {
    for (key, value) in wanted.sorted(by: { $0.key < $1.key }) {
      if let found = settings.reader.value(key), found != value {
        throw settings.refusal(key, "a value other than the usual one cannot be run")
      }
    }
    let read = Set(keys.flatMap(\.sources)).union(wanted.keys)
    for (key, values) in Self.neutral where !read.contains(key) {
      if let found = settings.reader.value(key), !values.contains(found) {
        throw settings.refusal(key, "this family is run without it")
      }
    }
  }

  fileprivate func epsilon(_ settings: FolderSettings) throws(ModelFileError) -> Double {
    let stated = try settings.number(
      "rms_norm_eps", "layer_norm_eps", "layer_norm_epsilon", "norm_epsilon", "layernorm_epsilon", "norm_eps")
    return stated ?? epsilon ?? 1e-6
  }

  fileprivate func kvHeads(_ settings: FolderSettings) throws(ModelFileError) -> Int {
    let stated = try settings.size("num_key_value_heads", "num_kv_heads", default: settings.heads)
    let count = try kvHeadCount(settings) ?? stated
    guard settings.heads % count == 0 else {
      throw settings.reader.failure(
        .invalidMetadata, "num_key_value_heads", "\(settings.heads) heads are no multiple of \(count)")
    }
    return count
  }
}
