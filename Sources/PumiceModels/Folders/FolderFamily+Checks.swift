import PumiceModelFiles

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
  func refuseOthers(_ settings: FolderSettings) throws(ModelFileError) {
    for (key, value) in wanted.sorted(by: { $0.key < $1.key }) {
      if let found = settings.reader.value(key), found != value {
        throw settings.refusal(key, "a value other than the usual one cannot be run")
      }
    }
    var read = Set(keys.flatMap(\.sources)).union(wanted.keys)
    if experts != nil { read.formUnion(FolderExperts.sources) }
    for (key, values) in Self.neutral where !read.contains(key) {
      if let found = settings.reader.value(key), !values.contains(found) {
        throw settings.refusal(key, "this family is run without it")
      }
    }
  }

  func epsilon(_ settings: FolderSettings) throws(ModelFileError) -> Double {
    let stated = try settings.number(
      "rms_norm_eps", "layer_norm_eps", "layer_norm_epsilon", "norm_epsilon", "layernorm_epsilon", "norm_eps")
    return stated ?? epsilon ?? 1e-6
  }

  func kvHeads(_ settings: FolderSettings) throws(ModelFileError) -> Int {
    if settings.heads == 0 { return 0 }
    let stated = try settings.size("num_key_value_heads", "num_kv_heads", default: settings.heads)
    let count = try kvHeadCount(settings) ?? stated
    guard settings.heads % count == 0 else {
      throw settings.reader.failure(
        .invalidMetadata, "num_key_value_heads", "\(settings.heads) heads are no multiple of \(count)")
    }
    return count
  }
}
