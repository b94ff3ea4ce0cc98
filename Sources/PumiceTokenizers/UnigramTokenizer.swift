import PumiceModelFiles

/// SentencePiece's unigram model, as GGUF files have it (`t5`): of all ways to write a text with tokens the likeliest one.
///
/// Before that, characters are replaced as the table `tokenizer.ggml.precompiled_charsmap` says, longest prefix first, and
/// spaces become “▁” (U+2581), one before the text and only one between words where the file says so. Tokens that users
/// defined are found in the text as it was and stay whole. Neighbouring characters that are no tokens are one unknown token,
/// or bytes where the vocabulary has all 256. Source: Kudo 2018; SentencePiece's `normalizer.cc` and `unigram_model.cc`.
struct UnigramTokenizer: VocabularyTokenizer {
  private static let space: [UInt8] = Array("▁".utf8)

  let vocabulary: Vocabulary
  let addsSpacePrefix: Bool
  private let removesExtraSpaces: Bool
  private let model: UnigramModel
  private let userDefined: ByteStringTable
  private let map: CharsMap?
  private let unknown: Int32

  /// - Throws: a `ModelFileError` or `TokenizerError` that names the key.
  init(_ file: any GGUFSource) throws {
    vocabulary = try Vocabulary(file, defaults: .init(eosToken: 1))
    addsSpacePrefix = try file.optionalBool(Keys.addSpacePrefix) ?? true
    removesExtraSpaces = try file.optionalBool(Keys.removeExtraSpaces) ?? false
    let scores = try file.floatArray(Keys.scores), count = vocabulary.tokens.count
    guard scores.count == count, scores.allSatisfy(\.isFinite) else {
      throw file.invalid(Keys.scores, "is no list of \(count) finite numbers")
    }
    let id = try file.optionalInteger(Keys.unknown, in: 0...count - 1) ?? vocabulary.types.firstIndex(of: .unknown)
    guard let id else { throw file.invalid(Keys.unknown, "is absent, and no token has the type unknown") }
    unknown = Int32(id)
    let types = vocabulary.types, normal = types.indices.filter { types[$0] == .normal }
    let tokens = vocabulary.tokens
    userDefined = ByteStringTable(types.indices.filter { types[$0] == .userDefined }.map { tokens[$0] })
    model = UnigramModel(
      tokens, scores: scores, unknown: unknown, fallsBackToBytes: types.count { $0 == .byte } == 256,
      leastOf: normal, roundsSums: true)
    if let blob = try file.optionalIntegerArray(Keys.charsMap), !blob.isEmpty {
      guard let map = CharsMap(blob.map { UInt8(truncatingIfNeeded: $0) }) else {
        throw file.invalid(Keys.charsMap, "is no table of SentencePiece")
      }
      self.map = map
    } else {
      map = nil
    }
  }

  /// What users defined is part of the text for SentencePiece.
  func isCutOut(_ id: Int32, parseSpecial: Bool) -> Bool { parseSpecial && isSpecial(id) }

  func encode(_ bytes: [UInt8], in range: Range<Int>, isFirst: Bool, to output: inout [Int32]) {
    let text = normalize(bytes[range])
    let pieces = model.best(text) { id in
      switch vocabulary.types[Int(id)] {
      case .normal: model.scores[Int(id)]
      case .userDefined: 0
      case .unused, .unknown, .control, .byte: nil
      }
    }
    for piece in pieces {
      if let id = piece.id {
        output.append(id)
      } else if model.fallsBackToBytes, let ids = model.tokens.tokens(ofBytes: text[piece.range]) {
        output += ids
      } else {
        output.append(unknown)
      }
    }
  }

  /// The text with the table's replacements and with marks for spaces.
  private func normalize(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
    let blank = UInt8(ascii: " ")
    var rest = bytes
    if removesExtraSpaces {
      while case let next = replacement(of: rest), next.count > 0, next.text.elementsEqual([blank]) {
        rest = rest.dropFirst(next.count)
      }
    }
    if rest.isEmpty { return [] }
    var result: [UInt8] = addsSpacePrefix ? Self.space : []
    result.reserveCapacity(bytes.count + bytes.count / 2)
    var isBehindSpace = removesExtraSpaces
    while case let next = replacement(of: rest), next.count > 0 {
      let text = isBehindSpace ? next.text.drop { $0 == blank } : next.text
      for byte in text {
        if byte == blank { result += Self.space } else { result.append(byte) }
      }
      if removesExtraSpaces, let last = text.last { isBehindSpace = last == blank }
      rest = rest.dropFirst(next.count)
    }
    // Marks at the end go even where the text had them as such.
    if removesExtraSpaces {
      while result.suffix(Self.space.count).elementsEqual(Self.space) { result.removeLast(Self.space.count) }
    }
    return result
  }

  /// What the beginning of a text becomes, and its bytes; none at the end.
  private func replacement(of bytes: ArraySlice<UInt8>) -> (count: Int, text: ArraySlice<UInt8>) {
    let longest = min(userDefined.maximumCount, bytes.count)
    for count in stride(from: longest, to: 0, by: -1) where userDefined.find(Array(bytes.prefix(count))) != nil {
      return (count, bytes.prefix(count))
    }
    if let longest = map?.prefixes(of: bytes).last { return longest }
    var end = min(bytes.startIndex + 1, bytes.endIndex)
    while end < bytes.endIndex, bytes[end] & 0xC0 == 0x80 { end += 1 }
    return (end - bytes.startIndex, bytes[bytes.startIndex..<end])
  }

  func piece(_ id: Int32) -> [UInt8] {
    guard let type = vocabulary.type(of: id) else { return [] }
    switch type {
    case .control, .unknown, .userDefined: return Array(vocabulary.tokens[Int(id)].utf8)
    case .normal, .unused, .byte:
      return vocabulary.tokens[Int(id)].unicodeScalars.flatMap { Array(($0 == "▁" ? " " : String($0)).utf8) }
    }
  }
}
