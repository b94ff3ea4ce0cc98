import PumiceModelFiles

/// SentencePiece's unigram model, as GGUF files have it (`t5`): of all ways to write a text with tokens the likeliest one.
///
/// Before that, characters are replaced as the table `tokenizer.ggml.precompiled_charsmap` says, longest prefix first, and
/// spaces become “▁” (U+2581), one before the text and only one between words where the file says so. Neighbouring characters
/// that are no tokens are one unknown token. Source: Kudo 2018; SentencePiece's `normalizer.cc` and `unigram_model.cc`.
struct UnigramTokenizer: VocabularyTokenizer {
  private static let space: [UInt8] = Array("▁".utf8)

  let vocabulary: Vocabulary
  let addsSpacePrefix: Bool
  private let removesExtraSpaces: Bool
  private let model: UnigramModel
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
    let types = vocabulary.types
    model = UnigramModel(
      vocabulary.tokens, scores: scores, unknown: unknown, fallsBackToBytes: false,
      leastOf: types.indices.filter { types[$0] == .normal })
    if let blob = try file.optionalIntegerArray(Keys.charsMap), !blob.isEmpty {
      guard let map = CharsMap(blob.map { UInt8(truncatingIfNeeded: $0) }) else {
        throw file.invalid(Keys.charsMap, "is no table of SentencePiece")
      }
      self.map = map
    } else {
      map = nil
    }
  }

  func encode(_ bytes: [UInt8], in range: Range<Int>, isFirst: Bool, to output: inout [Int32]) {
    let text = normalize(bytes[range])
    if text.isEmpty { return }
    let pieces = model.best(text) { id in
      switch vocabulary.types[Int(id)] {
      case .normal, .unused: model.scores[Int(id)]
      case .userDefined: 0
      case .unknown, .control, .byte: nil
      }
    }
    for piece in pieces { output.append(piece.id ?? unknown) }
  }

  /// The text with the table's replacements and with marks for spaces.
  private func normalize(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count + bytes.count / 2)
    var isInWord = false, hasPrefix = false
    func add(_ text: some Sequence<UInt8>, to result: inout [UInt8]) {
      for byte in text {
        if byte == UInt8(ascii: " ") {
          isInWord = false
          if !removesExtraSpaces { result += Self.space }
          continue
        }
        if !isInWord, removesExtraSpaces || addsSpacePrefix && !hasPrefix {
          result += Self.space
          hasPrefix = true
        }
        isInWord = true
        result.append(byte)
      }
    }
    var position = bytes.startIndex
    while position < bytes.endIndex {
      if let longest = map?.prefixes(of: bytes[position...]).last {
        add(longest.text, to: &result)
        position += longest.count
        continue
      }
      var end = position + 1
      while end < bytes.endIndex, bytes[end] & 0xC0 == 0x80 { end += 1 }
      add(bytes[position..<end], to: &result)
      position = end
    }
    return result
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
