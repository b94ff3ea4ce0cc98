import PumiceModelFiles

/// A byte-level vocabulary: the 256 bytes, then `extra` tokens with their types.
func byteLevelFile(
  extra: [(String, Int32)] = [], merges: [String] = [], without missing: Set<Int> = [],
  metadata: [(String, GGUFValue)] = []
) throws -> GGUFFile {
  let printable = Array(33...126) + Array(161...172) + Array(174...255)
  let others = (0...255).filter { !printable.contains($0) }
  let characters = (0...255).map { (byte: Int) -> String in
    let code = others.firstIndex(of: byte).map { 256 + $0 } ?? byte
    return missing.contains(byte) ? "" : Unicode.Scalar(UInt32(code)).map { String($0) } ?? ""
  }
  var writer = GGUFWriter()
  writer.metadata["tokenizer.ggml.model"] = .string("gpt2")
  writer.metadata["tokenizer.ggml.pre"] = .string("gpt-2")
  writer.metadata["tokenizer.ggml.tokens"] = .array(.string(characters + extra.map(\.0)))
  writer.metadata["tokenizer.ggml.token_type"] = .array(
    .int32([Int32](repeating: 1, count: 256) + extra.map(\.1)))
  writer.metadata["tokenizer.ggml.merges"] = .array(.string(merges))
  for (key, value) in metadata { writer.metadata[key] = value }
  return try GGUFFile(bytes: writer.bytes(), name: "small.gguf")
}

/// A SentencePiece vocabulary: unknown, begin, end, the 256 bytes, then `pieces` with their scores.
func sentencePieceFile(
  pieces: [(String, Float)] = [], metadata: [(String, GGUFValue)] = []
) throws -> GGUFFile {
  let bytes = (0...255).map { "<0x\($0 < 16 ? "0" : "")\(String($0, radix: 16, uppercase: true))>" }
  var writer = GGUFWriter()
  writer.metadata["tokenizer.ggml.model"] = .string("llama")
  writer.metadata["tokenizer.ggml.tokens"] = .array(.string(["<unk>", "<s>", "</s>"] + bytes + pieces.map(\.0)))
  writer.metadata["tokenizer.ggml.scores"] = .array(
    .float32([Float](repeating: 0, count: 259) + pieces.map(\.1)))
  let types: [Int32] = [2, 3, 3] + [Int32](repeating: 6, count: 256) + [Int32](repeating: 1, count: pieces.count)
  writer.metadata["tokenizer.ggml.token_type"] = .array(.int32(types))
  for (key, value) in metadata { writer.metadata[key] = value }
  return try GGUFFile(bytes: writer.bytes(), name: "small.gguf")
}
