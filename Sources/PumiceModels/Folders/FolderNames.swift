/// What the tensors of models of the Llama family are called in Hugging Face folders, and in GGUF files.
///
/// Source: the modules of transformers' `LlamaForCausalLM`, and the GGUF specification.
enum FolderNames {
  private static let outer = [
    ("token_embd", "model.embed_tokens"), ("output_norm", "model.norm"), ("output", "lm_head"),
  ]
  private static let inLayer = [
    ("attn_norm", "input_layernorm"), ("attn_q", "self_attn.q_proj"), ("attn_k", "self_attn.k_proj"),
    ("attn_v", "self_attn.v_proj"), ("attn_output", "self_attn.o_proj"), ("attn_q_norm", "self_attn.q_norm"),
    ("attn_k_norm", "self_attn.k_norm"), ("ffn_norm", "post_attention_layernorm"), ("ffn_gate", "mlp.gate_proj"),
    ("ffn_up", "mlp.up_proj"), ("ffn_down", "mlp.down_proj"),
  ]
  private static let toFolder = Dictionary(uniqueKeysWithValues: (outer + inLayer))
  private static let toGGUF = Dictionary(uniqueKeysWithValues: (outer + inLayer).map { ($1, $0) })
  private static let suffixes = [".weight", ".bias"]

  /// The name in a folder of `blk.3.attn_q.weight`; nil where folders have none for it.
  static func folderName(_ name: String) -> String? {
    translated(name, from: "blk.", to: "model.layers.", by: toFolder)
  }

  /// The name in a GGUF file of `model.layers.3.self_attn.q_proj.weight`; nil where GGUF has none for it.
  static func ggufName(_ name: String) -> String? {
    translated(name, from: "model.layers.", to: "blk.", by: toGGUF)
  }

  private static func translated(
    _ name: String, from prefix: String, to newPrefix: String, by table: [String: String]
  ) -> String? {
    guard let suffix = suffixes.first(where: name.hasSuffix) else { return nil }
    let stem = name.dropLast(suffix.count)
    guard stem.hasPrefix(prefix) else { return table[String(stem)].map { $0 + suffix } }
    let rest = stem.dropFirst(prefix.count)
    guard let dot = rest.firstIndex(of: "."), let layer = Int(rest[..<dot]), String(layer) == rest[..<dot],
      let part = table[String(rest[rest.index(after: dot)...])]
    else { return nil }
    return "\(newPrefix)\(layer).\(part)\(suffix)"
  }
}

/// The order of the rows of the queries' and keys' weights.
///
/// GGUF's Llama files keep elements that the rotary embedding turns together side by side; in folders the first half of a
/// head is turned with the second.
struct HeadRows: Hashable {
  var headSize: Int

  /// The row of a folder that is row `row` of a GGUF file.
  func folderRow(_ row: Int) -> Int {
    let inHead = row % headSize
    return row - inHead + inHead % 2 * (headSize / 2) + inHead / 2
  }

  /// `bytes`, a tensor of `rows` rows of equal size, in another order: row `index` of the result is row `source(index)`.
  static func reordered(_ bytes: UnsafeRawBufferPointer, rows: Int, by source: (Int) -> Int) -> [UInt8] {
    let size = bytes.count / rows
    return [UInt8](unsafeUninitializedCapacity: bytes.count) { result, count in
      let target = UnsafeMutableRawBufferPointer(result)
      for row in 0..<rows {
        let from = source(row) * size
        UnsafeMutableRawBufferPointer(rebasing: target[row * size..<(row + 1) * size])
          .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[from..<from + size]))
      }
      count = bytes.count
    }
  }

  /// The row of a GGUF file that is row `row` of a folder.
  func ggufRow(_ row: Int) -> Int {
    let inHead = row % headSize, half = headSize / 2
    return row - inHead + inHead % half * 2 + inHead / half
  }
}
