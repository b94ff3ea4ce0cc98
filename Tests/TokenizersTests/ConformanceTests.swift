import Foundation
import PumiceModelFiles
import PumiceTokenizers
import Testing

@Suite struct ConformanceTests {
  @Test(arguments: Fixture.names) func textsGiveTheGoldenIds(name: String) throws {
    let tokenizer = try FixtureTokenizers.tokenizer(name)
    let texts = try Fixture.texts.get()
    let cases = try Fixture.load(name).cases
    #expect(texts.texts.count > 300 && cases.ids.count == texts.texts.count)
    for (text, ids) in zip(texts.texts, cases.ids) {
      #expect(try tokenizer.encode(text, addSpecial: false, parseSpecial: false) == ids, "\(text.debugDescription)")
    }
  }

  @Test(arguments: Fixture.names) func specialTokensAreAddedAndParsed(name: String) throws {
    let tokenizer = try FixtureTokenizers.tokenizer(name)
    let texts = try Fixture.texts.get()
    let cases = try Fixture.load(name).cases
    #expect(texts.specialTexts.count > 100 && cases.specialIds.count == texts.specialTexts.count)
    for (text, ids) in zip(texts.specialTexts, cases.specialIds) {
      #expect(try tokenizer.encode(text, addSpecial: true, parseSpecial: true) == ids, "\(text.debugDescription)")
    }
  }

  static let folder = ProcessInfo.processInfo.environment["PUMICE_CONFORMANCE"]

  @Test(.enabled(if: folder != nil, "PUMICE_CONFORMANCE names no folder"), arguments: Fixture.names + ["bert-bge"])
  func fullVocabulariesGiveTheGoldenIds(name: String) throws {
    let path = try #require(Self.folder) + "/ggml-vocab-\(name).gguf"
    let tokenizer = try Tokenizers.load(from: GGUFFile(path: path))
    let texts = try String(contentsOfFile: path + ".inp", encoding: .utf8)
      .components(separatedBy: "\n__ggml_vocab_test__\n").dropLast()
    let lines = try String(contentsOfFile: path + ".out", encoding: .utf8).components(separatedBy: "\n")
    #expect(!texts.isEmpty && texts.count <= lines.count)
    for (text, line) in zip(texts, lines) {
      let ids = line.split(separator: " ").compactMap { Int32($0) }
      #expect(try tokenizer.encode(text, addSpecial: false, parseSpecial: false) == ids, "\(text.debugDescription)")
    }
  }
}
