import PumiceModelFiles
import PumiceOperators

extension FolderFamily {
  /// GPT-2 and what came of it: norms with biases, plain feed-forward networks.
  static let gpt = [
    FolderFamily(
      types: ["gpt2"], architecture: "gpt2", prefixes: ["transformer."],
      outer: ["wte": "token_embd", "wpe": "position_embd", "ln_f": "output_norm", "lm_head": "output"], layers: "h.#.",
      inner: gpt2Names, ignored: ["attn.bias", "attn.masked_bias"], isTransposed: true, isTied: true, epsilon: 1e-5,
      activation: .geluTanh, wanted: gpt2Wanted),
    FolderFamily(
      types: ["gpt_bigcode"], architecture: "starcoder", prefixes: ["transformer."],
      outer: ["wte": "token_embd", "wpe": "position_embd", "ln_f": "output_norm", "lm_head": "output"], layers: "h.#.",
      inner: gpt2Names, ignored: ["attn.bias", "attn.masked_bias"], isTied: true, epsilon: 1e-5,
      activation: FolderActivation(standard: "gelu_pytorch_tanh"), kvHeadCount: { _ in 1 },
      wanted: gpt2Wanted.merging(["multi_query": .bool(true)]) { $1 }),
    FolderFamily(
      types: ["gpt_neox"], architecture: "gptneox", prefixes: ["gpt_neox."],
      outer: ["embed_in": "token_embd", "final_layer_norm": "output_norm", "embed_out": "output", "lm_head": "output"],
      inner: [
        "input_layernorm": "attn_norm", "attention.query_key_value": .headByHead, "attention.dense": "attn_output",
        "post_attention_layernorm": "ffn_norm", "mlp.dense_h_to_4h": "ffn_up", "mlp.dense_4h_to_h": "ffn_down",
      ], ignored: ["attention.bias", "attention.masked_bias"], epsilon: 1e-5, activation: .gelu,
      keys: [.flag("use_parallel_residual", "use_parallel_residual", default: true)]),
    FolderFamily(
      types: ["falcon", "RefinedWeb", "RefinedWebModel"], architecture: "falcon", prefixes: ["transformer."],
      outer: ["word_embeddings": "token_embd", "ln_f": "output_norm", "lm_head": "output"], layers: "h.#.",
      inner: [
        "input_layernorm": "attn_norm", "ln_attn": "attn_norm_2", "ln_mlp": "attn_norm",
        "self_attention.query_key_value": .headByHead, "self_attention.dense": "attn_output",
        "mlp.dense_h_to_4h": "ffn_up", "mlp.dense_4h_to_h": "ffn_down",
      ], isTied: true, epsilon: 1e-5, activation: .gelu, context: 2048,
      kvHeadCount: { settings throws(ModelFileError) in
        if try settings.flag("new_decoder_architecture") == true { return nil }
        return try settings.flag("multi_query") ?? true ? 1 : settings.heads
      }, wanted: ["alibi": .bool(false), "parallel_attn": .bool(true)]),
    FolderFamily(
      types: ["bloom"], architecture: "bloom", prefixes: ["transformer."],
      outer: [
        "word_embeddings": "token_embd", "word_embeddings_layernorm": "token_embd_norm", "ln_f": "output_norm",
        "lm_head": "output",
      ], layers: "h.#.",
      inner: [
        "input_layernorm": "attn_norm", "self_attention.query_key_value": .headByHead,
        "self_attention.dense": "attn_output", "post_attention_layernorm": "ffn_norm", "mlp.dense_h_to_4h": "ffn_up",
        "mlp.dense_4h_to_h": "ffn_down",
      ], isTied: true, epsilon: 1e-5, activation: FolderActivation(standard: "gelu_new", isFixed: true), context: 2048,
      wanted: ["apply_residual_connection_post_layernorm": .bool(false)]),
    FolderFamily(
      types: ["mpt"], architecture: "mpt", prefixes: ["transformer."],
      outer: ["wte": "token_embd", "norm_f": "output_norm", "lm_head": "output"], layers: "blocks.#.",
      inner: [
        "norm_1": "attn_norm", "attn.Wqkv": .queriesKeysValues, "attn.out_proj": "attn_output", "norm_2": "ffn_norm",
        "ffn.up_proj": "ffn_up", "ffn.down_proj": "ffn_down",
      ], isTied: true, epsilon: 1e-5, activation: FolderActivation(standard: "gelu", isFixed: true),
      kvHeadCount: { settings throws(ModelFileError) in
        try settings.reader.optionalObject("attn_config")?.optionalInteger("kv_n_heads").flatMap { $0 > 0 ? $0 : nil }
      }, wanted: ["expansion_ratio": .integer(4), "logit_scale": .null], keys: mptKeys),
    FolderFamily(
      types: ["phi"], architecture: "phi2", outer: Names.outer.with(["final_layernorm": "output_norm"]),
      inner: [
        "input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
        "self_attn.v_proj": "attn_v", "self_attn.dense": "attn_output", "mlp.fc1": "ffn_up", "mlp.fc2": "ffn_down",
      ], epsilon: 1e-5, activation: .geluTanh),
    FolderFamily(
      types: ["starcoder2"], architecture: "starcoder2",
      inner: Names.llama.with(["mlp.c_fc": "ffn_up", "mlp.c_proj": "ffn_down"]), isTied: true, epsilon: 1e-5,
      activation: FolderActivation(standard: "gelu_pytorch_tanh"), windows: .everywhere),
  ]

  private static let gpt2Names: [String: FolderTarget] = [
    "ln_1": "attn_norm", "attn.c_attn": .queriesKeysValues, "attn.c_proj": "attn_output", "ln_2": "ffn_norm",
    "mlp.c_fc": "ffn_up", "mlp.c_proj": "ffn_down",
  ]
  private static let gpt2Wanted: [String: JSONValue] = [
    "scale_attn_by_inverse_layer_idx": .bool(false), "scale_attn_weights": .bool(true),
    "add_cross_attention": .bool(false),
  ]

  private static let mptKeys = [
    FolderKey("attention.max_alibi_bias", reading: ["attn_config"]) {
      (settings: FolderSettings) throws(ModelFileError) in
      guard let config = try settings.reader.optionalObject("attn_config") else { return .float32(8) }
      for key in ["qk_ln", "prefix_lm", "softmax_scale", "attn_uses_sequence_id"] {
        if let value = config.value(key), value != .bool(false) {
          throw config.failure(.unsupportedModel, key, "a value other than the usual one cannot be run")
        }
      }
      guard try config.optionalBool("alibi") ?? true else {
        throw config.failure(.unsupportedModel, "alibi", "models without ALiBi cannot be run from a folder")
      }
      return .float32(Float(try config.optionalNumber("alibi_bias_max") ?? 8))
    },
    FolderKey("attention.clamp_kqv") { (settings: FolderSettings) throws(ModelFileError) in
      let clip = try settings.reader.optionalObject("attn_config")?.optionalNumber("clip_qkv")
      return clip.map { .float32(Float($0)) }
    },
  ]
}
