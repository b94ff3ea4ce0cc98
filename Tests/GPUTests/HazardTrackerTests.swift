import Testing

@testable import PumiceGPU

/// The tracker alone: no device is involved.
struct HazardTrackerTests {
  private func use(_ range: Range<Int>, _ access: Access, block: Int = 0) -> HazardTracker.Use {
    HazardTracker.Use(block: block, range: range, access: access)
  }

  /// Before which of several commands a barrier is needed.
  private func barriers(_ commands: [HazardTracker.Use]...) -> [Bool] {
    var tracker = HazardTracker()
    return commands.map { tracker.needsBarrier(before: $0) }
  }

  /// Whether the second of two commands needs a barrier.
  private func conflict(_ first: HazardTracker.Use, _ second: HazardTracker.Use) -> Bool {
    barriers([first], [second]) == [false, true]
  }

  @Test func kindsOfHazard() {
    #expect(conflict(use(0..<8, .write), use(0..<8, .read)))
    #expect(conflict(use(0..<8, .read), use(0..<8, .write)))
    #expect(conflict(use(0..<8, .write), use(0..<8, .write)))
    #expect(conflict(use(0..<8, .readWrite), use(0..<8, .read)))
    #expect(conflict(use(0..<8, .read), use(0..<8, .readWrite)))
    #expect(!conflict(use(0..<8, .read), use(0..<8, .read)))
  }

  @Test func onlyCommonBytesConflict() {
    #expect(!conflict(use(0..<8, .write), use(8..<16, .write)))
    #expect(!conflict(use(8..<16, .write), use(0..<8, .read)))
    #expect(conflict(use(0..<9, .write), use(8..<16, .read)))
    #expect(conflict(use(4..<5, .write), use(0..<100, .read)))
    #expect(conflict(use(0..<100, .write), use(50..<51, .read)))
    #expect(!conflict(use(0..<8, .write), use(0..<8, .write, block: 1)))
  }

  @Test func barrierClearsWhatCameBefore() {
    let found = barriers(
      [use(0..<8, .write), use(8..<16, .write)],
      [use(0..<8, .read)],
      // The barrier before that read also covers the other write.
      [use(8..<16, .read)],
      // But the reads after the barrier count.
      [use(0..<4, .write)])
    #expect(found == [false, true, false, true])
    var tracker = HazardTracker()
    _ = tracker.needsBarrier(before: [use(0..<4, .write)])
    tracker.clear()
    let again = tracker.needsBarrier(before: [use(0..<4, .write)])
    #expect(!again)
  }

  @Test func oneCommandDoesNotConflictWithItself() {
    let inPlace = [use(0..<8, .read), use(0..<8, .write)]
    #expect(barriers(inPlace, inPlace) == [false, true])
  }

  @Test func intervalsAgreeWithBits() {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<300 {
      var set = IntervalSet()
      var bits = [Bool](repeating: false, count: 64)
      for _ in 0..<12 {
        let start = Int.random(in: 0..<60, using: &random)
        let range = start..<Int.random(in: start...63, using: &random)
        #expect(set.overlaps(range) == range.contains { bits[$0] })
        set.insert(range)
        for bit in range { bits[bit] = true }
      }
      #expect(set.ranges.flatMap { Array($0) } == bits.indices.filter { bits[$0] })
      #expect(zip(set.ranges, set.ranges.dropFirst()).allSatisfy { $0.upperBound < $1.lowerBound })
    }
  }
}

struct RangeAllocatorTests {
  @Test func rangesNeverOverlapAndComeBack() {
    var allocator = RangeAllocator(size: 1 << 16, alignment: 256)
    var living: [Range<Int>] = []
    for step in 0..<4000 {
      if step % 3 != 2, let range = allocator.allocate(Int.random(in: 1...2000)) {
        #expect(range.lowerBound % 256 == 0 && range.upperBound <= 1 << 16)
        #expect(!living.contains { $0.overlaps(range) })
        living.append(range)
      } else if let index = living.indices.randomElement() {
        allocator.release(living.remove(at: index))
      }
      #expect(allocator.freeBytes + living.reduce(0) { $0 + $1.count } == 1 << 16)
    }
    for range in living { allocator.release(range) }
    #expect(allocator.isEmpty)
  }

  @Test func bestFit() {
    var allocator = RangeAllocator(size: 10, alignment: 1)
    let ranges = [4, 1, 2, 1, 2].map { allocator.allocate($0)! }
    allocator.release(ranges[0])
    allocator.release(ranges[2])
    let fitting = allocator.allocate(2)
    #expect(fitting == ranges[2])
    let tooLong = allocator.allocate(5)
    #expect(tooLong == nil)
  }
}
