/// Byte strings by number, and their numbers by content, without an allocation for each.
///
/// Strings are compared byte by byte: Swift's `String` takes canonically equivalent texts for equal, but a vocabulary may
/// have both. The hash is seeded, so that no file can be built to make it slow.
struct ByteStringTable: Sendable {
  private var bytes: [UInt8] = []
  private var ends: [Int] = []
  private var slots: [Int32]
  /// The length of the longest string.
  private(set) var maximumCount = 0
  /// The first string that was there before, with the number of the earlier one.
  private(set) var duplicate: (earlier: Int32, later: Int32)?

  /// Empty strings have numbers, but cannot be found.
  init(_ strings: [String]) {
    var capacity = 16
    while capacity < strings.count * 2 { capacity *= 2 }
    slots = [Int32](repeating: -1, count: capacity)
    ends.reserveCapacity(strings.count)
    for string in strings {
      let start = bytes.count
      bytes.append(contentsOf: string.utf8)
      ends.append(bytes.count)
      insert(Int32(ends.count - 1), start..<bytes.count)
    }
  }

  /// The content of a string.
  subscript(id: Int32) -> ArraySlice<UInt8> {
    bytes[(id == 0 ? 0 : ends[Int(id) - 1])..<ends[Int(id)]]
  }

  /// The number of the string with that content.
  func find(_ content: UnsafeRawBufferPointer) -> Int32? {
    guard content.count > 0, content.count <= maximumCount else { return nil }
    let id = slots[slot(of: content)]
    return id < 0 ? nil : id
  }

  func find(_ content: [UInt8]) -> Int32? { content.withUnsafeBytes { find($0) } }

  private mutating func insert(_ id: Int32, _ range: Range<Int>) {
    guard !range.isEmpty else { return }
    let slot = bytes.withUnsafeBytes { self.slot(of: UnsafeRawBufferPointer(rebasing: $0[range])) }
    if slots[slot] >= 0 {
      duplicate = duplicate ?? (slots[slot], id)
    } else {
      slots[slot] = id
      maximumCount = max(maximumCount, range.count)
    }
  }

  /// Where that content is, or would be put.
  private func slot(of content: UnsafeRawBufferPointer) -> Int {
    var hasher = Hasher()
    hasher.combine(bytes: content)
    var slot = hasher.finalize() & (slots.count - 1)
    while slots[slot] >= 0, !isEqual(slots[slot], content) { slot = (slot + 1) & (slots.count - 1) }
    return slot
  }

  private func isEqual(_ id: Int32, _ content: UnsafeRawBufferPointer) -> Bool {
    let start = id == 0 ? 0 : ends[Int(id) - 1]
    guard ends[Int(id)] - start == content.count else { return false }
    return bytes.withUnsafeBytes {
      content.elementsEqual(UnsafeRawBufferPointer(rebasing: $0[start..<ends[Int(id)]]))
    }
  }
}
