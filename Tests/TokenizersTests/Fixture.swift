import Foundation
import PumiceModelFiles
import PumiceTokenizers

/// A reduced vocabulary with golden ids; see `Tests/Fixtures/Tokenizers/README.md`.
struct Fixture: Decodable {
  static let names = ["gpt-2", "llama-bpe", "llama-spm", "qwen2"]

  struct Texts: Decodable {
    var texts: [String]
    var specialTexts: [String]
  }

  struct Cases: Decodable {
    var ids: [[Int32]]
    var specialIds: [[Int32]]
  }

  enum Value: Decodable {
    case bool(Bool)
    case integer(UInt32)
    case string(String)

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let value = try? container.decode(Bool.self) {
        self = .bool(value)
      } else if let value = try? container.decode(UInt32.self) {
        self = .integer(value)
      } else {
        self = .string(try container.decode(String.self))
      }
    }

    var metadata: GGUFValue {
      switch self {
      case .bool(let value): .bool(value)
      case .integer(let value): .uint32(value)
      case .string(let value): .string(value)
      }
    }
  }

  var metadata: [String: Value]
  var size: Int
  var ids: [Int]
  var tokens: [String]
  var types: [Int32]
  var scores: [Float]?
  var merges: [String]
  var cases: Cases

  static let texts: Result<Texts, any Error> = Result { try load("texts", as: Texts.self) }

  static func load<T: Decodable>(_ name: String, as type: T.Type = Fixture.self) throws -> T {
    let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let file = tests.appendingPathComponent("Fixtures/Tokenizers/\(name).json")
    return try JSONDecoder().decode(type, from: Data(contentsOf: file))
  }

  /// The vocabulary as a GGUF file, with empty texts for the tokens that were left out.
  func file() throws -> GGUFFile {
    var writer = GGUFWriter()
    for (key, value) in metadata { writer.metadata[key] = value.metadata }
    writer.metadata["tokenizer.ggml.tokens"] = .array(.string(spread(tokens, "")))
    writer.metadata["tokenizer.ggml.token_type"] = .array(.int32(spread(types, 5)))
    if let scores { writer.metadata["tokenizer.ggml.scores"] = .array(.float32(spread(scores, 0))) }
    if scores == nil { writer.metadata["tokenizer.ggml.merges"] = .array(.string(merges)) }
    return try GGUFFile(bytes: writer.bytes(), name: "vocabulary.gguf")
  }

  private func spread<T>(_ values: [T], _ filler: T) -> [T] {
    var all = [T](repeating: filler, count: size)
    for (id, value) in zip(ids, values) { all[id] = value }
    return all
  }
}

/// The tokenizers of the fixtures, each made once.
enum FixtureTokenizers {
  private static let made: [String: Result<any Tokenizer, any Error>] = Dictionary(
    uniqueKeysWithValues: Fixture.names.map { name in
      (name, Result { try Tokenizers.load(from: Fixture.load(name).file()) })
    })

  static func tokenizer(_ name: String) throws -> any Tokenizer {
    guard let result = made[name] else { throw CocoaError(.fileNoSuchFile) }
    return try result.get()
  }
}
