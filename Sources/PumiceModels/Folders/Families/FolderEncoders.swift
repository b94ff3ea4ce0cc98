import PumiceModelFiles
import PumiceOperators

extension FolderFamily {
  /// Encoders, for embeddings.
  static let encoders = [
    FolderFamily(
      types: ["bert"], architecture: "bert", prefixes: ["bert."], outer: bertOuter, layers: "encoder.layer.#.",
      inner: bertNames, ignored: ["position_ids"], isTied: true, epsilon: 1e-12, activation: .gelu, wanted: bertWanted),
    // The first positions are those of padding.
    FolderFamily(
      types: ["roberta", "xlm-roberta", "camembert"], architecture: "bert", prefixes: ["roberta."], outer: bertOuter,
      layers: "encoder.layer.#.", inner: bertNames, ignored: ["position_ids"], isTied: true, epsilon: 1e-5,
      activation: .gelu, firstPosition: 2, wanted: bertWanted.merging(["pad_token_id": .integer(1)]) { $1 }),
    FolderFamily(
      types: ["nomic_bert"], architecture: "nomic-bert", prefixes: ["bert."],
      outer: [
        "embeddings.word_embeddings": "token_embd", "embeddings.token_type_embeddings": "token_types",
        "emb_ln": "token_embd_norm",
      ], layers: "encoder.layers.#.",
      inner: [
        "attn.Wqkv": .queriesKeysValues, "attn.out_proj": "attn_output", "norm1": "attn_output_norm",
        "mlp.fc11": "ffn_up", "mlp.fc12": "ffn_gate", "mlp.fc2": "ffn_down", "norm2": "layer_output_norm",
      ], isTied: true, epsilon: 1e-12, activation: FolderActivation(meanings: ["swiglu": .silu]),
      wanted: [
        "prenorm": .bool(false), "parallel_block": .bool(false), "rotary_emb_fraction": .number(1),
        "rotary_emb_interleaved": .bool(false), "causal": .bool(false), "use_rms_norm": .bool(false),
      ],
      keys: [
        .number("rope.freq_base", "rotary_emb_base"),
        // Longer texts would have other frequencies.
        FolderKey("context_length", reading: ["max_trained_positions"]) {
          (settings: FolderSettings) throws(ModelFileError) in
          let context = try settings.size("n_positions", "max_position_embeddings")
          let trained = try settings.optionalSize("max_trained_positions") ?? context
          return .uint32(UInt32(clamping: min(context, trained)))
        },
      ]),
    FolderFamily(
      types: ["modernbert"], architecture: "modern-bert",
      outer: [
        "embeddings.tok_embeddings": "token_embd", "embeddings.norm": "token_embd_norm", "final_norm": "output_norm",
        "head.dense": "cls", "head.norm": "cls.norm", "classifier": "cls.output", "decoder": "cls.decoder",
      ],
      inner: [
        "attn_norm": "attn_norm", "attn.Wqkv": .queriesKeysValues, "attn.Wo": "attn_output", "mlp_norm": "ffn_norm",
        "mlp.Wi": .halves("ffn_gate", "ffn_up"), "mlp.Wo": "ffn_down",
      ], isTied: true, epsilon: 1e-5, activation: .gelu,
      keys: [
        .number("rope.freq_base", "global_rope_theta"), .number("rope.freq_base_swa", "local_rope_theta"),
        .size("attention.sliding_window", "local_attention", default: 128),
        FolderKey("attention.sliding_window_pattern", reading: ["global_attn_every_n_layers"]) {
          (settings: FolderSettings) throws(ModelFileError) in
          guard settings.reader.value("layer_types") == nil else { return nil }
          return .uint32(UInt32(clamping: try settings.size("global_attn_every_n_layers", default: 3)))
        },
      ],
      adapts: { (architecture: inout Architecture, _: FolderSettings) throws(ModelFileError) in
        architecture.windows = Architecture.Windows(period: 3, fullFirst: true, isCentered: true, base: .key)
      }),
    FolderFamily(types: ["eurobert"], architecture: "eurobert", epsilon: 1e-5),
  ]

  private static let bertOuter: [String: FolderTarget] = [
    "embeddings.word_embeddings": "token_embd", "embeddings.position_embeddings": "position_embd",
    "embeddings.token_type_embeddings": "token_types", "embeddings.LayerNorm": "token_embd_norm",
    // What other tasks than embeddings have.
    "pooler.dense": "cls", "classifier": "cls.output", "classifier.dense": "cls.dense",
    "classifier.out_proj": "cls.output", "cls.predictions": "cls.predictions",
    "cls.predictions.transform.dense": "cls.dense", "cls.predictions.transform.LayerNorm": "cls.norm",
    "cls.predictions.decoder": "cls.decoder", "cls.seq_relationship": "cls.relationship",
    "lm_head": "cls.head", "lm_head.dense": "cls.head_dense", "lm_head.layer_norm": "cls.head_norm",
    "lm_head.decoder": "cls.decoder",
  ]
  private static let bertNames: [String: FolderTarget] = [
    "attention.self.query": "attn_q", "attention.self.key": "attn_k", "attention.self.value": "attn_v",
    "attention.output.dense": "attn_output", "attention.output.LayerNorm": "attn_output_norm",
    "intermediate.dense": "ffn_up", "output.dense": "ffn_down", "output.LayerNorm": "layer_output_norm",
  ]
  private static let bertWanted: [String: JSONValue] = [
    "position_embedding_type": .string("absolute"), "is_decoder": .bool(false), "add_cross_attention": .bool(false),
  ]
}

extension FolderKey {
  fileprivate static func size(_ name: String, _ source: String, default standard: Int) -> FolderKey {
    FolderKey(name, reading: [source]) { (settings: FolderSettings) throws(ModelFileError) in
      .uint32(UInt32(clamping: try settings.size(source, default: standard)))
    }
  }
}
