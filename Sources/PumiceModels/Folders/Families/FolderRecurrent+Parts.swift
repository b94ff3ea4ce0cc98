import PumiceModelFiles
import PumiceOperators

/// What families with recurrent blocks share.
extension FolderFamily {
  typealias Sizes = @Sendable (FolderSettings) throws(ModelFileError) -> FolderRecurrence.Sizes
  typealias Layers = @Sendable (FolderSettings) throws(ModelFileError) -> [FolderRecurrence.Layer]?
  typealias Adaptation = @Sendable (inout Architecture, FolderSettings) throws(ModelFileError) -> Void

  static let mambaSizes: Sizes = { settings throws(ModelFileError) in
    let expansion = try settings.size("expand", default: 2)
    return FolderRecurrence.Sizes(
      inner: try settings.size("intermediate_size", default: expansion * settings.width),
      taps: try settings.size("conv_kernel", default: 4), states: try settings.size("state_size", default: 16),
      steps: try settings.stepRank("time_step_rank"), groups: 0)
  }

  /// Of Mamba-2 beside or between attention.
  ///
  /// - Parameter inner: the key of the number of channels; nil for a multiple of the stream's width.
  static func headSizes(_ inner: String?) -> Sizes {
    { settings throws(ModelFileError) in
      let expanded = try settings.size("mamba_expand", default: 2) * settings.width
      var stated: Int?
      if let inner { stated = try settings.optionalSize(inner) }
      return FolderRecurrence.Sizes(
        inner: stated ?? expanded, taps: try settings.size("mamba_d_conv", default: 4),
        states: try settings.size("mamba_d_state", default: 256),
        steps: try settings.size("mamba_n_heads", default: 128),
        groups: try settings.size("mamba_n_groups", default: 1))
    }
  }

  static let convolution: Sizes = { settings throws(ModelFileError) in
    FolderRecurrence.Sizes(
      inner: settings.width, taps: try settings.size("conv_L_cache", default: 3), states: 0, steps: 1, groups: 0)
  }

  static let deltaSizes: Sizes = { settings throws(ModelFileError) in
    let heads = try settings.size("linear_num_value_heads")
    return FolderRecurrence.Sizes(
      inner: heads * (try settings.size("linear_value_head_dim")),
      taps: try settings.size("linear_conv_kernel_dim", default: 4), states: try settings.size("linear_key_head_dim"),
      steps: heads, groups: try settings.size("linear_num_key_heads"))
  }

  /// Kimi Linear's: as many heads as attention has.
  static let kimiSizes: Sizes = { settings throws(ModelFileError) in
    var inner = settings
    if let object = try settings.reader.optionalObject("linear_attn_config") { inner.reader = object }
    let heads = try inner.size("num_heads", "linear_num_heads"), size = try inner.size("linear_head_dim", "head_dim")
    guard heads == settings.heads else {
      throw inner.refusal("num_heads", "\(heads) heads with \(settings.heads) of attention cannot be run")
    }
    return FolderRecurrence.Sizes(
      inner: heads * size, taps: try inner.size("short_conv_kernel_size", "linear_conv_kernel_dim", default: 4),
      states: size, steps: heads, groups: heads)
  }

  /// The layers with attention, of which the first has the number 1.
  static let kimiLayers: Layers = { settings throws(ModelFileError) in
    let config = try settings.reader.optionalObject("linear_attn_config")
    guard let numbers = try config?.optionalArray("full_attn_layers") else { return nil }
    return (1...settings.layerCount).map { numbers.contains(.integer($0)) ? .attention : .recurrence }
  }

  static let attentionInSome: Layers = { settings throws(ModelFileError) in
    guard let indices = try settings.reader.optionalArray("full_attn_idxs") else { return nil }
    return (0..<settings.layerCount).map { indices.contains(.integer($0)) ? .attention : .recurrence }
  }

  static let attentionAtIntervals: Layers = { settings throws(ModelFileError) in
    let interval = try settings.size("full_attention_interval", default: 4)
    return (0..<settings.layerCount).map { ($0 + 1) % interval == 0 ? .attention : .recurrence }
  }

  /// Lengths that are cut by a third and rounded up, as the code of LFM2 does.
  static let lfmLength = FolderKey("feed_forward_length") { (settings: FolderSettings) throws(ModelFileError) in
    var length = try settings.size("block_ff_dim", "intermediate_size")
    if try settings.flag("block_auto_adjust_ff_dim") ?? true {
      length = 2 * length / 3
      let factor = Double(try settings.factor("block_ffn_dim_multiplier"))
      guard factor < 1e6 else { throw settings.refusal("block_ffn_dim_multiplier", "\(factor) is too large") }
      length = Int(factor * Double(length))
      let unit = try settings.size("block_multiple_of", default: 256)
      length = (length + unit - 1) / unit * unit
    }
    return .uint32(UInt32(clamping: length))
  }

  /// Queries and keys are made as long as in transformers, and heads of keys serve neighbouring heads of values, whatever the
  /// order of rows is in GGUF's files.
  static let adaptDeltaNet: Adaptation = { architecture, settings throws(ModelFileError) in
    architecture.recurrence?.lengthEpsilon = 1e-6
    let values = try settings.size("linear_num_value_heads"), keys = try settings.size("linear_num_key_heads")
    if values != keys { architecture.recurrence?.kind = .deltaNet }
  }

  /// What the products of Falcon H1 are multiplied by (maximal update parametrization).
  static let falconScales: @Sendable (FolderSettings) throws(ModelFileError) -> [FolderScale] = {
    settings throws(ModelFileError) in
    func numbers(_ key: String, _ count: Int) throws(ModelFileError) -> [Float] {
      guard let list = try settings.reader.optionalArray(key) else { return Array(repeating: 1, count: count) }
      let values = list.compactMap { value -> Float? in
        switch value {
        case .integer(let value): Float(value)
        case .number(let value): Float(value)
        default: nil
        }
      }
      guard values.count == count, values.allSatisfy(\.isFinite) else {
        throw settings.reader.failure(.invalidMetadata, key, "has other than \(count) numbers")
      }
      return values
    }
    let input = try settings.factor("attention_in_multiplier"), states = try settings.factor("ssm_in_multiplier")
    let network = try numbers("mlp_multipliers", 2)
    let scales = [
      ("attn_q", "attention_in_multiplier", [input]),
      ("attn_k", "key_multiplier", [input * (try settings.factor("key_multiplier"))]),
      ("attn_v", "attention_in_multiplier", [input]),
      ("attn_output", "attention_out_multiplier", [try settings.factor("attention_out_multiplier")]),
      ("ssm_in", "ssm_multipliers", try numbers("ssm_multipliers", 5).map { $0 * states }),
      ("ssm_out", "ssm_out_multiplier", [try settings.factor("ssm_out_multiplier")]),
      ("ffn_gate", "mlp_multipliers", [network[0]]), ("ffn_down", "mlp_multipliers", [network[1]]),
    ]
    return scales.map { FolderScale(name: $0.0, key: $0.1, values: $0.2) }.filter { $0.values.contains { $0 != 1 } }
  }

  static let adaptFalcon: Adaptation = { architecture, settings throws(ModelFileError) in
    architecture.scales.feedForwardProducts = true
    architecture.scales.embedding = .constant(try settings.factor("embedding_multiplier"))
    architecture.scales.logits = .constant(try settings.factor("lm_head_multiplier"))
    let isNormed = try settings.flag("mamba_rms_norm") ?? false
    if isNormed, try settings.flag("mamba_norm_before_gate") ?? true {
      throw settings.refusal("mamba_norm_before_gate", "a norm before the gate cannot be run")
    }
  }
}

extension FolderSettings {
  /// The numbers that Mamba's steps are made of.
  func stepRank(_ key: String) throws(ModelFileError) -> Int {
    if case .string("auto")? = reader.value(key) { return (width + 15) / 16 }
    return try size(key, default: (width + 15) / 16)
  }
}

extension FolderKey {
  /// Bounds of steps, of which only those are run that bound nothing.
  static let stepLimit = FolderKey("", reading: ["time_step_limit"]) {
    (settings: FolderSettings) throws(ModelFileError) in
    guard let limits = try settings.reader.optionalArray("time_step_limit") else { return nil }
    let isFree = limits.enumerated().allSatisfy { index, limit in
      switch limit {
      case .integer(let value): index == 0 && value <= 0
      case .number(let value): index == 0 ? value <= 0 : value == .infinity
      // How transformers 5 writes what JSON has no word for.
      case .object(let object): index == 1 && object["__float__"] == .string("Infinity")
      default: false
      }
    }
    if isFree { return nil }
    throw settings.refusal("time_step_limit", "steps with bounds cannot be run")
  }
}

extension Names {
  static let backbone: [String: FolderTarget] = [
    "embeddings": "token_embd", "embedding": "token_embd", "norm_f": "output_norm", "lm_head": "output",
  ]
  static let lfmOuter: [String: FolderTarget] = [
    "embed_tokens": "token_embd", "embedding_norm": "token_embd_norm", "lm_head": "output",
  ]
  static let lfm: [String: FolderTarget] = [
    "operator_norm": "attn_norm", "ffn_norm": "ffn_norm", "conv.conv": .kernels("shortconv.conv"),
    "conv.in_proj": "shortconv.in_proj", "conv.out_proj": "shortconv.out_proj", "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.out_proj": "attn_output",
    "self_attn.q_layernorm": "attn_q_norm", "self_attn.k_layernorm": "attn_k_norm", "feed_forward.w1": "ffn_gate",
    "feed_forward.w3": "ffn_up", "feed_forward.w2": "ffn_down",
  ]

  /// Mamba's block, called `block`.
  private static func mambaBlock(_ block: String) -> [String: FolderTarget] {
    [
      "\(block).in_proj": "ssm_in", "\(block).conv1d": .kernels("ssm_conv1d"), "\(block).x_proj": "ssm_x",
      "\(block).dt_proj": "ssm_dt", "\(block).A_log": .numbers("ssm_a", .decay), "\(block).D": .numbers("ssm_d"),
      "\(block).out_proj": "ssm_out",
    ]
  }
  static let mamba = mambaBlock("mixer").with(["norm": "attn_norm"])
  static func mambaLayer(_ block: String) -> [String: FolderTarget] {
    llama.with(mambaBlock(block).mapValues { .some($0) })
  }
  /// Mamba-2's block.
  static func mamba2(_ block: String) -> [String: FolderTarget] {
    [
      "\(block).in_proj": "ssm_in", "\(block).conv1d": .kernels("ssm_conv1d"),
      "\(block).A_log": .numbers("ssm_a", .decayColumn), "\(block).D": .numbers("ssm_d", .column),
      "\(block).dt_bias": .numbers("ssm_dt.bias"), "\(block).norm": .gainsOfGroups("ssm_norm"),
      "\(block).out_proj": "ssm_out",
    ]
  }
  /// The network of Jamba and Falcon H1, and its norm.
  static let feedForward: [String: FolderTarget?] = [
    "pre_ff_layernorm": "ffn_norm", "feed_forward.gate_proj": "ffn_gate", "feed_forward.up_proj": "ffn_up",
    "feed_forward.down_proj": "ffn_down",
  ]
  /// Every layer is one block, whatever it is.
  static let nemotron = mamba2("mixer").with([
    "norm": "attn_norm", "mixer.q_proj": "attn_q", "mixer.k_proj": "attn_k", "mixer.v_proj": "attn_v",
    "mixer.o_proj": "attn_output", "mixer.up_proj": "ffn_up", "mixer.down_proj": "ffn_down",
    "mixer.gate": "ffn_gate_inp", "mixer.gate.e_score_correction_bias": .numbers("exp_probs_b.bias", .flat),
    "mixer.experts.#.up_proj": "ffn_up_exps", "mixer.experts.#.down_proj": "ffn_down_exps",
    "mixer.experts.up_proj": .experts(ExpertStack(names: ["ffn_up_exps"])), "mixer.experts.down_proj": .experts(.downs),
    "mixer.shared_experts.up_proj": "ffn_up_shexp", "mixer.shared_experts.down_proj": "ffn_down_shexp",
  ])
  static let deltaNet: [String: FolderTarget?] = [
    "post_attention_layernorm": "post_attention_norm", "linear_attn.conv1d": .kernels("ssm_conv1d"),
    "linear_attn.A_log": .numbers("ssm_a", .decay), "linear_attn.dt_bias": .numbers("ssm_dt.bias"),
    "linear_attn.norm": "ssm_norm", "linear_attn.out_proj": "ssm_out",
  ]
  /// A delta net with a decay for each element of a key.
  static let kimiDelta: [String: FolderTarget?] = [
    "self_attn.q_conv1d": .kernels("ssm_conv1d_q"), "self_attn.k_conv1d": .kernels("ssm_conv1d_k"),
    "self_attn.v_conv1d": .kernels("ssm_conv1d_v"), "self_attn.A_log": .numbers("ssm_a", .decayColumn),
    "self_attn.dt_bias": .numbers("ssm_dt.bias", .flat), "self_attn.b_proj": "ssm_beta",
    "self_attn.f_a_proj": "ssm_f_a", "self_attn.f_b_proj": "ssm_f_b", "self_attn.g_a_proj": "ssm_g_a",
    "self_attn.g_b_proj": "ssm_g_b", "self_attn.o_norm": "ssm_norm",
  ]
  /// Qwen 3.5 has apart what Qwen3-Next has together.
  static let deltaParts: [String: FolderTarget?] = [
    "linear_attn.in_proj_qkv": "attn_qkv", "linear_attn.in_proj_z": "attn_gate", "linear_attn.in_proj_b": "ssm_beta",
    "linear_attn.in_proj_a": "ssm_alpha",
  ]
}
