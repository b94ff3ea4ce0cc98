import PumiceModelFiles
import PumiceOperators

extension FolderFamily {
  /// Families with experts in most layers, chosen by the softmax of the router.
  static let mixtures = [
    FolderFamily(
      types: ["mixtral"], architecture: "llama",
      inner: Names.experts.with(Names.sparseBlock), hasPairsInGGUF: true, epsilon: 1e-5, windows: .everywhere,
      experts: FolderExperts(length: ["intermediate_size"])
    ),
    FolderFamily(
      types: ["qwen2_moe"], architecture: "qwen2moe", inner: Names.experts.with(Names.sharedExpert),
      experts: FolderExperts(normalizes: false)),
    FolderFamily(
      types: ["qwen3_moe"], architecture: "qwen3moe", inner: Names.experts, experts: FolderExperts(normalizes: false)),
    FolderFamily(
      types: ["olmoe"], architecture: "olmoe", inner: Names.experts, epsilon: 1e-5,
      experts: FolderExperts(normalizes: false, length: ["intermediate_size"])),
    FolderFamily(
      types: ["granitemoe", "granitemoeshared"], architecture: "granitemoe", inner: Names.graniteExperts,
      hasPairsInGGUF: true, keys: graniteKeys, experts: FolderExperts(length: ["intermediate_size"])),
    FolderFamily(
      types: ["gpt_oss"], architecture: "gpt-oss", inner: gptOssNames,
      ignored: ["gate_up_proj_scales", "down_proj_scales"], epsilon: 1e-5,
      activation: FolderActivation(standard: "quick_gelu", isFixed: true), windows: .byArchitecture,
      keys: [.only("swiglu_limit", 7), .only("swiglu_alpha", 1.702)],
      experts: FolderExperts(scoring: .softmaxOfChosen, length: ["intermediate_size"])),
    FolderFamily(
      types: ["dbrx"], architecture: "dbrx", prefixes: ["transformer."],
      outer: ["wte": "token_embd", "norm_f": "output_norm", "lm_head": "output"], layers: "blocks.#.",
      inner: [
        "norm_attn_norm.norm_1": "attn_norm", "norm_attn_norm.attn.Wqkv": .queriesKeysValues,
        "norm_attn_norm.attn.out_proj": "attn_output", "norm_attn_norm.norm_2": "attn_output_norm",
        "ffn.router.layer": "ffn_gate_inp",
        "ffn.experts.mlp.w1": .experts(ExpertStack(names: ["ffn_gate_exps"], isFlat: true)),
        "ffn.experts.mlp.v1": .experts(ExpertStack(names: ["ffn_up_exps"], isFlat: true)),
        "ffn.experts.mlp.w2": .experts(ExpertStack(names: ["ffn_down_exps"], isTransposed: true, isFlat: true)),
      ], epsilon: 1e-5, context: 2048,
      kvHeadCount: { settings throws(ModelFileError) in
        try settings.reader.optionalObject("attn_config")?.optionalInteger("kv_n_heads").flatMap { $0 > 0 ? $0 : nil }
      }, keys: dbrxKeys, experts: FolderExperts(length: [], object: "ffn_config")),
    FolderFamily(
      types: ["hunyuan_v1_moe"], architecture: "hunyuan-moe",
      inner: Names.experts.with([
        "self_attn.query_layernorm": "attn_q_norm", "self_attn.key_layernorm": "attn_k_norm",
        "mlp.gate.wg": "ffn_gate_inp", "mlp.gate": nil, "mlp.shared_mlp.gate_proj": "ffn_gate_shexp",
        "mlp.shared_mlp.up_proj": "ffn_up_shexp", "mlp.shared_mlp.down_proj": "ffn_down_shexp",
      ]), epsilon: 1e-5,
      wanted: ["use_qk_norm": .bool(true), "use_cla": .bool(false), "use_mixed_mlp_moe": .bool(true)],
      experts: FolderExperts(length: ["intermediate_size"])),
    FolderFamily(
      types: ["llama4_text"], architecture: "llama4",
      prefixes: ["language_model.model.", "model.language_model.", "language_model.", "model."],
      inner: Names.llama.with([
        "feed_forward.gate_proj": "ffn_gate", "feed_forward.up_proj": "ffn_up", "feed_forward.down_proj": "ffn_down",
        "feed_forward.router": "ffn_gate_inp", "feed_forward.shared_expert.gate_proj": "ffn_gate_shexp",
        "feed_forward.shared_expert.up_proj": "ffn_up_shexp", "feed_forward.shared_expert.down_proj": "ffn_down_shexp",
        "feed_forward.experts.gate_up_proj": .experts(
          ExpertStack(names: ["ffn_gate_exps", "ffn_up_exps"], isTransposed: true)),
        "feed_forward.experts.down_proj": .experts(ExpertStack(names: ["ffn_down_exps"], isTransposed: true)),
      ]), epsilon: 1e-5, windows: .byArchitecture,
      keys: [.noRotation(every: "no_rope_layer_interval"), FolderKey("", reading: ["use_qk_norm"]) { _ in nil }],
      experts: FolderExperts(scoring: .sigmoid, length: ["intermediate_size"]), adapts: adaptLlama4),
  ]

  static let graniteKeys: [FolderKey] = [
    .number("embedding_scale", "embedding_multiplier"), .number("residual_scale", "residual_multiplier"),
    .number("attention.scale", "attention_multiplier"), .number("logit_scale", "logits_scaling"),
  ]

  /// Gates and ups take turns in OpenAI's matrices.
  private static let gptOssNames: [String: FolderTarget] = {
    func stack(_ names: [String], _ part: ExpertStack.Part) -> FolderTarget {
      .experts(ExpertStack(names: names, part: part, takesTurns: true, isTransposed: part == .weight))
    }
    var names = Names.llama.with([
      "post_attention_layernorm": "post_attention_norm", "self_attn.sinks": .numbers("attn_sinks.weight"),
      "mlp.router": "ffn_gate_inp",
    ])
    let both = ["ffn_gate_exps", "ffn_up_exps"], down = ["ffn_down_exps"]
    for (name, targets) in [("gate_up_proj", both), ("down_proj", down)] {
      names["mlp.experts.\(name)"] = stack(targets, .weight)
      names["mlp.experts.\(name)_blocks"] = stack(targets, .blocks)
      names["mlp.experts.\(name)_bias"] = stack(targets, .bias)
    }
    return names
  }()

  private static let dbrxKeys = [
    FolderKey("attention.clamp_kqv", reading: ["attn_config"]) { (settings: FolderSettings) throws(ModelFileError) in
      let clip = try settings.reader.optionalObject("attn_config")?.optionalNumber("clip_qkv")
      return clip.map { .float32(Float($0)) }
    },
    FolderKey("rope.freq_base") { (settings: FolderSettings) throws(ModelFileError) in
      let base = try settings.reader.optionalObject("attn_config")?.optionalNumber("rope_theta")
      return base.map { .float32(Float($0)) }
    },
    FolderKey("feed_forward_length", reading: ["ffn_config"]) { (settings: FolderSettings) throws(ModelFileError) in
      guard let config = try settings.reader.optionalObject("ffn_config") else { return nil }
      if let norm = config.value("moe_normalize_expert_weights"), norm != .integer(1), norm != .number(1) {
        throw config.failure(.unsupportedModel, "moe_normalize_expert_weights", "only the sum of magnitudes can be run")
      }
      if let name = try config.optionalObject("ffn_act_fn")?.optionalString("name"), name != "silu" {
        throw config.failure(.unsupportedModel, "ffn_act_fn", "the activation “\(name)” cannot be run")
      }
      return try config.optionalInteger("ffn_hidden_size").map { .uint32(UInt32(clamping: $0)) }
    },
  ]

  private static let adaptLlama4: @Sendable (inout Architecture, FolderSettings) throws(ModelFileError) -> Void = {
    (architecture: inout Architecture, settings: FolderSettings) throws(ModelFileError) in
    let normalizes = try settings.flag("use_qk_norm") ?? true
    let absent = architecture.headNorm?.absentWithExperts
    let isAbsent = try settings.optionalSize("num_local_experts") == absent
    if normalizes == isAbsent {
      if normalizes { architecture.headNorm?.absentWithExperts = nil } else { architecture.headNorm = nil }
    }
    switch settings.reader.value("attn_temperature_tuning") {
    case .bool(false)?, .integer(0)?: architecture.temperature = .none
    default:
      let length = try settings.size("floor_scale", default: 8192), scale = try settings.factor("attn_scale", or: 0.1)
      architecture.temperature = .unrotated(length: length, scale: scale, offset: 1)
    }
  }
}

extension FolderKey {
  /// A number that can be run alone.
  static func only(_ source: String, _ value: Double) -> FolderKey {
    FolderKey("", reading: [source]) { (settings: FolderSettings) throws(ModelFileError) in
      if let stated = try settings.number(source), stated != value {
        throw settings.refusal(source, "\(stated) cannot be run, only \(value)")
      }
      return nil
    }
  }
}

extension Names {
  /// The experts of folders in MLX's layout, called `name`.
  static func stacks(_ name: String) -> [String: FolderTarget?] {
    [
      "\(name).gate_proj": .experts(ExpertStack(names: ["ffn_gate_exps"])),
      "\(name).up_proj": .experts(ExpertStack(names: ["ffn_up_exps"])), "\(name).down_proj": .experts(.downs),
    ]
  }
  /// Experts in the place of the network, as Qwen calls them.
  static let experts = llama.with([
    "mlp.gate": "ffn_gate_inp", "mlp.experts.#.gate_proj": "ffn_gate_exps", "mlp.experts.#.up_proj": "ffn_up_exps",
    "mlp.experts.#.down_proj": "ffn_down_exps", "mlp.experts.gate_up_proj": .experts(.gatesAndUps),
    "mlp.experts.down_proj": .experts(.downs),
  ]).with(stacks("mlp.switch_mlp"))
  /// The same as Mixtral calls them.
  static let sparseBlock: [String: FolderTarget?] = [
    "block_sparse_moe.gate": "ffn_gate_inp", "block_sparse_moe.experts.#.w1": "ffn_gate_exps",
    "block_sparse_moe.experts.#.w3": "ffn_up_exps", "block_sparse_moe.experts.#.w2": "ffn_down_exps",
  ].merging(stacks("block_sparse_moe.switch_mlp")) { $1 }
  /// An expert that every token uses, with a gate.
  static let sharedExpert: [String: FolderTarget?] = [
    "mlp.shared_expert.gate_proj": "ffn_gate_shexp", "mlp.shared_expert.up_proj": "ffn_up_shexp",
    "mlp.shared_expert.down_proj": "ffn_down_shexp", "mlp.shared_expert_gate": "ffn_gate_inp_shexp",
  ]
  static let graniteExperts = llama.with([
    "block_sparse_moe.router.layer": "ffn_gate_inp", "block_sparse_moe.input_linear": .experts(.gatesAndUps),
    "block_sparse_moe.output_linear": .experts(.downs),
    "shared_mlp.input_linear": .halves("ffn_gate_shexp", "ffn_up_shexp"), "shared_mlp.output_linear": "ffn_down_shexp",
  ])
}
