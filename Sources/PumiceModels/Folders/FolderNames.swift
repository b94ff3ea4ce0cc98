/// What the tensors of models of the Llama family are called in Hugging Face folders, and in GGUF files.
///
/// Source: the modules of transformers' `LlamaForCausalLM`, and the GGUF specification.
enum FolderNames {
  private static let toGGUF: [String: String] = {
    var names: [String: String] = [:]
    for (name, target) in Names.outer.merging(Names.llama, uniquingKeysWith: { $1 }) {
      guard case .one(let ggufName) = target else { continue }
      names[Names.outer[name] == nil || name == "lm_head" ? name : "model.\(name)"] = ggufName
    }
    return names
  }()
  private static let toFolder = Dictionary(uniqueKeysWithValues: toGGUF.map { ($1, $0) })
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

  /// The row of a GGUF file that is row `row` of a folder.
  func ggufRow(_ row: Int) -> Int {
    let inHead = row % headSize, half = headSize / 2
    return row - inHead + inHead % half * 2 + inHead / half
  }
}
