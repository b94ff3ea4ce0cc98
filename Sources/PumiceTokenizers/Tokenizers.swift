public import PumiceModelFiles

/// Makes tokenizers from the metadata of model files.
public enum Tokenizers {
  /// The tokenizer that a file describes: SentencePiece with byte fallback (`llama`), byte-level BPE (`gpt2`)
  /// or WordPiece (`bert`).
  ///
  /// - Throws: a `TokenizerError` for a kind that is not supported or a vocabulary that contradicts itself, a
  ///   `ModelFileError` for a key that is missing or of the wrong type. Both name the key.
  public static func load(from file: GGUFFile) throws -> any Tokenizer {
    switch try file.string(Keys.model) {
    case "llama": return try SentencePieceTokenizer(file)
    case "gpt2": return try ByteLevelTokenizer(file)
    case "bert": return try WordPieceTokenizer(file)
    case let name:
      throw TokenizerError(
        code: .unsupported, file: file.path, key: Keys.model,
        detail: "the tokenizer “\(name)” is not supported, "
          + "only “llama” (SentencePiece), “gpt2” (byte-level BPE) and “bert” (WordPiece)")
    }
  }
}
