import PumiceGPU
import PumiceKernels
import PumiceOperators
import PumiceReference
import PumiceTensors
import PumiceVerification
import Testing

/// What attention must equal, whatever the data: on the device, in every variant.
///
/// Numbers are of size 1 and f32 has 24 bits: sums of a hundred terms differ by a few 1e-6 where they are added in another order.
@Suite(.serialized) struct AttentionIdentityTests {
  private let rounding = 2e-5

  private func withVariants(_ op: Attention, _ body: (Variant<Attention>, KernelLibrary) throws -> Void) throws {
    let kernels = KernelLibrary(device: try Device.open())
    var tried = 0
    for variant in Attention.variants where variant.unavailable(op, on: kernels.device.info) == nil {
      try body(variant, kernels)
      tried += 1
    }
    #expect(tried >= 2)
  }

  /// Attention over disjoint keys merges by log-sum-exp into that over all of them, in any order, where a part is empty too.
  @Test func disjointKeysMerge() throws {
    let run = AttentionRun(
      Attention(
        tokens: 3, heads: 4, kvHeads: 2, keySize: 32, capacity: 150, keyFormat: .f32, outputs: [.logSumExp]), seed: 11)
    let some = AttentionMask.tokens([0, 5, 31, 32, 33, 90, 149]), later = !AttentionMask.sinks(70)
    let none = AttentionMask.full & !.sinks(150)
    let parts: [AttentionMask] = [.causal & some, .causal & !some & later, .causal & !some & !later, none]
    try withVariants(run.op) { variant, kernels in
      let whole = try run.under(.causal).result(variant, kernels).rows
      let results = try parts.map { try run.under($0).result(variant, kernels).rows }
      #expect(results[3].allSatisfy { $0.logSumExp == -.infinity })
      for order in [results, results.reversed()] {
        let merged = order.dropFirst().reduce(order[0]) { zip($0, $1).map { $0.merged(with: $1) } }
        #expect(difference(merged, whole) < rounding, "\(variant.name)")
      }
      #expect(difference(results[1], whole) > 0.01)
    }
  }

  /// exp(lse_sparse − lse_dense) is the probability that dense attention gives to the keys that a mask keeps.
  @Test func keptMassFollowsFromLogSumExp() throws {
    let run = AttentionRun(
      Attention(
        tokens: 2, heads: 4, kvHeads: 2, keySize: 32, capacity: 100, keyFormat: .f32, outputs: [.logSumExp, .lastRow]),
      seed: 12)
    let masks: [AttentionMask] = [
      .causal & .window(20), .causal & (.sinks(3) | .window(9)), .causal & .slash([0, 7, 50]),
    ]
    try withVariants(run.op) { variant, kernels in
      let dense = try run.under(.causal).result(variant, kernels)
      for mask in masks {
        let sparse = try run.under(mask).result(variant, kernels)
        for head in 0..<4 {
          let kept = (0..<100).filter { mask.isLive(head: head, heads: 4, query: 99, key: $0, length: 100) }
            .reduce(0) { $0 + dense.lastRow[head * 100 + $1] }
          let row = 4 + head
          let mass = DoubleMath.exponential(sparse.rows[row].logSumExp - dense.rows[row].logSumExp)
          #expect(abs(mass - kept) < rounding && kept < 0.99, "\(variant.name), \(mask), head \(head)")
        }
      }
    }
  }

  /// A mask that hides nothing from causal attention changes no bit.
  @Test func aFullBudgetIsDense() throws {
    let run = AttentionRun(
      Attention(
        tokens: 5, heads: 4, kvHeads: 2, keySize: 32, capacity: 90, keyFormat: .f32, outputs: [.logSumExp]), seed: 13)
    let masks: [AttentionMask] = [
      .causal & .window(90), .causal & .sinks(90), .causal & (.sinks(40) | .window(50)),
      .causal & .tokens(Array(0..<90)),
      .causal & .slash(Array(0..<90)), .causal & .blocks(BlockList(size: 64, [[0], [0, 1]])),
      .causal & .shiftedGroups(180),
      .causal & .span(Array(repeating: HeadSpan(alpha: 0, beta: 1), count: 4)),
      // MoA's rule in blocks of 64: as many as the sequence has, and one more because the last begins anywhere.
      .causal & .span(Array(repeating: HeadSpan(alpha: 64, beta: 1), count: 4), block: 64),
      .causal & .perHead([.full, .window(90), .sinks(90), .full]), .causal & !.sinks(0), .prefixLM(0),
      .documents([]) & .causal,
    ]
    try withVariants(run.op) { variant, kernels in
      let dense = try run.under(.causal).result(variant, kernels)
      for mask in masks {
        #expect(try run.under(mask).result(variant, kernels).bits == dense.bits, "\(variant.name), \(mask)")
      }
    }
  }

  /// Every node of a tree of drafts gets what its branch alone would have given it.
  @Test func aTreeIsEachBranchAlone() throws {
    var random = RandomSource(seed: 14)
    let context = 37, nodes = 12
    let parents = (0..<nodes).map { $0 < 2 ? -1 : random.below($0 + 1) - 1 }
    let run = AttentionRun(
      Attention(
        tokens: nodes, heads: 4, kvHeads: 2, keySize: 32, capacity: context + nodes, keyFormat: .f32,
        mask: .tree(start: context, parents: parents), outputs: [.logSumExp]), seed: 15)
    let expected = run.evaluated()
    try withVariants(run.op) { variant, kernels in
      let tree = try run.result(variant, kernels).rows
      #expect(difference(tree, expected) < rounding)
      for node in 0..<nodes {
        var path: [Int] = [], current = node
        while current >= 0 {
          path.insert(current, at: 0)
          current = parents[current]
        }
        let branch = run.branch(cells: Array(0..<context) + path.map { context + $0 }, token: node)
        let alone = try branch.result(variant, kernels).rows
        #expect(difference(Array(tree[4 * node..<4 * node + 4]), alone) < rounding, "\(variant.name), node \(node)")
      }
    }
  }

  /// Dual chunk attention: three attentions with rotary positions of their own, merged, are attention by the distances that
  /// `DualChunk` states.
  @Test(arguments: [(48, 8), (32, 16), (200, 40)]) func dualChunksMerge(_ chunk: Int, _ local: Int) throws {
    let chunks = try DualChunk(chunk: chunk, local: local)
    let size = 32, keys = 130
    let op = Attention(
      tokens: 4, heads: 2, kvHeads: 1, keySize: size, capacity: keys, keyFormat: .f32, outputs: [.logSumExp])
    let run = AttentionRun(op, seed: 16)
    let queries = [40, 41, 100, 129]
    let expected = run.rotated(queries) { chunks.distance(query: $0, key: $1) }
    if keys <= chunks.period { #expect(difference(expected, run.rotated(queries) { $0 - $1 }) == 0) }
    let kernels = KernelLibrary(device: try Device.open())
    let variant = try kernels.choose(op)
    func rotated(_ x: [Float], heads: Int, _ positions: [Int]) -> [Float] {
      let rope = RoPE(
        tokens: positions.count, heads: heads, headSize: size, rotaryDimensions: size, pairing: .halves)
      return rope.evaluate([
        "x": x.map { Double($0) }, "positions": positions.map { Double($0) },
        "frequencies": RoPE.frequencies(rotaryDimensions: size, base: 10_000).map { Double($0) },
      ])["x"]!.map { Float($0) }
    }
    var merged: [SoftmaxSum]?
    for part in DualChunk.Part.allCases {
      var own = run.under(chunks.mask(part, positions: keys))
      own.positions = queries.map { Int32($0) }
      own.q = rotated(run.q, heads: 2, queries.map { chunks.rotaryPosition(query: $0, part) })
      own.k = rotated(run.k, heads: 1, (0..<keys).map(chunks.rotaryPosition))
      let rows = try own.result(variant, kernels).rows
      merged = merged.map { zip($0, rows).map { $0.merged(with: $1) } } ?? rows
    }
    #expect(difference(merged!, expected) < rounding)
    #expect(keys <= chunks.period || difference(merged!, run.rotated(queries) { $0 - $1 }) > 0.001)
  }
}

extension AttentionRun {
  /// One token over some of the cells, in their order, all of which it sees.
  fileprivate func branch(cells: [Int], token: Int) -> AttentionRun {
    var branch = self
    branch.op.tokens = 1
    branch.op.capacity = cells.count
    branch.op.keys = cells.count
    branch.op.mask = .causal
    branch.q = Array(q[token * op.heads * op.keySize..<(token + 1) * op.heads * op.keySize])
    func gathered(_ x: [Float], _ size: Int) -> [Float] {
      var rows: [Float] = []
      for head in 0..<op.kvHeads {
        for cell in cells {
          let start = (head * op.capacity + cell) * size
          rows += x[start..<start + size]
        }
      }
      return rows
    }
    branch.k = gathered(k, op.keySize)
    branch.v = gathered(v, op.valueSize)
    branch.positions = [Int32(cells.count - 1)]
    branch.keyPositions = cells.indices.map { Int32($0) }
    return branch
  }

  /// Causal attention of queries at the given positions, one key-value head, in which query i is turned against key j by
  /// `distance(i, j)` positions: element pairs (d, d + size/2) by the angle distance · 10000^(−2d/size).
  fileprivate func rotated(_ queries: [Int], by distance: (Int, Int) -> Int) -> [SoftmaxSum] {
    var rows: [SoftmaxSum] = []
    for (t, query) in queries.enumerated() {
      for h in 0..<op.heads {
        let row = (t * op.heads + h) * op.keySize
        var scores: [Double] = [], values: [Double] = []
        for key in 0...query {
          scores.append(Double(op.scale) * turnedDot(row, key * op.keySize, by: Double(distance(query, key))))
          values += v[key * op.valueSize..<(key + 1) * op.valueSize].map { Double($0) }
        }
        rows.append(SoftmaxSum(scores: scores, values: values, width: op.valueSize))
      }
    }
    return rows
  }

  private func turnedDot(_ row: Int, _ cell: Int, by distance: Double) -> Double {
    let half = op.keySize / 2
    var sum = 0.0
    for d in 0..<half {
      let angle: Double = distance * DoubleMath.power(10_000, -2 * Double(d) / Double(op.keySize))
      let cosine: Double = DoubleMath.cosine(angle), sine: Double = DoubleMath.sine(angle)
      let a = Double(q[row + d]), b = Double(q[row + d + half])
      let first: Double = (a * cosine - b * sine) * Double(k[cell + d])
      let second: Double = (a * sine + b * cosine) * Double(k[cell + d + half])
      sum += first + second
    }
    return sum
  }
}
