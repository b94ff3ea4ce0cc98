import Foundation
import PumiceModelFiles
import PumiceTokenizers
import Testing

/// Tokenizers through `tokenizer.json`.
@Suite struct TokenizerJSONTests {
  /// The tokenizer of a GGUF file after it was written to a folder and read again.
  private static func again(_ file: GGUFFile, tokens: Int, change: (inout [String: String]) -> Void = { _ in }) throws
    -> any Tokenizer
  {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("pumice-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    var files = try TokenizerJSON.files(of: file)
    change(&files)
    for (name, text) in files { try Data(text.utf8).write(to: folder.appendingPathComponent(name)) }
    let metadata = try TokenizerJSON.metadata(folder: folder.path, tokens: tokens, bos: nil, eos: [])
    return try Tokenizers.load(from: try GGUFFile(bytes: GGUFWriter(metadata: GGUFMetadata(metadata)).bytes()))
  }

  @Test(arguments: Fixture.names) func tokenizersComeBack(_ name: String) throws {
    let fixture = try Fixture.load(name), texts = try Fixture.texts.get()
    let tokenizer = try Self.again(try fixture.file(), tokens: fixture.size)
    let original = try FixtureTokenizers.tokenizer(name)
    #expect(tokenizer.vocabularySize == fixture.size)
    #expect(tokenizer.bosToken == original.bosToken && tokenizer.eosToken == original.eosToken)
    #expect(tokenizer.addsBOS == original.addsBOS && tokenizer.addsEOS == original.addsEOS)
    #expect(tokenizer.addsSpacePrefix == original.addsSpacePrefix)
    for (text, ids) in zip(texts.texts, fixture.cases.ids) {
      #expect(try tokenizer.encode(text, addSpecial: false, parseSpecial: false) == ids, "\(text.debugDescription)")
    }
    for (text, ids) in zip(texts.specialTexts, fixture.cases.specialIds) {
      #expect(try tokenizer.encode(text, addSpecial: true, parseSpecial: true) == ids, "\(text.debugDescription)")
    }
  }

  @Test func pairsAndLinesOfMergesAreTheSame() throws {
    let file = try byteLevelFile(extra: [("ab", 1), ("abc", 1), ("<|x|>", 3)], merges: ["a b", "ab c"])
    let expected = try Tokenizers.load(from: file).encode("abcab <|x|>", addSpecial: false, parseSpecial: true)
    let found = try Self.again(file, tokens: 259) { files in
      files["tokenizer.json"] = files["tokenizer.json"]!.replacing("\"a b\"", with: "[\"a\", \"b\"]")
    }
    #expect(try found.encode("abcab <|x|>", addSpecial: false, parseSpecial: true) == expected)
    #expect(expected.count == 4)
  }

  @Test(
    arguments: [
      ("\"type\": \"BPE\"", "\"type\": \"WordPiece\"", "key model.type"),
      ("\"vocab\"", "\"words\"", "key model.vocab"),
      ("\"ab\": 256", "\"ab\": 255", "has the id 255"), ("\"ab\": 256", "\"ab\": -1", "is no token id"),
      ("\"a b\"", "\"ab\"", "key model.merges"), ("\"a b\"", "[\"a\"]", "key model.merges"),
      ("\"content\"", "\"text\"", "key added_tokens"),
      ("\"add_prefix_space\": false", "\"add_prefix_space\": true", "add_prefix_space"),
      ("\"use_regex\": true", "\"use_regex\": 1", "use_regex: is an integer"),
    ])
  func brokenFilesAreNamed(part: String, other: String, named: String) throws {
    let file = try byteLevelFile(extra: [("ab", 1), ("<|x|>", 3)], merges: ["a b"])
    let error = #expect(throws: ModelFileError.self) {
      try Self.again(file, tokens: 258) { files in
        files["tokenizer.json"] = files["tokenizer.json"]!.replacing(part, with: other, maxReplacements: 1)
      }
    }
    #expect("\(error!)".contains(named), "\(error!)")
  }
}
