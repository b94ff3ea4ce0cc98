import PumiceModelFiles

/// Byte pair encoding on the bytes of words: pairs that the vocabulary lists are merged, earliest in the list first.
///
/// Source: Radford et al. 2019 (GPT-2), after Sennrich, Haddow & Birch 2016. No Unicode normalization is done, so that
/// decoding gives back every text.
struct ByteLevelTokenizer: VocabularyTokenizer {
  private struct Merge {
    var rank: UInt32
    var result: Int32
  }

  let vocabulary: Vocabulary
  let addsSpacePrefix = false
  private let style: PreTokenizerStyle
  /// By the ids of the pair.
  private let merges: [UInt64: Merge]
  /// The token of each byte; −1 for some of the bytes that are in no UTF-8 text.
  private let byteTokens: [Int32]

  /// - Throws: a `ModelFileError` or `TokenizerError` that names the key.
  init(_ file: any GGUFSource) throws {
    style = try PreTokenizerStyle(named: file.string(Keys.pre), file: file)
    vocabulary = try Vocabulary(file, defaults: .init(addsBOS: style.addsBOS))
    let table = vocabulary.table
    let byteTokens = ByteAlphabet.characters.map { table.find($0) ?? -1 }
    if let byte = UTF8.possibleBytes.first(where: { byteTokens[Int($0)] < 0 }) {
      let character = String(decoding: ByteAlphabet.characters[Int(byte)], as: UTF8.self)
      throw file.invalid(Keys.tokens, "the token “\(character)” of byte \(byte) is missing")
    }
    self.byteTokens = byteTokens
    merges = try Self.merges(file, table)
  }

  private static func merges(_ file: any GGUFSource, _ table: ByteStringTable) throws -> [UInt64: Merge] {
    let lines = try file.stringArray(Keys.merges)
    guard lines.count <= Int32.max else {
      throw file.invalid(Keys.merges, "there are \(lines.count) merges")
    }
    var merges: [UInt64: Merge] = [:]
    merges.reserveCapacity(lines.count)
    for (index, line) in lines.enumerated() {
      var line = Array(line.utf8)
      guard let space = line.dropFirst().firstIndex(of: UInt8(ascii: " ")) else {
        throw file.invalid(Keys.merges, "merge \(index) “\(lines[index])” is not a pair")
      }
      func token(_ name: [UInt8]) throws -> Int32 {
        if let id = table.find(name) { return id }
        let name = String(decoding: name, as: UTF8.self)
        throw file.invalid(
          Keys.merges,
          "merge \(index) “\(lines[index])” needs the token “\(name)”, which is not there")
      }
      let (left, right) = (try token(Array(line[..<space])), try token(Array(line[(space + 1)...])))
      line.remove(at: space)
      let pair = key(left, right)
      // Of a pair that is listed twice the first counts.
      if merges[pair] == nil { merges[pair] = Merge(rank: UInt32(index), result: try token(line)) }
    }
    return merges
  }

  private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
    UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
  }

  func encode(_ bytes: [UInt8], in range: Range<Int>, isFirst: Bool, to output: inout [Int32]) {
    var symbols: [Symbol] = []
    style.preTokenizer.forEachWord(bytes, in: range) { word in
      if style.ignoresMerges, let id = wholeWord(bytes[word]) {
        output.append(id)
        return
      }
      symbols.removeAll(keepingCapacity: true)
      for (index, byte) in bytes[word].enumerated() {
        let next = index + 1 < word.count ? index + 1 : -1
        symbols.append(
          Symbol(start: index, count: 1, id: byteTokens[Int(byte)], previous: index - 1, next: next)
        )
      }
      merge(&symbols) { left, right in
        merges[Self.key(left.id, right.id)].map { MergeCandidate(priority: $0.rank, id: $0.result) }
      }
      for symbol in symbols where symbol.count > 0 { output.append(symbol.id) }
    }
  }

  /// The ordinary token that is the whole word.
  private func wholeWord(_ word: ArraySlice<UInt8>) -> Int32? {
    guard word.count <= vocabulary.table.maximumCount,
      let id = vocabulary.table.find(word.flatMap { ByteAlphabet.characters[Int($0)] }),
      !isSpecial(id)
    else { return nil }
    return id
  }

  func piece(_ id: Int32) -> [UInt8] {
    guard let type = vocabulary.type(of: id) else { return [] }
    let text = vocabulary.tokens[Int(id)]
    switch type {
    case .control, .unknown, .userDefined: return Array(text.utf8)
    case .normal, .unused, .byte: return ByteAlphabet.decode(text)
    }
  }
}
