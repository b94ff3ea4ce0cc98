/// Which tokens end a model's turn, beyond those that the file names by key.
///
/// Files often name only the end of the sequence, while the model was trained to end its turns with another token.
enum EndOfGeneration {
  /// Names that mean the end wherever they occur: of Llama 3, ChatML and Qwen, Phi, Gemma, GPT-2 and its heirs,
  /// gpt-oss, Granite, SmolVLM, and the separators at which models of code must stop.
  private static let names = [
    "<|eot_id|>", "<|eom_id|>", "<|im_end|>", "<|end|>", "<|return|>", "<|call|>", "<end_of_turn>",
    "<|endoftext|>",
    "<|end_of_text|>", "<EOT>", "_<EOT>", "<end_of_utterance>", "<|fim_pad|>", "<|repo_name|>",
    "<|file_sep|>",
  ]

  /// The tokens of well-known name that the vocabulary has.
  static func wellKnown(in table: ByteStringTable) -> Set<Int32> {
    Set(names.compactMap { table.find(Array($0.utf8)) })
  }

  /// All of `candidates` but `<|end|>` where it ends a message and not the turn: in vocabularies that also have
  /// `<|return|>` and `<|call|>`.
  static func tokens(_ candidates: Set<Int32>, in table: ByteStringTable) -> Set<Int32> {
    let endsOfTurn = ["<|return|>", "<|call|>"].map { table.find(Array($0.utf8)) }
    guard !endsOfTurn.contains(nil), let endOfMessage = table.find(Array("<|end|>".utf8)) else {
      return candidates
    }
    return candidates.subtracting([endOfMessage])
  }
}
