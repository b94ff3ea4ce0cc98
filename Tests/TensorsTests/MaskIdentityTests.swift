import PumiceTensors
import Testing

/// What the papers say of their masks.
@Suite struct MaskIdentityTests {
  private func sees(_ mask: AttentionMask, _ query: Int, _ key: Int, head: Int = 0, heads: Int = 1) -> Bool {
    mask.isLive(head: head, heads: heads, query: query, key: key, length: 64)
  }

  /// Tree masks are the ancestor relation, here of random trees and by its own definition: the powers of "parent of".
  @Test func randomTreesAreTheAncestorRelation() {
    var state: UInt64 = 1
    func random(below n: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % n
    }
    for count in 1...24 {
      let parents = (0..<count).map { random(below: $0 + 1) - 1 }
      var ancestors: Set<[Int]> = Set((0..<count).map { [$0, $0] })
      var grown = true
      while grown {
        let next = ancestors.union(ancestors.compactMap { parents[$0[1]] < 0 ? nil : [$0[0], parents[$0[1]]] })
        grown = next.count > ancestors.count
        ancestors = next
      }
      let mask = AttentionMask.tree(start: 3, parents: parents)
      for i in 0..<count {
        for j in 0..<count {
          #expect(sees(mask, 3 + i, 3 + j) == ancestors.contains([i, j]), "\(parents): \(i), \(j)")
        }
        #expect((0..<3).allSatisfy { sees(mask, 3 + i, $0) })
      }
    }
  }

  /// Dual chunk attention: distances up to `local` are what they are, none leaves 0…chunk, a text of one period is as
  /// without, and the three parts share no key and miss none.
  @Test(arguments: [(8, 2), (8, 0), (8, 4), (12, 5), (1, 0), (100, 30)])
  func dualChunkDistances(_ chunk: Int, _ local: Int) throws {
    let chunks = try DualChunk(chunk: chunk, local: local)
    let masks = try DualChunk.Part.allCases.map { part in
      let mask = chunks.mask(part, positions: 64)
      try mask.validate(heads: 1, positions: 64)
      return (part, mask)
    }
    for query in 0..<64 {
      for key in 0..<64 {
        let parts = masks.filter { sees($0.1, query, key) }.map(\.0)
        if key > query {
          #expect(parts.isEmpty)
          continue
        }
        #expect(parts == [chunks.part(query: query, key: key)])
        let distance = chunks.distance(query: query, key: key)
        #expect((0...chunk).contains(distance))
        if query - key <= local || query < chunks.period { #expect(distance == query - key) }
      }
    }
  }

  @Test(arguments: [
    (0, 0, "dualChunk: chunk is 0; it must lie in 1…1073741823"),
    (8, 5, "dualChunk: local is 5; it must lie in 0…4"), (8, -1, "dualChunk: local is -1; it must lie in 0…4"),
  ])
  func impossibleChunksAreRefused(_ chunk: Int, _ local: Int, _ message: String) {
    let error = #expect(throws: AttentionMaskError.self) { try DualChunk(chunk: chunk, local: local) }
    #expect(error?.description == message)
  }

  /// LongLoRA: what a shifted head sees is what an unshifted one sees half a group further on, and one group is everything.
  @Test func shiftedGroupsAreGroupsOfTheShiftedIndex() {
    let mask = AttentionMask.shiftedGroups(8)
    for query in 0..<60 {
      for key in 0..<60 {
        #expect(sees(mask, query, key, head: 1, heads: 2) == sees(mask, query + 4, key + 4, head: 0, heads: 2))
        #expect(sees(.shiftedGroups(120), query, key, head: query % 2, heads: 2))
      }
    }
  }

  /// MoA: a band of at least N/64 + 1 blocks hides nothing of N tokens, a narrower one does; and a block sees itself at least.
  @Test func spansOfAllBlocksAreDense() {
    for blocks in 1...6 {
      let band = AttentionMask.span([HeadSpan(alpha: 8 * blocks, beta: 0)], block: 8)
      let pairs = (0..<40).flatMap { query in (0...query).map { (query, $0) } }
      #expect(pairs.allSatisfy { sees(band, $0.0, $0.1) } == (blocks >= 5))
      #expect(pairs.allSatisfy { sees(band, $0.0, $0.1) == ($0.0 / 8 - $0.1 / 8 < blocks) })
    }
  }
}
