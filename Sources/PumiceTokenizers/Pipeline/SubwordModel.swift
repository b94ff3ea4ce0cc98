import PumiceModelFiles

/// Cuts words into tokens, as the `model` of `tokenizer.json` says. Source: the `tokenizers` library.
protocol SubwordModel: Sendable {
  /// Appends the tokens of a word, which is not empty.
  func encode(_ word: [UInt8], to output: inout [Int32])
}

/// Tokens by name, with the 256 that stand for bytes.
struct TokenTable: Sendable {
  let table: ByteStringTable
  /// Nil where a byte has none.
  let bytes: [Int32?]

  /// - Parameter tokens: by number; empty for none.
  init(_ tokens: [String]) {
    let table = ByteStringTable(tokens)
    self.table = table
    bytes = (0...255).map { table.find(Array(TokenTable.name(ofByte: $0).utf8)) }
  }

  static func name(ofByte byte: UInt8) -> String {
    "<0x\(byte < 16 ? "0" : "")\(String(byte, radix: 16, uppercase: true))>"
  }

  /// The tokens of bytes; nil if one has none.
  func tokens(ofBytes bytes: some Sequence<UInt8>) -> [Int32]? {
    var tokens: [Int32] = []
    for byte in bytes {
      guard let token = self.bytes[Int(byte)] else { return nil }
      tokens.append(token)
    }
    return tokens
  }
}

/// The bytes of each character of a text.
func characters(of text: [UInt8]) -> [Range<Int>] {
  var characters: [Range<Int>] = []
  var start = 0
  for end in 1...max(1, text.count) where end == text.count || end < text.count && text[end] & 0xC0 != 0x80 {
    characters.append(start..<end)
    start = end
  }
  return text.isEmpty ? [] : characters
}

/// Byte pair encoding.
struct BPEModel: SubwordModel {
  let tokens: TokenTable
  /// By the ids of the pair: how early it is in the list, and what it becomes.
  let merges: [UInt64: MergeCandidate]
  let unknown: Int32?
  /// Whether neighbouring unknown characters become one token.
  let fusesUnknown: Bool
  let fallsBackToBytes: Bool
  /// Whether a word that is a token is not cut first.
  let ignoresMerges: Bool
  /// What is put before all characters of a word but the first, and behind the last.
  let prefix: [UInt8]
  let suffix: [UInt8]

  static func key(_ left: Int32, _ right: Int32) -> UInt64 {
    UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
  }

  func encode(_ word: [UInt8], to output: inout [Int32]) {
    if ignoresMerges, let id = tokens.table.find(word) {
      output.append(id)
      return
    }
    var symbols: [Symbol] = []
    func add(_ id: Int32, _ count: Int) {
      symbols.append(
        Symbol(start: 0, count: count, id: id, previous: symbols.count - 1, next: symbols.count + 1))
    }
    var pending: Int?
    func flush() {
      if let count = pending, let unknown { add(unknown, count) }
      pending = nil
    }
    for character in characters(of: word) {
      var text = Array(word[character])
      if character.lowerBound > 0 { text = prefix + text }
      if character.upperBound == word.count { text += suffix }
      if let id = tokens.table.find(text) {
        flush()
        add(id, character.count)
      } else if fallsBackToBytes, let ids = tokens.tokens(ofBytes: text) {
        for id in ids { add(id, 1) }
      } else if unknown != nil {
        if !fusesUnknown { flush() }
        pending = (pending ?? 0) + character.count
      }
    }
    flush()
    if symbols.isEmpty { return }
    symbols[symbols.count - 1].next = -1
    merge(&symbols) { merges[Self.key($0.id, $1.id)] }
    for symbol in symbols where symbol.count > 0 { output.append(symbol.id) }
  }
}

/// The tokens that are likeliest together.
///
/// Source: Kudo 2018 (subword regularization), and SentencePiece's `unigram_model.cc`.
struct UnigramModel: SubwordModel {
  let tokens: TokenTable
  let scores: [Double]
  let unknown: Int32?
  let fallsBackToBytes: Bool
  /// What a character that is no token costs: the least score and 10 less.
  private let penalty: Double
  /// Whether sums are kept in binary32, which decides ties: SentencePiece does so, `tokenizers` keeps binary64.
  private let roundsSums: Bool

  /// - Parameter least: the tokens of which the least likely one says what unknown characters cost; nil for all.
  init(
    _ tokens: [String], scores: [Double], unknown: Int32?, fallsBackToBytes: Bool, leastOf least: [Int]? = nil,
    roundsSums: Bool = false
  ) {
    self.roundsSums = roundsSums
    self.tokens = TokenTable(tokens)
    self.scores = scores
    self.unknown = unknown
    self.fallsBackToBytes = fallsBackToBytes
    let costs = least.map { ids in ids.map { scores[$0] } } ?? scores
    let penalty = (costs.min() ?? 0) - 10
    self.penalty = roundsSums ? Double(Float(penalty)) : penalty
  }

  /// The best way to cut a text; nil for characters that are no tokens, of which neighbours are one piece.
  ///
  /// - Parameter score: of a token; nil where it must not be used.
  func best(_ text: [UInt8], score: (Int32) -> Double?) -> [(id: Int32?, range: Range<Int>)] {
    struct Node {
      var score = -Double.infinity
      var start = -1
      var id: Int32?
    }
    func rounded(_ sum: Double) -> Double { roundsSums ? Double(Float(sum)) : sum }
    var nodes = [Node](repeating: Node(), count: text.count + 1)
    nodes[0].score = 0
    nodes[0].start = 0
    let table = tokens.table
    text.withUnsafeBytes { bytes in
      var start = 0
      while start < bytes.count {
        var next = start + 1
        while next < bytes.count, bytes[next] & 0xC0 == 0x80 { next += 1 }
        let before = nodes[start].score
        var isKnown = false
        for end in next...max(next, min(bytes.count, start + table.maximumCount))
        where end == bytes.count || bytes[end] & 0xC0 != 0x80 {
          guard let id = table.find(UnsafeRawBufferPointer(rebasing: bytes[start..<end])), let score = score(id) else {
            continue
          }
          if end == next { isKnown = true }
          let sum = rounded(before + score)
          if nodes[end].start < 0 || sum > nodes[end].score { nodes[end] = Node(score: sum, start: start, id: id) }
        }
        let sum = rounded(before + penalty)
        if !isKnown, nodes[next].start < 0 || sum > nodes[next].score { nodes[next] = Node(score: sum, start: start) }
        start = next
      }
    }
    var pieces: [(id: Int32?, range: Range<Int>)] = []
    var end = text.count
    while end > 0 {
      let node = nodes[end]
      let id = node.id == unknown ? nil : node.id
      if id == nil, let last = pieces.last, last.id == nil {
        pieces[pieces.count - 1].range = node.start..<last.range.upperBound
      } else {
        pieces.append((id, node.start..<end))
      }
      end = node.start
    }
    return pieces.reversed()
  }

  func encode(_ word: [UInt8], to output: inout [Int32]) {
    for piece in best(word, score: { scores[Int($0)] }) {
      if let id = piece.id {
        output.append(id)
      } else if let id = tokens.table.find(Array(word[piece.range])) {
        output.append(id)
      } else if fallsBackToBytes, let ids = tokens.tokens(ofBytes: word[piece.range]) {
        output += ids
      } else if let unknown {
        output.append(unknown)
      }
    }
  }
}

/// The longest tokens first.
struct WordPieceModel: SubwordModel {
  let table: ByteStringTable
  let unknown: Int32
  /// What is put before all pieces of a word but the first.
  let prefix: [UInt8]
  /// A longer word is one unknown token.
  let longest: Int

  func encode(_ word: [UInt8], to output: inout [Int32]) {
    let characters = characters(of: word)
    guard characters.count <= longest else {
      output.append(unknown)
      return
    }
    let before = output.count
    var first = 0
    while first < characters.count {
      let start = characters[first].lowerBound
      var last = characters.count
      var found: Int32?
      while last > first {
        let text = (first == 0 ? [] : prefix) + word[start..<characters[last - 1].upperBound]
        if text.count <= table.maximumCount { found = table.find(text) }
        if found != nil { break }
        last -= 1
      }
      guard let found else {
        output.removeSubrange(before...)
        output.append(unknown)
        return
      }
      output.append(found)
      first = last
    }
  }
}

/// Words that are tokens.
struct WordLevelModel: SubwordModel {
  let table: ByteStringTable
  let unknown: Int32?

  func encode(_ word: [UInt8], to output: inout [Int32]) {
    if let id = table.find(word) ?? unknown { output.append(id) }
  }
}
