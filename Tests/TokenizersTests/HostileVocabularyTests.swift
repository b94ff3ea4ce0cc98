import PumiceModelFiles
import PumiceTokenizers
import Testing

@Suite struct HostileVocabularyTests {
  /// The one line that loading ends in.
  private func message(_ file: GGUFFile) -> String {
    do {
      _ = try Tokenizers.load(from: file)
      return ""
    } catch { return "\(error)" }
  }

  @Test func unknownKindsAreRefusedByName() throws {
    #expect(message(try byteLevelFile(metadata: [("tokenizer.ggml.model", .string("rwkv"))])).contains("“rwkv”"))
    let pre = message(try byteLevelFile(metadata: [("tokenizer.ggml.pre", .string("superbpe"))]))
    #expect(pre == "small.gguf: key tokenizer.ggml.pre: the pre-tokenizer “superbpe” is not supported")
    let empty = try GGUFFile(bytes: GGUFWriter().bytes(), name: "small.gguf")
    #expect(message(empty) == "small.gguf: key tokenizer.ggml.model: the file does not have it")
  }

  @Test(
    arguments: [
      ("tokens", .uint32(1)), ("tokens", .array(.string([]))), ("token_type", .array(.int32([1]))),
      ("token_type", .array(.int32([Int32](repeating: 9, count: 256)))), ("token_type", .string("x")),
      ("merges", .array(.string(["ab"]))), ("merges", .array(.string(["a b"]))), ("merges", .array(.string(["a ż"]))),
      ("merges", .array(.string([""]))), ("merges", .array(.string(["a "]))), ("merges", .uint8(3)),
      ("bos_token_id", .uint32(256)), ("eos_token_id", .int32(-1)), ("eot_token_id", .string("x")),
      ("add_bos_token", .bool(true)), ("add_eos_token", .bool(true)), ("add_bos_token", .uint8(1)),
      ("tokens", .array(.string(["a", "b"]))),
    ] as [(String, GGUFValue)])
  func contradictionsNameTheKey(key: String, value: GGUFValue) throws {
    let key = "tokenizer.ggml.\(key)"
    let message = message(try byteLevelFile(metadata: [(key, value)]))
    // Two tokens for 256 types: either key is to blame.
    let isNamed = message.contains("small.gguf: key \(key): ") || message.contains("\(key) has 2")
    #expect(isNamed, "\(message)")
  }

  @Test func duplicateAndMissingTokensAreNamed() throws {
    #expect(message(try byteLevelFile(extra: [("a", 1)])).contains("tokens 97 and 256 are both “a”"))
    #expect(message(try byteLevelFile(without: [65])).contains("the token “A” of byte 65 is missing"))
    #expect(message(try byteLevelFile(without: [0xC0, 0xFF])) == "", "no text has these bytes")
    #expect(message(try sentencePieceFile(pieces: [("<s>", 0)])).contains("tokens 1 and 259"))
  }

  @Test func equivalentButDifferentTextsAreDifferentTokens() throws {
    let file = try sentencePieceFile(pieces: [("\u{E9}", -1), ("e", -2), ("e\u{301}", -3), ("\u{301}", -4)])
    let tokenizer = try Tokenizers.load(from: file)
    #expect(try tokenizer.encode("\u{E9}", addSpecial: false, parseSpecial: false).last == 259)
    #expect(try tokenizer.encode("e\u{301}", addSpecial: false, parseSpecial: false).last == 261)
  }

  @Test func scoresMustFitTheTokens() throws {
    let short = try sentencePieceFile(metadata: [("tokenizer.ggml.scores", .array(.float32([0])))])
    #expect(message(short).contains("key tokenizer.ggml.scores: has 1 elements"))
    let nan = try sentencePieceFile(pieces: [("a", .nan)])
    #expect(message(nan).contains("key tokenizer.ggml.scores: element 259 is not a number"))
    var tokens = ["<unk>", "<s>", "</s>"]
    tokens += ["a"]
    let bare = try sentencePieceFile(metadata: [
      ("tokenizer.ggml.tokens", .array(.string(tokens))), ("tokenizer.ggml.scores", .array(.float32([0, 0, 0, 0]))),
      ("tokenizer.ggml.token_type", .array(.int32([2, 3, 3, 1]))),
    ])
    #expect(message(bare).contains("key tokenizer.ggml.tokens: the byte token <0x00> is missing"))
  }

  @Test func highestScoreMergesFirstAndLeftmostAmongEquals() throws {
    let pieces: [(String, Float)] = [
      ("a", -9), ("b", -9), ("c", -9), ("ab", -2), ("bc", -1), ("aa", -1), ("\u{2581}", -9),
    ]
    let metadata: [(String, GGUFValue)] = [("tokenizer.ggml.add_space_prefix", .bool(false))]
    let tokenizer = try Tokenizers.load(from: sentencePieceFile(pieces: pieces, metadata: metadata))
    func encode(_ text: String) throws -> [String] {
      try tokenizer.encode(text, addSpecial: false, parseSpecial: false).map { tokenizer.text(of: $0) }
    }
    #expect(try encode("abc") == ["a", "bc"])
    #expect(try encode("aaa") == ["aa", "a"])
    #expect(try encode("ab a") == ["ab", " ", "a"])
    #expect(try encode("aé") == ["a", "<0xC3>", "<0xA9>"])
  }

  @Test func textsNeverBecomeControlTokensByMerging() throws {
    let file = try sentencePieceFile(pieces: [("<", -1), ("s", -2), (">", -3), ("<s", -4), ("/", -5)])
    let tokenizer = try Tokenizers.load(from: file)
    let ids = try tokenizer.encode("<s>", addSpecial: false, parseSpecial: false)
    #expect(!ids.contains(1))
    #expect(try tokenizer.encode("<s>", addSpecial: false, parseSpecial: true) == [1])
  }
}
