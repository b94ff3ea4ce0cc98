/// A regular expression by which a text is cut into words: the part of the language that tokenizers use.
///
/// Alternatives, groups, sets with general categories, `\s`, `\d`, greedy and possessive repetition, lookahead. What is
/// repeated without a bound must be a single set, so that matching takes bounded stack and no exponential time.
final class Pattern: Hashable, Sendable {
  indirect enum Node: Sendable {
    case set(ScalarSet)
    case sequence([Node])
    case choice([Node])
    case repetition(Node, ClosedRange<Int>, isPossessive: Bool)
    case lookahead(Node, isNegated: Bool)
    case end
  }

  let source: String
  private let root: Node

  /// - Throws: `PatternError`.
  init(_ source: String) throws(PatternError) {
    self.source = source
    root = try PatternParser.parse(source)
  }

  static func == (a: Pattern, b: Pattern) -> Bool { a.source == b.source }
  func hash(into hasher: inout Hasher) { hasher.combine(source) }

  /// Calls `body` with the byte range of each word that is left when each pattern has cut what the one before it left.
  static func forEachWord(
    _ patterns: [Pattern], _ bytes: [UInt8], in range: Range<Int>, _ body: (Range<Int>) -> Void
  ) {
    let text = Text(bytes, in: range)
    var words = [0..<text.scalars.count]
    for pattern in patterns { words = words.flatMap { pattern.pieces(of: text, in: $0) } }
    for word in words where !word.isEmpty {
      body(text.starts[word.lowerBound]..<text.starts[word.upperBound])
    }
  }

  /// A text as patterns see it.
  struct Text {
    let scalars: [Unicode.Scalar]
    let classes: [ScalarSet.Classes]
    /// The first byte of each scalar, and the end of the text.
    let starts: [Int]

    init(_ bytes: [UInt8], in range: Range<Int>) {
      var scalars: [Unicode.Scalar] = []
      var starts: [Int] = []
      var start = range.lowerBound
      var decoder = UTF8()
      var rest = bytes[range].makeIterator()
      while case .scalarValue(let scalar) = decoder.decode(&rest) {
        starts.append(start)
        scalars.append(scalar)
        start += UTF8.width(scalar)
      }
      self.scalars = scalars
      self.starts = starts + [range.upperBound]
      classes = scalars.map { $0.isASCII ? Self.ascii[Int($0.value)] : ScalarSet.Classes(of: $0) }
    }

    init(_ scalars: [Unicode.Scalar]) {
      self.scalars = scalars
      starts = []
      classes = scalars.map { $0.isASCII ? Self.ascii[Int($0.value)] : ScalarSet.Classes(of: $0) }
    }

    private static let ascii = (0..<128).map { ScalarSet.Classes(of: Unicode.Scalar($0 as UInt8)) }
  }

  /// The places of a text that match, from left to right.
  func matches(in scalars: [Unicode.Scalar]) -> [Range<Int>] {
    let text = Text(scalars)
    var matches: [Range<Int>] = []
    var position = 0
    while position < scalars.count {
      guard let end = match(text, at: position, in: scalars.indices), end > position else {
        position += 1
        continue
      }
      matches.append(position..<end)
      position = end
    }
    return matches
  }

  /// The ranges of scalars that match, and those between them, in order; together they are the whole range.
  func pieces(of text: Text, in range: Range<Int>) -> [Range<Int>] {
    var pieces: [Range<Int>] = []
    var position = range.lowerBound
    var gap = position
    while position < range.upperBound {
      guard let end = match(text, at: position, in: range), end > position else {
        position += 1
        continue
      }
      if gap < position { pieces.append(gap..<position) }
      pieces.append(position..<end)
      (position, gap) = (end, end)
    }
    if gap < position { pieces.append(gap..<position) }
    return pieces
  }

  private func match(_ text: Text, at position: Int, in range: Range<Int>) -> Int? {
    Self.match(root, text, position, range) { $0 }
  }

  /// Where a match ends that `next` goes on from.
  private static func match(
    _ node: Node, _ text: Text, _ position: Int, _ range: Range<Int>, _ next: (Int) -> Int?
  ) -> Int? {
    switch node {
    case .set(let set):
      guard position < range.upperBound,
        set.contains(text.scalars[position], text.classes[position])
      else { return nil }
      return next(position + 1)
    case .sequence(let nodes): return match(nodes[...], text, position, range, next)
    case .choice(let nodes):
      for node in nodes { if let end = match(node, text, position, range, next) { return end } }
      return nil
    case .repetition(.set(let set), let counts, let isPossessive):
      var end = position
      while end < range.upperBound, end - position < counts.upperBound,
        set.contains(text.scalars[end], text.classes[end])
      { end += 1 }
      if isPossessive { return end - position >= counts.lowerBound ? next(end) : nil }
      while end - position >= counts.lowerBound {
        if let found = next(end) { return found }
        end -= 1
      }
      return nil
    case .repetition(let inner, let counts, let isPossessive):
      if counts.upperBound > 0 {
        let rest = max(0, counts.lowerBound - 1)...counts.upperBound - 1
        let found = match(inner, text, position, range) { end in
          end == position
            ? nil
            : match(.repetition(inner, rest, isPossessive: isPossessive), text, end, range, next)
        }
        if let found { return found }
      }
      return counts.lowerBound == 0 ? next(position) : nil
    case .lookahead(let inner, let isNegated):
      return (match(inner, text, position, range) { $0 } == nil) == isNegated ? next(position) : nil
    case .end: return position == range.upperBound ? next(position) : nil
    }
  }

  private static func match(
    _ nodes: ArraySlice<Node>, _ text: Text, _ position: Int, _ range: Range<Int>,
    _ next: (Int) -> Int?
  ) -> Int? {
    guard let first = nodes.first else { return next(position) }
    return match(first, text, position, range) { match(nodes.dropFirst(), text, $0, range, next) }
  }
}

/// Why a regular expression is not read.
package struct PatternError: Error {
  package var detail: String
}
