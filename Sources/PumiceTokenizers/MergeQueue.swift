/// A piece of text on its way to being a token: a node of a list, in the order of the text.
struct Symbol {
  var start: Int
  /// Bytes; 0 once the symbol has been merged into the one before it.
  var count: Int
  var id: Int32
  var previous: Int
  var next: Int
}

/// What two neighbours would become, and how urgently: a lower priority value goes first.
struct MergeCandidate {
  var priority: UInt32
  var id: Int32
}

/// Merges neighbours, best pair first and leftmost among equals, until no pair can be merged: O(n log n).
///
/// This is the common part of byte pair encoding (Sennrich, Haddow & Birch 2016) and of SentencePiece's bigram merging
/// (Kudo & Richardson 2018); they differ in what makes a pair and in its priority.
/// - Parameter candidate: what a left and a right symbol become, or nil when they stay apart.
/// - Precondition: fewer than 2³² symbols.
func merge(
  _ symbols: inout [Symbol], _ candidate: (_ left: Symbol, _ right: Symbol) -> MergeCandidate?
) {
  var queue = MergeQueue()

  func propose(_ left: Int, _ right: Int) {
    guard left >= 0, right >= 0, let candidate = candidate(symbols[left], symbols[right]) else {
      return
    }
    let size = symbols[left].count + symbols[right].count
    queue.push(
      .init(
        key: UInt64(candidate.priority) << 32 | UInt64(left), right: right, size: size,
        id: candidate.id))
  }

  for index in symbols.indices.dropFirst() { propose(index - 1, index) }
  while let entry = queue.pop() {
    let (left, right) = (entry.left, entry.right)
    // A pair whose halves have been merged with others meanwhile is out of date.
    guard symbols[left].count > 0, symbols[right].count > 0,
      symbols[left].count + symbols[right].count == entry.size
    else { continue }
    symbols[left].count = entry.size
    symbols[left].id = entry.id
    symbols[left].next = symbols[right].next
    symbols[right].count = 0
    if symbols[right].next >= 0 { symbols[symbols[right].next].previous = left }
    propose(symbols[left].previous, left)
    propose(left, symbols[left].next)
  }
}

/// A binary heap, smallest key first.
private struct MergeQueue {
  struct Entry {
    /// Priority in the upper half, the left symbol in the lower: equal priorities go from left to right.
    var key: UInt64
    var right: Int
    var size: Int
    var id: Int32

    var left: Int { Int(key & 0xffff_ffff) }
  }

  private var heap: [Entry] = []

  mutating func push(_ entry: Entry) {
    heap.append(entry)
    var child = heap.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard entry.key < heap[parent].key else { break }
      heap[child] = heap[parent]
      child = parent
    }
    heap[child] = entry
  }

  mutating func pop() -> Entry? {
    guard let top = heap.first else { return nil }
    let last = heap.removeLast()
    guard !heap.isEmpty else { return top }
    var parent = 0
    while true {
      var child = parent * 2 + 1
      guard child < heap.count else { break }
      if child + 1 < heap.count, heap[child + 1].key < heap[child].key { child += 1 }
      guard heap[child].key < last.key else { break }
      heap[parent] = heap[child]
      parent = child
    }
    heap[parent] = last
    return top
  }
}
