import PumiceModelFiles
import PumiceTensors

/// A whole Llama model of a few hundred weights, small enough to be mutated.
enum TinyModel {
  private static let width = 8, heads = 1, length = 16, layers = 1

  /// The model as a file, with the metadata of a tokenizer.
  static func file(tokens: Int, tokenizer: [(String, GGUFValue)]) throws -> [UInt8] {
    var writer = GGUFWriter(metadata: GGUFMetadata([("general.architecture", .string("llama"))]))
    for (key, value) in [
      ("context_length", 64), ("embedding_length", width), ("block_count", layers), ("feed_forward_length", length),
      ("attention.head_count", heads), ("rope.dimension_count", width),
    ] { writer.metadata["llama.\(key)"] = .uint32(UInt32(value)) }
    writer.metadata["llama.attention.layer_norm_rms_epsilon"] = .float32(1e-5)
    for (key, value) in tokenizer { writer.metadata[key] = value }
    func add(_ name: String, _ shape: Shape) {
      writer.addTensor(name, shape: shape, type: .f16, bytes: [UInt8](repeating: 0x34, count: 2 * shape.count))
    }
    add("token_embd.weight", [tokens, width])
    add("output_norm.weight", [width])
    for (name, shape) in [
      ("attn_norm", [width]), ("attn_q", [width, width]), ("attn_k", [width, width]), ("attn_v", [width, width]),
      ("attn_output", [width, width]), ("ffn_norm", [width]), ("ffn_gate", [length, width]),
      ("ffn_up", [length, width]), ("ffn_down", [width, length]),
    ] as [(String, Shape)] { add("blk.0.\(name).weight", shape) }
    return try writer.bytes()
  }

  /// The tensors of its folder.
  static func folderTensors() -> SafetensorsWriter {
    var writer = SafetensorsWriter()
    func add(_ name: String, _ shape: Shape) {
      writer.addTensor(name, shape: shape, type: .f16, bytes: [UInt8](repeating: 0x34, count: 2 * shape.count))
    }
    add("model.embed_tokens.weight", [12, width])
    add("model.norm.weight", [width])
    for (name, shape) in [
      ("input_layernorm", [width]), ("self_attn.q_proj", [width, width]), ("self_attn.k_proj", [width, width]),
      ("self_attn.v_proj", [width, width]), ("self_attn.o_proj", [width, width]), ("post_attention_layernorm", [width]),
      ("mlp.gate_proj", [length, width]), ("mlp.up_proj", [length, width]), ("mlp.down_proj", [width, length]),
    ] as [(String, Shape)] { add("model.layers.0.\(name).weight", shape) }
    return writer
  }

  /// Its `config.json`, with more members.
  static func configuration(_ more: String = "", of type: String = "llama") -> String {
    """
    {"model_type": "\(type)", "hidden_size": \(width), "num_attention_heads": \(heads), "num_key_value_heads": \(heads),
     "head_dim": \(width), "intermediate_size": \(length), "num_hidden_layers": \(layers), "vocab_size": 12,
     "max_position_embeddings": 64, "rms_norm_eps": 1e-05, "hidden_act": "silu", "tie_word_embeddings": true,
     "rope_theta": 10000.0, "bos_token_id": 1, "eos_token_id": [2, 3], "torch_dtype": "float16"\(more)}
    """
  }
}
