import Foundation
import PumiceModelFiles

/// BERT's tokenizer: words without accents and in small letters, each cut greedily into the longest tokens there are.
///
/// In the vocabulary a token that begins a word begins with “▁” (U+2581); the others go on with one. Decoding does not give
/// back what the normalization took away.
/// Source: Devlin et al. 2018 (BERT); Schuster & Nakajima 2012 (WordPiece).
struct WordPieceTokenizer: VocabularyTokenizer {
  let vocabulary: Vocabulary
  let addsSpacePrefix = true
  let bosToken: Int32?
  let eosToken: Int32?
  let addsBOS: Bool
  let addsEOS: Bool
  private let unknown: Int32
  private let lowercases: Bool

  /// - Throws: a `ModelFileError` or `TokenizerError` that names the key.
  init(_ file: any GGUFSource) throws {
    let vocabulary = try Vocabulary(file)
    self.vocabulary = vocabulary
    let ids = 0...vocabulary.tokens.count - 1
    func token(_ keys: String..., name: String) throws -> Int32? {
      for key in keys { if let id = try file.optionalInteger(key, in: ids) { return Int32(id) } }
      return vocabulary.table.find(Array(name.utf8))
    }
    bosToken = try token(Keys.cls, Keys.bos, name: "[CLS]")
    eosToken = try token(Keys.separator, Keys.eos, name: "[SEP]")
    guard let unknown = try token(Keys.unknown, name: "[UNK]") else {
      throw file.invalid(Keys.unknown, "is absent, and there is no token [UNK]")
    }
    self.unknown = unknown
    addsBOS = try file.optionalBool(Keys.addBOS) ?? (bosToken != nil)
    addsEOS = try file.optionalBool(Keys.addSeparator) ?? (eosToken != nil)
    if addsBOS && bosToken == nil {
      throw file.invalid(Keys.addBOS, "is true, but \(Keys.cls) is absent")
    }
    if addsEOS && eosToken == nil {
      throw file.invalid(Keys.addSeparator, "is true, but \(Keys.separator) is absent")
    }
    lowercases = try file.optionalBool(Keys.lowercases) ?? true
  }

  var endOfGenerationTokens: Set<Int32> {
    vocabulary.endOfGenerationTokens.union(eosToken.map { [$0] } ?? [])
  }

  func encode(_ bytes: [UInt8], in range: Range<Int>, isFirst: Bool, to output: inout [Int32]) {
    for word in words(String(decoding: bytes[range], as: UTF8.self)) {
      let text = Array(("▁" + word).utf8)
      let start = output.count
      var position = 0
      while position < text.count {
        let longest = min(text.count, position + vocabulary.table.maximumCount)
        guard let match = text.withUnsafeBytes({ longestToken($0, position, longest) }) else {
          // A word that cannot be cut into tokens is one unknown token.
          output.removeSubrange(start...)
          output.append(unknown)
          break
        }
        output.append(match.id)
        position = match.end
      }
    }
  }

  private func longestToken(_ text: UnsafeRawBufferPointer, _ start: Int, _ longest: Int) -> (
    id: Int32, end: Int
  )? {
    var end = longest
    while end > start {
      if let id = vocabulary.table.find(UnsafeRawBufferPointer(rebasing: text[start..<end])),
        !isSpecial(id)
      {
        return (id, end)
      }
      end -= 1
    }
    return nil
  }

  /// The words of a text: what stands between white space; punctuation and Chinese characters are words each.
  private func words(_ text: String) -> [String] {
    var words: [String] = []
    var word = String.UnicodeScalarView()
    func finish() {
      if !word.isEmpty { words.append(String(word)) }
      word = String.UnicodeScalarView()
    }
    let normalized = lowercases ? text.decomposedStringWithCanonicalMapping : text
    for scalar in normalized.unicodeScalars {
      let category = scalar.properties.generalCategory
      if scalar.properties.isWhitespace {
        finish()
      } else if scalar.value == 0 || scalar.value == 0xFFFD || category == .control
        || category == .format
        || lowercases && category == .nonspacingMark
      {
        continue
      } else if Self.isWord(scalar, category) {
        finish()
        words.append(lowercases ? scalar.properties.lowercaseMapping : String(scalar))
      } else if lowercases {
        word.append(contentsOf: scalar.properties.lowercaseMapping.unicodeScalars)
      } else {
        word.append(scalar)
      }
    }
    finish()
    return words
  }

  /// Whether a character is a word in itself. Of ASCII all that is neither letter, digit nor space counts as punctuation.
  private static func isWord(_ scalar: Unicode.Scalar, _ category: Unicode.GeneralCategory) -> Bool {
    switch scalar.value {
    case 33...47, 58...64, 91...96, 123...126: return true
    case 0x4E00...0x9FFF, 0x3400...0x4DBF, 0x20000...0x2A6DF, 0x2A700...0x2B73F, 0x2B740...0x2B81F,
      0x2B820...0x2CEAF,
      0xF900...0xFAFF, 0x2F800...0x2FA1F:
      return true
    default: break
    }
    switch category {
    case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation,
      .initialPunctuation,
      .finalPunctuation, .otherPunctuation:
      return true
    default: return false
    }
  }

  func piece(_ id: Int32) -> [UInt8] {
    guard let type = vocabulary.type(of: id) else { return [] }
    let text = vocabulary.tokens[Int(id)]
    switch type {
    case .control, .unknown, .userDefined: return Array(text.utf8)
    case .normal, .unused, .byte:
      return text.hasPrefix("▁") ? Array(" ".utf8) + text.utf8.dropFirst(3) : Array(text.utf8)
    }
  }
}
