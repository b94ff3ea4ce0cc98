import PumiceModelFiles
import PumiceTokenizers
import Testing

@Suite struct WordPieceTests {
  private static let tokens = [
    "[PAD]", "[UNK]", "[CLS]", "[SEP]", "▁un", "aff", "able", "▁hello", "▁,", "▁!", "▁cafe", "▁中",
    "▁a", "b", "▁'", "▁ss",
  ]

  private static func file(_ change: (inout GGUFMetadata) -> Void = { _ in }) throws -> GGUFFile {
    var metadata = GGUFMetadata([
      ("tokenizer.ggml.model", .string("bert")), ("tokenizer.ggml.tokens", .array(.string(tokens))),
      ("tokenizer.ggml.token_type", .array(.int32(tokens.indices.map { $0 < 4 ? 3 : 1 }))),
      ("tokenizer.ggml.unknown_token_id", .uint32(1)), ("tokenizer.ggml.cls_token_id", .uint32(2)),
      ("tokenizer.ggml.seperator_token_id", .uint32(3)),
    ])
    change(&metadata)
    return try GGUFFile(bytes: GGUFWriter(metadata: metadata).bytes(), name: "vocabulary.gguf")
  }

  @Test(arguments: [
    ("unaffable", [4, 5, 6]), ("UNAFFABLE, hello!", [4, 5, 6, 8, 7, 9]),
    ("  hello\n\thello ", [7, 7]), ("", []),
    ("Café", [10]), ("Cafe\u{301}", [10]), ("中中ab", [11, 11, 12, 13]), ("ab a b", [12, 13, 12, 1]),
    ("abx", [1]),
    ("a\u{0}b\u{200b}", [12, 13]), ("a'a", [12, 14, 12]), ("\u{fffd}", []),
    ("unaffableb", [4, 5, 6, 13]),
  ])
  func wordsAreCutGreedily(text: String, ids: [Int32]) throws {
    let tokenizer = try Tokenizers.load(from: Self.file())
    #expect(try tokenizer.encode(text, addSpecial: false, parseSpecial: false) == ids)
    #expect(try tokenizer.encode(text, addSpecial: true, parseSpecial: false) == [2] + ids + [3])
  }

  @Test func textComesBackInSmallLetters() throws {
    let tokenizer = try Tokenizers.load(from: Self.file())
    #expect(tokenizer.decode([2, 7, 8, 4, 5, 6, 3]) == "hello , unaffable")
    #expect(
      tokenizer.bosToken == 2 && tokenizer.eosToken == 3
        && tokenizer.endOfGenerationTokens.contains(3))
    #expect(try tokenizer.encode("[CLS]", addSpecial: false, parseSpecial: true) == [2])
  }

  @Test func casesAreKeptWhereTheFileSaysSo() throws {
    let tokenizer = try Tokenizers.load(
      from: Self.file { $0["tokenizer.ggml.normalizer.lowercase"] = .bool(false) })
    #expect(try tokenizer.encode("hello Hello", addSpecial: false, parseSpecial: false) == [7, 1])
  }

  @Test func missingTokensAreNamed() throws {
    let error = #expect(throws: TokenizerError.self) {
      try Tokenizers.load(
        from: Self.file {
          $0["tokenizer.ggml.unknown_token_id"] = nil
          $0["tokenizer.ggml.tokens"] = .array(
            .string(Self.tokens.map { $0 == "[UNK]" ? "x" : $0 }))
        })
    }
    #expect(error?.key == "tokenizer.ggml.unknown_token_id")
    #expect(throws: TokenizerError.self) {
      try Tokenizers.load(
        from: Self.file {
          $0["tokenizer.ggml.seperator_token_id"] = nil
          $0["tokenizer.ggml.add_sep_token"] = .bool(true)
          $0["tokenizer.ggml.tokens"] = .array(
            .string(Self.tokens.map { $0 == "[SEP]" ? "x" : $0 }))
        })
    }
  }
}
