import PumiceModelFiles
import PumiceOperators

extension FolderFamily {
  /// DeepSeek, and families with its experts or its latents.
  static let likeDeepSeek = [
    FolderFamily(
      types: ["deepseek_v2"], architecture: "deepseek2", inner: Names.deepSeek, keys: latentKeys,
      experts: FolderExperts(normalizes: false), hasLatents: true),
    FolderFamily(
      types: ["deepseek_v3"], architecture: "deepseek2", inner: Names.deepSeek, wanted: ["rope_interleave": .bool(true)],
      keys: latentKeys, experts: FolderExperts(scoring: .sigmoid, normalizes: true), hasLatents: true),
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
  ]

  private static let latentKeys: [FolderKey] = [
    .size("attention.q_lora_rank", "q_lora_rank"), .size("attention.kv_lora_rank", "kv_lora_rank"),
    FolderKey("attention.key_length") { (settings: FolderSettings) throws(ModelFileError) in
      let plain = try settings.size("qk_nope_head_dim"), turned = try settings.size("qk_rope_head_dim")
      return .uint32(UInt32(clamping: plain + turned))
    },
    .size("attention.value_length", "v_head_dim"),
    // Latents make the keys and values of every head.
    FolderKey("attention.head_count_kv") { settings in .uint32(UInt32(clamping: settings.heads)) },
  ]

  /// The factors that GGUF's architecture knows, where they are others.
  private static let adaptMiniCPM3: @Sendable (inout Architecture, FolderSettings) throws(ModelFileError) -> Void = {
    (architecture: inout Architecture, settings: FolderSettings) throws(ModelFileError) in
    if let scale = try settings.number("scale_emb") { architecture.scales.embedding = .constant(Float(scale)) }
    if let depth = try settings.number("scale_depth") { architecture.scales.residual = .byRootOfDepth(Float(depth)) }
    if let base = try settings.number("dim_model_base") { architecture.scales.logits = .byWidth(Float(base)) }
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
  static let deepSeek = deepSeekExperts.with(latents.mapValues { .some($0) })
}
