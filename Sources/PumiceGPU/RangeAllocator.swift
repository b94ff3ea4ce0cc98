/// Hands out ranges of a block: best fit, and neighbouring free ranges are joined again.
struct RangeAllocator {
  let size: Int
  let alignment: Int
  /// Free ranges, by position; no two touch.
  private(set) var free: [Range<Int>]

  /// `size` must be a multiple of `alignment`.
  init(size: Int, alignment: Int) {
    self.size = size
    self.alignment = alignment
    free = [0..<size]
  }

  var isEmpty: Bool { free == [0..<size] }
  var freeBytes: Int { free.reduce(0) { $0 + $1.count } }

  /// A range of at least `count` units, rounded up to the alignment; nil when there is none.
  mutating func allocate(_ count: Int) -> Range<Int>? {
    let needed = Self.rounded(count, to: alignment)
    var best: Int?
    for (index, range) in free.enumerated() where range.count >= needed {
      if best == nil || range.count < free[best!].count { best = index }
    }
    guard let best else { return nil }
    let range = free[best]
    let taken = range.lowerBound..<range.lowerBound + needed
    if taken.upperBound == range.upperBound {
      free.remove(at: best)
    } else {
      free[best] = taken.upperBound..<range.upperBound
    }
    return taken
  }

  /// Takes back a range that `allocate` returned.
  mutating func release(_ range: Range<Int>) {
    var low = 0
    var high = free.count
    while low < high {
      let middle = (low + high) / 2
      if free[middle].lowerBound < range.lowerBound { low = middle + 1 } else { high = middle }
    }
    precondition(low == 0 || free[low - 1].upperBound <= range.lowerBound, "a range was released twice")
    precondition(low == free.count || range.upperBound <= free[low].lowerBound, "a range was released twice")
    let joinsNext = low < free.count && free[low].lowerBound == range.upperBound
    let joinsPrevious = low > 0 && free[low - 1].upperBound == range.lowerBound
    switch (joinsPrevious, joinsNext) {
    case (true, true):
      free[low - 1] = free[low - 1].lowerBound..<free[low].upperBound
      free.remove(at: low)
    case (true, false): free[low - 1] = free[low - 1].lowerBound..<range.upperBound
    case (false, true): free[low] = range.lowerBound..<free[low].upperBound
    case (false, false): free.insert(range, at: low)
    }
  }

  static func rounded(_ count: Int, to alignment: Int) -> Int { (count + alignment - 1) / alignment * alignment }
}
