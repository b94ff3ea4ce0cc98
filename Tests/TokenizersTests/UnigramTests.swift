import Foundation
import PumiceModelFiles
import PumiceTokenizers
import Testing

/// GGUF's `t5` tokenizer against SentencePiece; see `Tests/Fixtures/Tokenizers/make-unigram.py`.
@Suite struct UnigramTests {
  struct Golden: Decodable {
    struct Model: Decodable {
      var addSpacePrefix: Bool
      var removeExtraWhitespaces: Bool
      var charsMap: Data
      var tokens: [String]
      var scores: [Float]
      var types: [Int32]
      var ids: [[Int32]]

      func file() throws -> GGUFFile {
        var writer = GGUFWriter()
        writer.metadata["tokenizer.ggml.model"] = .string("t5")
        writer.metadata["tokenizer.ggml.pre"] = .string("default")
        writer.metadata["tokenizer.ggml.tokens"] = .array(.string(tokens))
        writer.metadata["tokenizer.ggml.scores"] = .array(.float32(scores))
        writer.metadata["tokenizer.ggml.token_type"] = .array(.int32(types))
        writer.metadata["tokenizer.ggml.add_space_prefix"] = .bool(addSpacePrefix)
        writer.metadata["tokenizer.ggml.remove_extra_whitespaces"] = .bool(removeExtraWhitespaces)
        writer.metadata["tokenizer.ggml.unknown_token_id"] = .uint32(2)
        writer.metadata["tokenizer.ggml.eos_token_id"] = .uint32(1)
        if !charsMap.isEmpty {
          writer.metadata["tokenizer.ggml.precompiled_charsmap"] = .array(.uint8(Array(charsMap)))
        }
        return try GGUFFile(bytes: writer.bytes(), name: "unigram.gguf")
      }
    }
    var texts: [String]
    var models: [String: Model]
  }

  static let golden = Result {
    // The whole tables of SentencePiece are too large to keep: another file can be named.
    guard let path = ProcessInfo.processInfo.environment["PUMICE_UNIGRAM"] else {
      return try Fixture.load("unigram", as: Golden.self)
    }
    return try JSONDecoder().decode(Golden.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
  }

  @Test(arguments: ["defaults", "identity", "prefix-keeps-spaces", "bytes", "folded"])
  func textsGiveTheIdsOfSentencePiece(name: String) throws {
    let golden = try Self.golden.get()
    let model = try #require(golden.models[name])
    let tokenizer = try Tokenizers.load(from: model.file())
    #expect(golden.texts.count == 320 && model.ids.count == 320)
    for (text, ids) in zip(golden.texts, model.ids) {
      #expect(try tokenizer.encode(text, addSpecial: false, parseSpecial: false) == ids, "\(text.debugDescription)")
    }
  }
}
