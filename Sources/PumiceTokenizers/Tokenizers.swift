public import PumiceModelFiles

/// Makes tokenizers from the metadata of model files.
public enum Tokenizers {
  /// The tokenizer that a file describes: SentencePiece with byte fallback (`llama`), byte-level BPE (`gpt2`), WordPiece
  /// (`bert`) or Unigram (`t5`); of a folder, what its `tokenizer.json` says.
  ///
  /// - Throws: a `TokenizerError` for a kind that is not supported or a vocabulary that contradicts itself, a
  ///   `ModelFileError` for a key that is missing or of the wrong type. Both name the key.
  public static func load(from file: any GGUFSource) throws -> any Tokenizer {
    if file.metadata[Keys.model] == nil, file.metadata[Keys.huggingFace] != nil { return try PipelineTokenizer(file) }
    switch try file.string(Keys.model) {
    case "llama": return try SentencePieceTokenizer(file)
    case "gpt2": return try ByteLevelTokenizer(file)
    case "bert": return try WordPieceTokenizer(file)
    case "t5": return try UnigramTokenizer(file)
    case let name:
      throw TokenizerError(
        code: .unsupported, file: file.path, key: Keys.model,
        detail: "the tokenizer “\(name)” is not supported, "
          + "only “llama” (SentencePiece), “gpt2” (byte-level BPE), “bert” (WordPiece) and “t5” (Unigram)")
    }
  }
}
