import PumiceModelFiles
import PumiceOperators

extension FolderFamily {
  /// Models for embeddings.
  static let encoders = [
    FolderFamily(
      types: ["bert"], architecture: "bert", prefixes: ["bert."],
      outer: [
        "embeddings.word_embeddings": "token_embd", "embeddings.position_embeddings": "position_embd",
        "embeddings.token_type_embeddings": "token_types", "embeddings.LayerNorm": "token_embd_norm",
      ], layers: "encoder.layer.#.",
      inner: [
        "attention.self.query": "attn_q", "attention.self.key": "attn_k", "attention.self.value": "attn_v",
        "attention.output.dense": "attn_output", "attention.output.LayerNorm": "attn_output_norm",
        "intermediate.dense": "ffn_up", "output.dense": "ffn_down", "output.LayerNorm": "layer_output_norm",
      ], ignored: ["embeddings.position_ids", "pooler.dense.weight", "pooler.dense.bias"], epsilon: 1e-12,
      activation: .gelu, wanted: ["position_embedding_type": .string("absolute"), "is_decoder": .bool(false)])
  ]
}
