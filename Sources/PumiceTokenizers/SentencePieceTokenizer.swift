import PumiceModelFiles

/// Tokens with scores: neighbours are merged while they form a token, highest score first; what is no token is written in
/// bytes. Spaces are “▁” (U+2581) in the tokens.
///
/// Source: Kudo & Richardson 2018 (SentencePiece), the BPE model with byte fallback.
struct SentencePieceTokenizer: VocabularyTokenizer {
  private static let space: [UInt8] = Array("▁".utf8)

  let vocabulary: Vocabulary
  let addsSpacePrefix: Bool
  private let priorities: [UInt32]
  /// The token of each byte; nil for some of the bytes that are in no UTF-8 text.
  private let byteTokens: [Int32?]

  /// - Throws: a `ModelFileError` or `TokenizerError` that names the key.
  init(_ file: any GGUFSource) throws {
    vocabulary = try Vocabulary(file, defaults: .init(bosToken: 1, eosToken: 2, addsBOS: true))
    addsSpacePrefix = try file.optionalBool(Keys.addSpacePrefix) ?? true
    let scores = try file.floatArray(Keys.scores)
    guard scores.count == vocabulary.tokens.count else {
      throw file.invalid(
        Keys.scores,
        "has \(scores.count) elements, but \(Keys.tokens) has \(vocabulary.tokens.count)")
    }
    if let index = scores.firstIndex(where: \.isNaN) {
      throw file.invalid(Keys.scores, "element \(index) is not a number")
    }
    priorities = scores.map { Self.priority(score: Float($0)) }

    let table = vocabulary.table
    byteTokens = (0...255).map { table.find(Array(Self.name(ofByte: $0).utf8)) }
    if let byte = UTF8.possibleBytes.first(where: { byteTokens[Int($0)] == nil }) {
      throw file.invalid(Keys.tokens, "the byte token \(Self.name(ofByte: byte)) is missing")
    }
    let invalid = vocabulary.types.indices.first { id in
      vocabulary.types[id] == .byte && !byteTokens.contains(Int32(id))
    }
    if let invalid {
      throw file.invalid(
        Keys.tokens,
        "token \(invalid) “\(vocabulary.tokens[invalid])” has type byte, but names none")
    }
  }

  private static func name(ofByte byte: UInt8) -> String {
    "<0x\(byte < 16 ? "0" : "")\(String(byte, radix: 16, uppercase: true))>"
  }

  /// A number that is lower for a higher score.
  private static func priority(score: Float) -> UInt32 {
    let bits = (score + 0).bitPattern  // −0 becomes +0
    let ascending = bits >> 31 == 0 ? bits | 1 << 31 : ~bits
    return ~ascending
  }

  func encode(_ bytes: [UInt8], in range: Range<Int>, isFirst: Bool, to output: inout [Int32]) {
    var text: [UInt8] = isFirst && addsSpacePrefix ? Self.space : []
    text.reserveCapacity(range.count + range.count / 2)
    for byte in bytes[range] {
      if byte == UInt8(ascii: " ") { text += Self.space } else { text.append(byte) }
    }
    text.withUnsafeBytes { text in
      var symbols = symbols(of: text)
      merge(&symbols) { left, right in
        token(text, left.start, left.count + right.count).map {
          MergeCandidate(priority: priorities[Int($0)], id: $0)
        }
      }
      for symbol in symbols where symbol.count > 0 {
        if symbol.id >= 0 {
          output.append(symbol.id)
        } else {
          output += text[symbol.start..<symbol.start + symbol.count].compactMap {
            byteTokens[Int($0)]
          }
        }
      }
    }
  }

  /// One symbol for each character, with the token that it is, or −1.
  private func symbols(of text: UnsafeRawBufferPointer) -> [Symbol] {
    var symbols: [Symbol] = []
    symbols.reserveCapacity(text.count)
    var start = 0
    while start < text.count {
      var end = start + 1
      while end < text.count, text[end] & 0xC0 == 0x80 { end += 1 }
      let index = symbols.count
      let id = token(text, start, end - start) ?? -1
      symbols.append(
        Symbol(
          start: start, count: end - start, id: id, previous: index - 1,
          next: end < text.count ? index + 1 : -1))
      start = end
    }
    return symbols
  }

  /// The token that those bytes are in ordinary text.
  private func token(_ text: UnsafeRawBufferPointer, _ start: Int, _ count: Int) -> Int32? {
    guard count <= vocabulary.table.maximumCount,
      let id = vocabulary.table.find(UnsafeRawBufferPointer(rebasing: text[start..<start + count]))
    else { return nil }
    switch vocabulary.types[Int(id)] {
    case .normal, .userDefined, .unused: return id
    case .unknown, .control, .byte: return nil
    }
  }

  func piece(_ id: Int32) -> [UInt8] {
    guard let type = vocabulary.type(of: id) else { return [] }
    switch type {
    case .byte: return byteTokens.firstIndex(of: id).map { [UInt8($0)] } ?? []
    case .control, .unknown, .userDefined: return Array(vocabulary.tokens[Int(id)].utf8)
    case .normal, .unused:
      return vocabulary.tokens[Int(id)].unicodeScalars.flatMap {
        Array(($0 == "▁" ? " " : String($0)).utf8)
      }
    }
  }
}

extension UTF8 {
  /// The bytes that occur in UTF-8 texts: all but 0xC0, 0xC1 and those from 0xF5.
  static let possibleBytes: [UInt8] = (0...255).filter { $0 != 0xC0 && $0 != 0xC1 && $0 < 0xF5 }
}
