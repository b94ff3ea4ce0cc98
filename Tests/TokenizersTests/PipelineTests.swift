import Foundation
import PumiceModelFiles
import PumiceTokenizers
import Testing

/// Every part that `tokenizer.json` may have, against the `tokenizers` library: see `make-pipelines.py`.
@Suite struct PipelineTests {
  struct Pipeline: CustomTestStringConvertible {
    var name: String
    var json: String
    var tokens: [[Int32]]
    /// Tokens of texts, by their numbers, without special ones, where these differ.
    var plain: [Int: [Int32]]

    var testDescription: String { name }

    func tokenizer(_ change: (String) -> String = { $0 }) throws -> any Tokenizer {
      try Self.tokenizer(change(json))
    }

    static func tokenizer(_ json: String, _ metadata: [(String, GGUFValue)] = []) throws -> any Tokenizer {
      let writer = GGUFWriter(metadata: GGUFMetadata([("tokenizer.huggingface.json", .string(json))] + metadata))
      return try Tokenizers.load(from: GGUFFile(bytes: writer.bytes()))
    }
  }

  private static let fixture = Result {
    let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let path = tests.appendingPathComponent("Fixtures/Tokenizers/pipelines.json")
    let object = try JSONSerialization.jsonObject(with: Data(contentsOf: path))
    let root = try #require(object as? [String: Any])
    let pipelines = try #require(root["pipelines"] as? [[String: Any]]).map { pipeline in
      let plain = try #require(pipeline["plain"] as? [[Any]]).map { pair in
        (try #require(pair[0] as? Int), try #require(pair[1] as? [Int]).map { Int32($0) })
      }
      return Pipeline(
        name: try #require(pipeline["name"] as? String),
        json: String(decoding: try JSONSerialization.data(withJSONObject: pipeline["tokenizer"]!), as: UTF8.self),
        tokens: try #require(pipeline["tokens"] as? [[Int]]).map { $0.map { Int32($0) } },
        plain: Dictionary(uniqueKeysWithValues: plain))
    }
    return (texts: try #require(root["texts"] as? [String]), pipelines: pipelines)
  }

  static let pipelines = (try? fixture.get().pipelines) ?? []

  private static func texts() throws -> [String] { try fixture.get().texts }

  @Test func thereAreAllParts() { #expect(Self.pipelines.count >= 30) }

  @Test(arguments: pipelines)
  func tokensAreThoseOfTheLibrary(_ pipeline: Pipeline) throws {
    let tokenizer = try pipeline.tokenizer()
    for (index, text) in try Self.texts().enumerated() {
      let tokens = try tokenizer.encode(text, addSpecial: true, parseSpecial: true)
      #expect(tokens == pipeline.tokens[index], "\(text.debugDescription)")
      let plain = try tokenizer.encode(text, addSpecial: false, parseSpecial: false)
      #expect(plain == pipeline.plain[index] ?? pipeline.tokens[index], "\(text.debugDescription), plain")
    }
  }

  /// Those whose tokens hold all of a text.
  @Test(arguments: pipelines.filter { ["gpt2", "llama3", "spm bpe", "gemma", "punctuation"].contains($0.name) })
  func textsComeBack(_ pipeline: Pipeline) throws {
    let tokenizer = try pipeline.tokenizer()
    var random = SystemRandomNumberGenerator()
    let made = (0..<40).map { _ in
      var view = String.UnicodeScalarView()
      for _ in 0..<Int.random(in: 1...30, using: &random) {
        let scalar = Unicode.Scalar(UInt32.random(in: 0...0x10FFFF, using: &random)) ?? " "
        view.append(Bool.random() ? scalar : Unicode.Scalar(UInt8.random(in: 32...126, using: &random)))
      }
      return String(view)
    }
    // The mark that stands for a space comes back as one.
    for text in try Self.texts() + made where !text.unicodeScalars.contains("▁") {
      let tokens = try tokenizer.encode(text, addSpecial: true, parseSpecial: false)
      let back = tokenizer.decode(tokens)
      #expect(Array(back.utf8) == Array(text.utf8), "\(text.debugDescription) came back as \(back.debugDescription)")
    }
  }

  @Test func theConfigurationSaysWhatIsAroundATextAndEndsIt() throws {
    let json = try #require(Self.pipelines.first { $0.name == "llama3" }).json
    let plain = try Pipeline.tokenizer(json)
    let text = try plain.encode("Once", addSpecial: false, parseSpecial: true)
    #expect(try plain.encode("Once", addSpecial: true, parseSpecial: true) == [0] + text)
    #expect(plain.bosToken == 0 && plain.addsBOS && !plain.addsEOS && plain.eosToken == nil)
    let named: [(String, GGUFValue)] = [
      ("tokenizer.ggml.bos_token", .string("<s>")), ("tokenizer.ggml.eos_token", .string("</s>")),
    ]
    let ended = try Pipeline.tokenizer(
      json, named + [("tokenizer.ggml.add_bos_token", .bool(false)), ("tokenizer.ggml.add_eos_token", .bool(true))])
    #expect(try ended.encode("Once", addSpecial: true, parseSpecial: true) == text + [1])
    #expect(ended.eosToken == 1 && ended.addsEOS && !ended.addsBOS && ended.isSpecial(1) && !ended.isSpecial(text[0]))
    let several = try Pipeline.tokenizer(
      json, named + [("tokenizer.ggml.eog_token_ids", .array(.int32([5, 7, 99_999_999])))])
    #expect(several.endOfGenerationTokens == [1, 5, 7])
  }

  @Test(
    arguments: [
      ("gpt2", "\"ByteLevel\"", "\"UnicodeScripts\"", "UnicodeScripts"),
      ("bert", "\"BertNormalizer\"", "\"Wishful\"", "Wishful"),
      ("bert", "\"TemplateProcessing\"", "\"Processing\"", "“Processing”"),
      ("bert", "\"unk_token\":\"[UNK]\"", "\"unk_token\":\"[NONE]\"", "unk_token"),
      ("gemma", "\"Fuse\"", "\"CTC\"", "CTC"),
      ("llama3", "(?!", "(?<!", "this kind of group"), ("t5", "\"Unigram\"", "\"Bigram\"", "Bigram"),
      ("t5", "\"unk_id\":0", "\"unk_id\":9999", "unk_id"), ("gpt2", "\"merges\":[", "\"merges\":[\"a\",", "merges"),
      ("split removed", "\"Removed\"", "\"Moved\"", "Moved"), ("metaspace first", "\"first\"", "\"last\"", "last"),
      ("t5", "\"precompiled_charsmap\":\"", "\"precompiled_charsmap\":\"AAAA", "precompiled_charsmap"),
    ] as [(String, String, String, String)])
  func whatIsNotKnownIsRefusedByName(name: String, part: String, other: String, named: String) throws {
    let pipeline = try #require(Self.pipelines.first { $0.name == name })
    #expect(pipeline.json.contains(part))
    let error = #expect(throws: ModelFileError.self) {
      try pipeline.tokenizer { $0.replacingOccurrences(of: part, with: other) }
    }
    #expect(error.map { "\($0)".contains(named) } == true, "\(String(describing: error))")
  }
}
