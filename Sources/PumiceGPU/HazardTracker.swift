/// What a command does with a range of bytes.
public enum Access: Sendable, Hashable {
  case read, write, readWrite

  var reads: Bool { self != .write }
  var writes: Bool { self != .read }
}

/// Decides where a barrier is needed: only between commands that touch the same bytes, and only if one of them writes.
///
/// No validation layer sees an access through a device address, so this is all that stands between two dispatches.
struct HazardTracker {
  /// A range of bytes in one block of memory, and what is done with it.
  struct Use {
    var block: Int
    var range: Range<Int>
    var access: Access
  }

  private var reads: [Int: IntervalSet] = [:]
  private var writes: [Int: IntervalSet] = [:]

  /// Notes the uses of the next command, and whether a barrier must come before it. If so, the tracker has already
  /// forgotten all that came before.
  ///
  /// Uses of one command do not conflict with each other: what a dispatch does within itself is the shader's affair.
  mutating func needsBarrier(before uses: [Use]) -> Bool {
    let conflict = uses.contains { use in
      if writes[use.block]?.overlaps(use.range) == true { return true }
      return use.access.writes && reads[use.block]?.overlaps(use.range) == true
    }
    if conflict { clear() }
    for use in uses {
      if use.access.reads { reads[use.block, default: IntervalSet()].insert(use.range) }
      if use.access.writes { writes[use.block, default: IntervalSet()].insert(use.range) }
    }
    return conflict
  }

  /// A barrier has been recorded: nothing before it can conflict with what comes.
  mutating func clear() {
    reads.removeAll(keepingCapacity: true)
    writes.removeAll(keepingCapacity: true)
  }
}

/// Disjoint ranges in order; those that touch are one.
struct IntervalSet: Equatable {
  private(set) var ranges: [Range<Int>] = []

  func overlaps(_ range: Range<Int>) -> Bool {
    guard !range.isEmpty else { return false }
    let index = firstIndex(endingAfter: range.lowerBound)
    return index < ranges.count && ranges[index].lowerBound < range.upperBound
  }

  mutating func insert(_ range: Range<Int>) {
    guard !range.isEmpty else { return }
    // Ranges that end exactly where the new one begins are joined as well.
    let first = firstIndex(endingAfter: range.lowerBound - 1)
    var last = first
    var joined = range
    while last < ranges.count, ranges[last].lowerBound <= range.upperBound {
      joined = min(joined.lowerBound, ranges[last].lowerBound)..<max(joined.upperBound, ranges[last].upperBound)
      last += 1
    }
    ranges.replaceSubrange(first..<last, with: [joined])
  }

  private func firstIndex(endingAfter position: Int) -> Int {
    var low = 0
    var high = ranges.count
    while low < high {
      let middle = (low + high) / 2
      if ranges[middle].upperBound > position { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
