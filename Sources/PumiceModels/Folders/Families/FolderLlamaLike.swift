import PumiceModelFiles
import PumiceOperators

extension FolderFamily {
  /// Llama, and families that differ from it in names, norms or factors.
  static let llamaLike = [
    FolderFamily(types: ["llama"], architecture: "llama", hasPairsInGGUF: true),
    FolderFamily(types: ["mistral"], architecture: "llama", hasPairsInGGUF: true, windows: .everywhere),
    FolderFamily(
      types: ["ministral3"], architecture: "mistral3",
      prefixes: ["language_model.model.", "model.language_model.", "language_model.", "model."], hasPairsInGGUF: true,
      epsilon: 1e-5, windows: .everywhere, keys: temperatureKeys),
    FolderFamily(types: ["xverse"], architecture: "xverse", hasPairsInGGUF: true),
    FolderFamily(types: ["arcee"], architecture: "arcee", hasPairsInGGUF: true, activation: .init(standard: "relu2")),
    FolderFamily(types: ["qwen2"], architecture: "qwen2"),
    FolderFamily(types: ["qwen3"], architecture: "qwen3"),
    FolderFamily(
      types: ["phi3"], architecture: "phi3",
      inner: Names.fusedGate.with(["self_attn.qkv_proj": .queriesKeysValues]), windows: .everywhere),
    FolderFamily(
      types: ["smollm3"], architecture: "smollm3", hasPairsInGGUF: true, isTied: true,
      keys: [.noRotation(every: "no_rope_layer_interval")]),
    FolderFamily(
      types: ["exaone4"], architecture: "exaone4",
      inner: Names.llama.with([
        "post_attention_layernorm": "post_attention_norm", "post_feedforward_layernorm": "post_ffw_norm",
        "input_layernorm": nil,
      ]), windows: .byArchitecture, keys: [.windowLetters]),
    FolderFamily(
      types: ["exaone"], architecture: "exaone", prefixes: ["transformer."],
      outer: ["wte": "token_embd", "ln_f": "output_norm", "lm_head": "output"], layers: "h.#.",
      inner: [
        "ln_1": "attn_norm", "attn.attention.q_proj": "attn_q", "attn.attention.k_proj": "attn_k",
        "attn.attention.v_proj": "attn_v", "attn.attention.out_proj": "attn_output", "ln_2": "ffn_norm",
        "mlp.c_fc_0": "ffn_gate", "mlp.c_fc_1": "ffn_up", "mlp.c_proj": "ffn_down",
      ], epsilon: 1e-5),
    FolderFamily(
      types: ["internlm2"], architecture: "internlm2",
      outer: ["tok_embeddings": "token_embd", "norm": "output_norm", "output": "output"],
      inner: [
        "attention_norm": "attn_norm", "attention.wqkv": .headByHead, "attention.wo": "attn_output",
        "ffn_norm": "ffn_norm", "feed_forward.w1": "ffn_gate", "feed_forward.w3": "ffn_up",
        "feed_forward.w2": "ffn_down",
      ], hasPairsInGGUF: true),
    FolderFamily(
      types: ["baichuan"], architecture: "baichuan",
      inner: Names.llama.with(["self_attn.W_pack": .queriesKeysValues]), hasPairsInGGUF: true,
      // Baichuan 2 is known by its vocabulary.
      varies: { (family: inout FolderFamily, settings: FolderSettings) throws(ModelFileError) in
        family.normalizesOutput = try settings.optionalSize("vocab_size") == 125_696
      }),
    FolderFamily(
      types: ["minicpm"], architecture: "minicpm", hasPairsInGGUF: true, isTied: true,
      keys: [
        .number("embedding_scale", "scale_emb"),
        FolderKey("residual_scale", reading: ["scale_depth"]) { (settings: FolderSettings) throws(ModelFileError) in
          let depth = try settings.number("scale_depth")
          return depth.map { .float32(Float($0 / Double(settings.layerCount).squareRoot())) }
        },
        FolderKey("logit_scale", reading: ["dim_model_base"]) { (settings: FolderSettings) throws(ModelFileError) in
          let base = try settings.number("dim_model_base")
          return base.map { .float32(Float(Double(settings.width) / $0)) }
        },
      ]),
    FolderFamily(
      types: ["granite"], architecture: "granite", hasPairsInGGUF: true, keys: graniteKeys),
    FolderFamily(types: ["ernie4_5"], architecture: "ernie4_5", epsilon: 1e-5),
    FolderFamily(
      types: ["seed_oss"], architecture: "seed_oss",
      inner: Names.llama.with(["post_attention_layernorm": "post_attention_norm"])),
    FolderFamily(
      types: ["hunyuan_v1_dense"], architecture: "hunyuan-dense",
      inner: Names.llama.with([
        "self_attn.query_layernorm": "attn_q_norm", "self_attn.key_layernorm": "attn_k_norm",
      ]), epsilon: 1e-5, wanted: ["use_qk_norm": .bool(true)]),
    FolderFamily(
      types: ["glm4"], architecture: "glm4",
      inner: Names.fusedGate.with([
        "post_self_attn_layernorm": "post_attention_norm", "post_attention_layernorm": "ffn_norm",
        "post_mlp_layernorm": "post_ffw_norm",
      ]), epsilon: 1.5625e-7),
    FolderFamily(types: ["glm"], architecture: "chatglm", inner: Names.fusedGate, epsilon: 1.5625e-7),
    FolderFamily(
      types: ["chatglm"], architecture: "chatglm", prefixes: ["transformer."],
      outer: [
        "embedding.word_embeddings": "token_embd", "encoder.final_layernorm": "output_norm",
        "output_layer": "output",
      ], layers: "encoder.layers.#.",
      inner: [
        "input_layernorm": "attn_norm", "self_attention.query_key_value": .queriesKeysValues,
        "self_attention.dense": "attn_output", "post_attention_layernorm": "ffn_norm",
        "mlp.dense_h_to_4h": .halves("ffn_gate", "ffn_up"), "mlp.dense_4h_to_h": "ffn_down",
      ], epsilon: 1e-5, activation: FolderActivation(isFixed: true),
      kvHeadCount: { settings throws(ModelFileError) in
        try settings.flag("multi_query_attention") == true ? try settings.optionalSize("multi_query_group_num") : nil
      },
      wanted: ["rmsnorm": .bool(true), "post_layer_norm": .bool(true)],
      // Half of a head is turned.
      keys: [
        FolderKey("rope.dimension_count") { (settings: FolderSettings) throws(ModelFileError) in
          let size = try settings.optionalSize("kv_channels") ?? settings.width / settings.heads
          return .uint32(UInt32(clamping: size / 2))
        }
      ]),
    FolderFamily(
      types: ["olmo"], architecture: "olmo", hasPairsInGGUF: true, epsilon: 1e-5,
      keys: [.number("attention.clamp_kqv", "clip_qkv")]),
    FolderFamily(
      types: ["olmo2", "olmo3"], architecture: "olmo2",
      inner: Names.llama.with([
        "post_attention_layernorm": "post_attention_norm", "post_feedforward_layernorm": "post_ffw_norm",
        "input_layernorm": nil,
      ]), epsilon: 1e-5, windows: .byArchitecture),
  ]
}

extension FolderFamily {
  /// Queries far back in a text grow with their position, as the keys of rotary scaling say.
  private static let temperatureKeys = [
    FolderKey("attention.temperature_scale") { (settings: FolderSettings) throws(ModelFileError) in
      try settings.rotaryScaling()?.optionalNumber("llama_4_scaling_beta").map { .float32(Float($0)) }
    },
    FolderKey("rope.scaling.original_context_length") { (settings: FolderSettings) throws(ModelFileError) in
      let length = try settings.rotaryScaling()?.optionalInteger("original_max_position_embeddings")
      return length.map { .uint32(UInt32(clamping: $0)) }
    },
  ]
}

extension FolderSettings {
  /// The keys of rotary scaling, under the name of either version of transformers.
  fileprivate func rotaryScaling() throws(ModelFileError) -> ConfigurationReader? {
    let older = try reader.optionalObject("rope_scaling"), newer = try reader.optionalObject("rope_parameters")
    return older ?? newer
  }
}

extension FolderKey {
  /// Every n-th layer without rotary positions.
  ///
  /// - Throws: `unsupportedModel` for other layers than the architecture's, which are every fourth.
  static func noRotation(every source: String) -> FolderKey {
    FolderKey("", reading: ["no_rope_layers", source]) { (settings: FolderSettings) throws(ModelFileError) in
      let interval = try settings.optionalSize(source) ?? 4
      let usual = (0..<settings.layerCount).map { JSONValue.integer(($0 + 1) % 4 == 0 ? 0 : 1) }
      let stated = try settings.reader.optionalArray("no_rope_layers")
      let flags = stated?.isEmpty == true ? nil : stated
      guard flags.map({ $0 == usual }) ?? (interval == 4) else {
        throw settings.refusal(
          "no_rope_layers", "rotary positions in other layers than all but every fourth cannot be run")
      }
      return nil
    }
  }

  /// The letters L and G of a period of layers with and without a window, of which the architecture has `LLLG`.
  static let windowLetters = FolderKey("", reading: ["sliding_window_pattern"]) {
    (settings: FolderSettings) throws(ModelFileError) in
    guard case .string(let letters)? = settings.reader.value("sliding_window_pattern"), letters != "LLLG",
      settings.reader.value("layer_types") == nil
    else { return nil }
    throw settings.refusal("sliding_window_pattern", "“\(letters)” cannot be run, only LLLG")
  }
}
