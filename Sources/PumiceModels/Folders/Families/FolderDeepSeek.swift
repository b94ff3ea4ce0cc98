import PumiceModelFiles
import PumiceOperators

extension FolderFamily {
  /// DeepSeek, and families with its experts or its latents.
  static let likeDeepSeek = [
    FolderFamily(
      types: ["deepseek"], architecture: "deepseek", inner: Names.deepSeekExperts, hasPairsInGGUF: true,
      keys: [.only("moe_layer_freq", 1)], experts: FolderExperts(normalizes: false)),
    FolderFamily(
      types: ["deepseek_v2"], architecture: "deepseek2", inner: Names.deepSeek, keys: absorbedKeys,
      experts: FolderExperts(normalizes: false), hasLatents: true, adapts: adaptLatents),
    FolderFamily(
      types: ["deepseek_v3"], architecture: "deepseek2", inner: Names.deepSeek,
      wanted: ["rope_interleave": .bool(true)],
      keys: absorbedKeys, experts: FolderExperts(scoring: .sigmoid, normalizes: true), hasLatents: true,
      adapts: adaptLatents),
    FolderFamily(
      types: ["minicpm3"], architecture: "minicpm3", inner: Names.latents, isTied: true, epsilon: 1e-5,
      keys: latentKeys, hasLatents: true, adapts: adaptMiniCPM3),
    FolderFamily(
      types: ["glm4_moe"], architecture: "glm4moe",
      inner: Names.deepSeekExperts.with(["post_attention_layernorm": "post_attention_norm"]), epsilon: 1e-5,
      keys: [FolderKey("", reading: ["use_qk_norm"]) { _ in nil }],
      experts: FolderExperts(scoring: .sigmoid, normalizes: true)),
    FolderFamily(
      types: ["dots1"], architecture: "dots1", inner: Names.deepSeekExperts,
      experts: FolderExperts(scoring: .sigmoid, normalizes: false)),
    FolderFamily(
      types: ["ernie4_5_moe"], architecture: "ernie4_5-moe",
      inner: Names.deepSeekExperts.with([
        "mlp.moe_statics.e_score_correction_bias": .numbers("exp_probs_b.bias", .flat)
      ]), ignoredPrefixes: ["model.mtp_"], epsilon: 1e-5, experts: FolderExperts()),
    // What is not turned in its heads lies where others have what is.
    FolderFamily(
      types: ["kimi_linear"], architecture: "kimi-linear",
      inner: Names.deepSeek.with(Names.sparseBlock).with(Names.kimiDelta).with([
        "block_sparse_moe.gate.e_score_correction_bias": .numbers("exp_probs_b.bias", .flat),
        "block_sparse_moe.gate_proj": "ffn_gate", "block_sparse_moe.up_proj": "ffn_up",
        "block_sparse_moe.down_proj": "ffn_down", "block_sparse_moe.shared_experts.gate_proj": "ffn_gate_shexp",
        "block_sparse_moe.shared_experts.up_proj": "ffn_up_shexp",
        "block_sparse_moe.shared_experts.down_proj": "ffn_down_shexp",
      ]), epsilon: 1e-5, wanted: ["mla_use_nope": .bool(true)],
      keys: latentSizes + [
        .size("rope.dimension_count", "qk_rope_head_dim"),
        FolderKey("kda.head_dim") { (settings: FolderSettings) throws(ModelFileError) in
          .uint32(UInt32(clamping: try kimiSizes(settings).states))
        },
      ], experts: FolderExperts(scoring: .sigmoid, normalizes: true),
      recurrence: FolderRecurrence(sizes: kimiSizes, layers: kimiLayers), hasLatents: true,
      adapts: { architecture, settings throws(ModelFileError) in
        architecture.latentAttention?.epsilon = 1e-6
        architecture.recurrence?.lengthEpsilon = 1e-6
      }),
    FolderFamily(
      types: ["minimax_m2"], architecture: "minimax-m2",
      inner: Names.experts.with(Names.sparseBlock).with([
        "block_sparse_moe.e_score_correction_bias": .numbers("exp_probs_b.bias", .flat)
      ]), wanted: ["use_qk_norm": .bool(true), "qk_norm_type": .string("per_layer")],
      experts: FolderExperts(scoring: .sigmoid, length: ["intermediate_size"])),
    FolderFamily(
      types: ["exaone_moe"], architecture: "exaone-moe",
      inner: Names.deepSeekExperts.with([
        "mlp.e_score_correction_bias": .numbers("exp_probs_b.bias", .flat)
      ]), ignoredPrefixes: ["mtp."], epsilon: 1e-5, windows: .byArchitecture, keys: [.windowLetters],
      experts: FolderExperts(scoring: .sigmoid, normalizes: true)),
    FolderFamily(
      types: ["afmoe"], architecture: "afmoe",
      inner: Names.deepSeekExperts.with([
        "post_attention_layernorm": "post_attention_norm", "pre_mlp_layernorm": "ffn_norm",
        "post_mlp_layernorm": "post_ffw_norm", "self_attn.gate_proj": "attn_gate", "mlp.gate": nil,
        "mlp.router.gate": "ffn_gate_inp", "mlp.expert_bias": .numbers("exp_probs_b.bias", .flat),
      ]), epsilon: 1e-5, windows: .byArchitecture,
      wanted: ["score_func": .string("sigmoid"), "route_norm": .bool(true)],
      keys: [
        .number("expert_weights_scale", "route_scale"),
        .size("attention.sliding_window_pattern", "global_attn_every_n_layers", without: "layer_types"),
      ], experts: FolderExperts(scoring: .sigmoid, normalizes: true),
      adapts: { architecture, settings throws(ModelFileError) in
        if try settings.flag("mup_enabled") != true { architecture.scales.embedding = .one }
      }),
    FolderFamily(
      types: ["mellum"], architecture: "mellum", inner: Names.experts, windows: .byArchitecture,
      experts: FolderExperts(normalizes: true)),
  ]

  private static let latentKeys: [FolderKey] = [
    .size("attention.q_lora_rank", "q_lora_rank"), .size("attention.kv_lora_rank", "kv_lora_rank"),
    .sum("attention.key_length", "qk_nope_head_dim", "qk_rope_head_dim"),
    .size("attention.value_length", "v_head_dim"),
    // Latents make the keys and values of every head.
    FolderKey("attention.head_count_kv") { settings in .uint32(UInt32(clamping: settings.heads)) },
  ]

  /// The same where the cache keeps the latents themselves.
  private static let absorbedKeys = latentSizes + [FolderKey("attention.head_count_kv") { _ in .uint32(1) }]

  private static let latentSizes: [FolderKey] = [
    .size("attention.q_lora_rank", "q_lora_rank"), .size("attention.kv_lora_rank", "kv_lora_rank"),
    .sum("attention.key_length", "kv_lora_rank", "qk_rope_head_dim"),
    .size("attention.value_length", "kv_lora_rank"),
    .sum("attention.key_length_mla", "qk_nope_head_dim", "qk_rope_head_dim"),
    .size("attention.value_length_mla", "v_head_dim"),
  ]

  /// Their code normalizes latents with this ε whatever a folder states.
  private static let adaptLatents: Adaptation = { architecture, _ in architecture.latentAttention?.epsilon = 1e-6 }

  /// The factors that GGUF's architecture knows, where they are others.
  private static let adaptMiniCPM3: Adaptation = { architecture, settings throws(ModelFileError) in
    architecture.latentAttention?.epsilon = 1e-6
    architecture.scales.embedding = .constant(try settings.factor("scale_emb", or: 12))
    architecture.scales.residual = .byRootOfDepth(try settings.factor("scale_depth", or: 1.4))
    architecture.scales.logits = .byWidth(try settings.factor("dim_model_base", or: 256))
  }
}

extension Names {
  static let latents = llama.with([
    "self_attn.q_a_proj": "attn_q_a", "self_attn.q_a_layernorm": "attn_q_a_norm", "self_attn.q_b_proj": "attn_q_b",
    "self_attn.kv_a_proj_with_mqa": "attn_kv_a_mqa", "self_attn.kv_a_layernorm": "attn_kv_a_norm",
    "self_attn.kv_b_proj": "attn_kv_b",
  ])
  private static let deepSeekMixture: [String: FolderTarget?] = [
    "mlp.gate.e_score_correction_bias": .numbers("exp_probs_b.bias", .flat),
    "mlp.shared_experts.gate_proj": "ffn_gate_shexp", "mlp.shared_experts.up_proj": "ffn_up_shexp",
    "mlp.shared_experts.down_proj": "ffn_down_shexp",
  ]
  static let deepSeekExperts = experts.with(deepSeekMixture)
  static let deepSeek = deepSeekExperts.with(latents.mapValues { .some($0) }).with([
    "self_attn.kv_b_proj": .keysAndValuesOfLatents
  ])
}

extension FolderKey {
  /// Two sizes together.
  fileprivate static func sum(_ name: String, _ first: String, _ second: String) -> FolderKey {
    FolderKey(name, reading: [first, second]) { (settings: FolderSettings) throws(ModelFileError) in
      .uint32(UInt32(clamping: try settings.size(first) + settings.size(second)))
    }
  }
}
