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

  private struct Name {
    var bytes: [UInt8]
    var id: Int32
  }

  /// In the order of their bytes, so that the names with a common prefix are neighbours.
  private let names: [Name]
  private let firstBytes: [Bool]

  /// - Parameter names: distinct names; empty ones are never found.
  init(_ names: [(String, Int32)]) {
    self.names = names.map { Name(bytes: Array($0.utf8), id: $1) }.filter { !$0.bytes.isEmpty }
      .sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }
    var firstBytes = [Bool](repeating: false, count: 256)
    for name in self.names { firstBytes[Int(name.bytes[0])] = true }
    self.firstBytes = firstBytes
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
    var found: [Match] = []
    for start in bytes.indices where firstBytes[Int(bytes[start])] {
      var candidates = names.indices
      var end = start
      while end < bytes.count, !candidates.isEmpty {
        candidates = narrowed(candidates, depth: end - start, to: bytes[end])
        end += 1
        // A name that ends here sorts before those that go on.
        if let first = candidates.first, names[first].bytes.count == end - start,
          isWanted(names[first].id)
        {
          found.append(Match(id: names[first].id, range: start..<end))
        }
      }
    }
    return found
  }

  /// Those of some names with a common prefix of `depth` bytes that go on with `byte`.
  private func narrowed(_ candidates: Range<Int>, depth: Int, to byte: UInt8) -> Range<Int> {
    func firstIndex(from start: Int, where isReached: (UInt8) -> Bool) -> Int {
      var (low, high) = (start, candidates.upperBound)
      while low < high {
        let middle = low + (high - low) / 2
        let name = names[middle].bytes
        if name.count > depth && isReached(name[depth]) { high = middle } else { low = middle + 1 }
      }
      return low
    }
    let start = firstIndex(from: candidates.lowerBound) { $0 >= byte }
    return start..<firstIndex(from: start) { $0 > byte }
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
      guard !isTaken[match.range.lowerBound], !isTaken[match.range.upperBound - 1] else {
        return false
      }
      for position in match.range { isTaken[position] = true }
      return true
    }
    return kept.sorted { $0.range.lowerBound < $1.range.lowerBound }
  }
}
