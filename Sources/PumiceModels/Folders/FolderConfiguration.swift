import Foundation
import PumiceModelFiles
import PumiceOperators

/// What `config.json` of a folder says: the layers of its model, and the same as GGUF's metadata.
struct FolderConfiguration {
  let family: FolderFamily
  /// The architecture as the folder has it.
  var architecture: Architecture
  private(set) var metadata: GGUFMetadata
  let rope: FolderRope?
  let heads: Int
  let kvHeads: Int
  let headSize: Int
  let feedForwardLength: Int
  let layerCount: Int
  /// Layers behind these that predict tokens further ahead, and are left out.
  let predictionLayers: Int
  let mixture: FolderMixture?
  var recurrence: FolderRecurrence.Sizes?
  /// The numbers of a delta net whose heads of values have another order in a file that is to be written.
  private(set) var tiled: FolderRecurrence.Sizes?
  /// Elements of a head that latents make: of a key without its turned part, and of a value.
  let latents: (plain: Int, value: Int)?
  /// What products of every layer are multiplied by.
  let productScales: [FolderScale]
  let vocabularySize: Int?
  /// Whether the output uses the embedding's matrix.
  let isTied: Bool
  /// Whether there are parts for images or sounds, which are not run.
  let hasOtherParts: Bool
  /// Whether experts are in OpenAI's layout of MXFP4.
  let hasMXFP4: Bool
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
    guard var family = FolderFamily.all.first(where: { $0.types.contains(type) }) else {
      throw root.failure(
        .unknownArchitecture, "model_type", "“\(type)” cannot be run from a folder, only: \(FolderFamily.names)")
    }
    let settings = try FolderSettings(config)
    try family.varies(&family, settings)
    guard let known = Architecture.all.first(where: { $0.name == family.architecture }) else {
      preconditionFailure("a family of the architecture \(family.architecture), which there is not")
    }
    self.family = family
    try family.refuseOthers(settings)
    heads = settings.heads
    let attends = known.recurrence?.layers != .alone
    guard heads > 0 || !attends else {
      throw config.failure(.missingKey, "num_attention_heads", "the file does not have it")
    }
    layerCount = settings.layerCount
    predictionLayers = family.experts == nil ? 0 : try settings.count("num_nextn_predict_layers")
    kvHeads = try family.kvHeads(settings)
    headSize = attends ? try Self.headSize(settings, family) : 0
    let positions = try settings.size(
      "max_position_embeddings", "n_positions", "max_seq_len", "seq_length", "model_max_length",
      default: family.context)
    let context = positions - family.firstPosition
    guard context > 0 else {
      throw root.failure(.invalidMetadata, "max_position_embeddings", "\(positions) leaves no position for a token")
    }
    feedForwardLength = try settings.size(
      "intermediate_size_mlp", "intermediate_size", "n_inner", "ffn_hidden_size", default: 4 * settings.width)
    vocabularySize = try settings.optionalSize("padded_vocab_size", "vocab_size")
    rope =
      known.rotary == nil
      ? nil
      : try FolderRope(
        settings, headSize: headSize, context: context, isRun: isRun, hasLatents: family.hasLatents,
        roundsBlend: known.rotary?.roundsBlend ?? true)
    // Where there are other parts too, some folders say it of all of them and some of the text alone.
    func holder(_ key: String) -> ConfigurationReader { root.value(key) == nil ? config : root }
    isTied = try holder("tie_word_embeddings").optionalBool("tie_word_embeddings") ?? family.isTied
    let method = try root.optionalObject("quantization_config")?.optionalString("quant_method")
    hasMXFP4 = family.experts != nil && method == "mxfp4"
    bosToken = try FolderSettings.tokens(holder("bos_token_id"), "bos_token_id").first
    eosTokens = try FolderSettings.tokens(holder("eos_token_id"), "eos_token_id")
    mixture = try FolderMixture(family.experts, settings)

    latents =
      family.hasLatents ? (try settings.size("qk_nope_head_dim"), try settings.size("v_head_dim")) : nil
    productScales = try family.productScales(settings)
    if !isRun, let scale = productScales.first {
      throw settings.refusal(scale.key, "factors of products other than 1 cannot be converted")
    }
    architecture = known
    metadata = GGUFMetadata()
    metadata["general.architecture"] = .string(family.architecture)
    metadata["general.name"] = .string(URL(fileURLWithPath: folder).standardizedFileURL.lastPathComponent)
    set("context_length", context)
    set("embedding_length", settings.width)
    set("block_count", layerCount)
    set("feed_forward_length", attends ? feedForwardLength * known.feedForwardDivisor : 0)
    if attends {
      set("attention.head_count", heads)
      set("attention.head_count_kv", kvHeads)
      set("attention.key_length", headSize)
      set("attention.value_length", headSize)
    }
    let isRMS = known.norm == .rms || known.norm == .plainRMS
    let epsilon = try family.epsilon(settings)
    set(isRMS ? "attention.layer_norm_rms_epsilon" : "attention.layer_norm_epsilon", epsilon)
    if let rope { try setRotation(rope, settings) }
    try setWindows(settings, isRun: isRun)
    if let mixture {
      for (key, value) in mixture.metadata { set(key, value) }
      mixture.adapt(&architecture)
    }
    if let recurrence = family.recurrence { try setRecurrence(recurrence, settings) }
    for key in family.keys { if let value = try key.value(settings) { set(key.name, value) } }
    try family.adapts(&architecture, settings)
    if !isRun, known.recurrence?.kind == .deltaNetTiled {
      architecture.recurrence?.kind = .deltaNetTiled
      tiled = recurrence
    }
    try setActivation(settings, isRun: isRun)
    if let magnitude = rope?.magnitude, magnitude != 1 {
      guard !family.hasLatents else {
        throw settings.refusal("rope_scaling", "turned parts of latents that are scaled cannot be run")
      }
      set("rope.scaling.attn_factor", magnitude)
    }
  }

  mutating func set(_ key: String, _ value: GGUFValue) { metadata["\(family.architecture).\(key)"] = value }
  private mutating func set(_ key: String, _ value: Int) { set(key, GGUFValue.uint32(UInt32(clamping: value))) }
  private mutating func set(_ key: String, _ value: Double) { set(key, GGUFValue.float32(Float(value))) }

  /// Which elements are turned together in the order of rows that a GGUF file has.
  var pairingInGGUF: RoPE.Pairing {
    family.hasPairsInGGUF ? .adjacent : architecture.rotary?.pairing ?? .halves
  }

  private var rotaryDimensions: Int { rope.map { Int(Double(headSize) * $0.share) } ?? 0 }

  private static func headSize(_ settings: FolderSettings, _ family: FolderFamily) throws(ModelFileError) -> Int {
    // Of heads that are made of latents only this part is turned.
    if family.hasLatents { return try settings.size("qk_rope_head_dim") }
    if let size = try settings.optionalSize("head_dim", "attention_head_dim", "kv_channels") { return size }
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
    if let yarn = rope.yarn {
      metadata["\(name).rope.scaling.type"] = .string("yarn")
      set("rope.scaling.factor", yarn.factor)
      set("rope.scaling.original_context_length", yarn.original)
      set("rope.scaling.yarn_beta_fast", yarn.fast)
      set("rope.scaling.yarn_beta_slow", yarn.slow)
      if yarn.weight > 0 {
        set("rope.scaling.yarn_log_multiplier", yarn.weight / (architecture.rotary?.logMultiplierUnit ?? 1))
      }
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
    let isUsed = try settings.flag("use_sliding_window") ?? true, isChunked = architecture.windows?.isChunked == true
    var window = isUsed ? try settings.optionalSize("sliding_window") : nil
    if settings.reader.value("layer_types") != nil, window == nil {
      window = try settings.optionalSize("local_attention")
    }
    if isChunked {
      window = try settings.optionalSize("attention_chunk_size")
      architecture.windows?.size = window
    }
    let flags = try settings.windowedLayers(recurs: family.recurrence != nil, isChunked: isChunked)
    let name = family.architecture
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
