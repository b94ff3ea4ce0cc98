/// Finds the names of tokens in a text and cuts it there: the longest name first, then from left to right.
///
/// A name wins over every shorter one that it overlaps, even one that begins before it, so the result does not depend on
/// where a search begins.
struct SpecialTokenMatcher: Sendable {
  enum Fragment: Hashable {
    case token(Int32)
    case text(Range<Int>)
  }

  private struct Match {
    var id: Int32
    var range: Range<Int>
  }

  /// A trie: the child of a node by (node << 8 | byte).
  private var children: [UInt64: UInt64] = [:]
  private var tokens: [UInt64: Int32] = [:]
  private var firstBytes = [Bool](repeating: false, count: 256)
  private var nodeCount: UInt64 = 1

  mutating func insert(_ name: some Collection<UInt8>, _ id: Int32) {
    guard let first = name.first else { return }
    firstBytes[Int(first)] = true
    var node: UInt64 = 0
    for byte in name {
      let edge = node << 8 | UInt64(byte)
      if let child = children[edge] {
        node = child
      } else {
        children[edge] = nodeCount
        node = nodeCount
        nodeCount += 1
      }
    }
    tokens[node] = id
  }

  /// The text in pieces; those that are `.text` are not empty.
  func split(_ bytes: [UInt8], where isWanted: (Int32) -> Bool) -> [Fragment] {
    var fragments: [Fragment] = []
    var end = 0
    for match in chosen(from: matches(bytes, where: isWanted), length: bytes.count) {
      if match.range.lowerBound > end { fragments.append(.text(end..<match.range.lowerBound)) }
      fragments.append(.token(match.id))
      end = match.range.upperBound
    }
    if end < bytes.count { fragments.append(.text(end..<bytes.count)) }
    return fragments
  }

  private func matches(_ bytes: [UInt8], where isWanted: (Int32) -> Bool) -> [Match] {
    guard nodeCount > 1 else { return [] }
    var found: [Match] = []
    for start in bytes.indices where firstBytes[Int(bytes[start])] {
      var node: UInt64 = 0
      var end = start
      while end < bytes.count, let child = children[node << 8 | UInt64(bytes[end])] {
        node = child
        end += 1
        if let id = tokens[node], isWanted(id) { found.append(Match(id: id, range: start..<end)) }
      }
    }
    return found
  }

  /// Those matches that no longer or earlier one overlaps, in the order of the text.
  private func chosen(from matches: [Match], length: Int) -> [Match] {
    if matches.isEmpty { return [] }
    let byLength = matches.sorted {
      ($1.range.count, $0.id, $0.range.lowerBound) < ($0.range.count, $1.id, $1.range.lowerBound)
    }
    var isTaken = [Bool](repeating: false, count: length)
    let kept = byLength.filter { match in
      // Whatever was taken before is at least as long, so an overlap covers one of the ends.
      guard !isTaken[match.range.lowerBound], !isTaken[match.range.upperBound - 1] else { return false }
      for position in match.range { isTaken[position] = true }
      return true
    }
    return kept.sorted { $0.range.lowerBound < $1.range.lowerBound }
  }
}
