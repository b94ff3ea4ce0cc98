import PumiceGPU
import PumiceKernels
import PumiceOperators
import PumiceReference
import PumiceTensors
import PumiceVerification
import Testing

@Suite(.serialized) struct AttentionTests {
  /// Queries, a cache that no query sees to its end, and positions in no order, one of them masked.
  private struct Problem {
    var op = Attention(
      tokens: 11, heads: 6, kvHeads: 2, keySize: 40, capacity: 610, keys: 601, keyFormat: .f16)
    var positions: [Int32] = [600, 3, -1, 255, 256, 0, 511, 512, 77, 599, 30]
    var q: [Float], k: [Float16], v: [Float16]

    init(seed: UInt64 = 1) {
      var random = RandomSource(seed: seed)
      q = (0..<op.tokens * op.heads * op.keySize).map { _ in Float(random.normal()) }
      let cells = op.kvHeads * op.capacity * op.keySize
      k = (0..<cells).map { _ in Float16(random.normal()) }
      v = (0..<cells).map { _ in Float16(random.normal()) }
    }

    /// The same rows for some of the tokens, with `keys` in view.
    func part(_ tokens: [Int], keys: Int) -> Problem {
      let row = op.heads * op.keySize
      var part = self
      part.op.tokens = tokens.count
      part.op.keys = keys
      part.positions = tokens.map { positions[$0] }
      part.q = tokens.flatMap { q[$0 * row..<($0 + 1) * row] }
      return part
    }

    /// The problem `count` times, with other queries, keys and values in all sequences but `kept`.
    func batch(_ count: Int, keeping kept: Int) -> Problem {
      var batch = self
      batch.op.sequences = count
      batch.positions = []
      (batch.q, batch.k, batch.v) = ([], [], [])
      for sequence in 0..<count {
        let other = sequence == kept ? self : Problem(seed: UInt64(100 + sequence))
        batch.positions += sequence == kept ? positions : positions.map { max(-1, $0 - Int32(37 * (sequence + 1))) }
        batch.q += other.q[0..<q.count]
        batch.k += other.k
        batch.v += other.v
      }
      return batch
    }

    private var cellPositions: [Int32] {
      (0..<op.sequences * op.kvHeads).flatMap { _ in (0..<op.capacity).map { Int32($0) } }
    }

    var reference: [String: [Double]] {
      [
        "q": q.map { Double($0) }, "k": k.map { Double($0) }, "v": v.map { Double($0) },
        "positions": positions.map { Double($0) }, "key_positions": cellPositions.map { Double($0) },
        "lengths": Array(repeating: Double(op.keys), count: op.sequences * op.kvHeads),
        "totals": Array(repeating: Double(op.keys), count: op.sequences),
      ]
    }

    /// The bits of y.
    func run(_ variant: Variant<Attention>, _ kernels: KernelLibrary) throws -> [UInt32] {
      let slices = try op.run(
        q: q, k: k, v: v, positions: positions, cells: cellPositions, variant, kernels)
      return try slices["y"]!.buffer.read(UInt32.self, count: op.argument("y").shape.count)
    }
  }

  /// A row has the same bits whatever other rows are in the dispatch, and however many keys it might have seen.
  @Test func rowsDoNotDependOnTheirNeighbours() throws {
    let kernels = KernelLibrary(device: try Device.open())
    let whole = Problem()
    let row = whole.op.heads * whole.op.keySize
    var tried = 0
    for variant in Attention.variants where variant.unavailable(whole.op, on: kernels.device.info) == nil {
      let together = try whole.run(variant, kernels)
      for token in 0..<whole.op.tokens {
        let own = Array(together[token * row..<(token + 1) * row])
        let keys = max(1, Int(whole.positions[token]) + 1)
        #expect(
          try whole.part([token], keys: 601).run(variant, kernels) == own, "\(variant.name), token \(token) alone")
        #expect(try whole.part([token], keys: keys).run(variant, kernels) == own, "\(variant.name), \(keys) keys")
        tried += 1
      }
      let reversed = try whole.part((0..<whole.op.tokens).reversed(), keys: 601).run(variant, kernels)
      let turned = (0..<whole.op.tokens).reversed().flatMap { reversed[$0 * row..<($0 + 1) * row] }
      #expect(turned == together, "\(variant.name), rows in another order")
    }
    #expect(tried >= whole.op.tokens)
  }

  /// A sequence has the same bits whatever the other sequences of the batch are, under a mask that makes their tiles differ.
  @Test(arguments: [AttentionMask.causal, .causal & (.sinks(3) | .window(70)), .causal & .slash([0, 5, 64, 300])])
  func sequencesDoNotDependOnTheBatch(_ mask: AttentionMask) throws {
    let kernels = KernelLibrary(device: try Device.open())
    var alone = Problem()
    alone.op.mask = mask
    let count = alone.op.argument("y").shape.count
    var tried = 0
    for variant in Attention.variants where variant.unavailable(alone.op, on: kernels.device.info) == nil {
      let own = try alone.run(variant, kernels)
      let batch = alone.batch(3, keeping: 1)
      guard variant.unavailable(batch.op, on: kernels.device.info) == nil else { continue }
      let together = try batch.run(variant, kernels)
      #expect(Array(together[count..<2 * count]) == own, "\(variant.name)")
      #expect(Array(together[..<count]) != own, "\(variant.name): the sequences are not the same")
      tried += 1
    }
    #expect(tried >= 2)
  }

  /// The log-sum-exps of a mask and of all keys say what share of the probability the mask keeps, and without a key that the
  /// mask hides nothing changes.
  @Test func keptMassFollowsFromLogSumExp() throws {
    var random = RandomSource(seed: 5)
    let op = Attention(
      tokens: 3, heads: 2, kvHeads: 1, keySize: 8, capacity: 40, keyFormat: .f32, outputs: [.logSumExp])
    func numbers(_ name: String) -> [Double] { (0..<op.argument(name).shape.count).map { _ in random.normal() } }
    let inputs: [String: [Double]] = [
      "q": numbers("q"), "k": numbers("k"), "v": numbers("v"), "positions": [39, 20, 30],
      "key_positions": (0..<40).map(Double.init), "lengths": [40], "totals": [40],
    ]
    let dense = op.evaluate(inputs)
    for mask in [AttentionMask.causal & .window(7), .causal & (.sinks(2) | .window(4)), .causal & .window(40)] {
      var masked = op
      masked.mask = mask
      let sparse = masked.evaluate(inputs)
      for t in 0..<3 {
        for h in 0..<2 {
          let row = t * 2 + h, query = Int(inputs["positions"]![t])
          let scores = (0...query).map { j in
            (0..<8).reduce(0.0) { $0 + inputs["q"]![row * 8 + $1] * inputs["k"]![j * 8 + $1] } * Double(op.scale)
          }
          let all = scores.reduce(0) { $0 + DoubleMath.exponential($1) }
          let kept = scores.indices.filter { mask.isLive(head: h, heads: 2, query: query, key: $0, length: 40) }
            .reduce(0) { $0 + DoubleMath.exponential(scores[$1]) }
          let difference = sparse["log_sum_exp"]![row] - dense["log_sum_exp"]![row]
          #expect(abs(DoubleMath.exponential(difference) - kept / all) < 1e-12)
        }
      }
      if mask == .causal & .window(40) { #expect(sparse["y"] == dense["y"]) }
    }
  }

  /// Softmax sums over any parts of the keys merge into the sum over all, in any order.
  @Test func disjointKeysMerge() {
    var random = RandomSource(seed: 7)
    let width = 5
    for keys in [1, 2, 17, 300] {
      // Scores far apart, so that most parts count for nothing beside others.
      let scores = (0..<keys).map { _ in random.normal() * 20 }
      let values = (0..<keys * width).map { _ in random.normal() }
      let whole = SoftmaxSum(scores: scores, values: values, width: width).normalized
      let owners = (0..<keys).map { _ in random.below(4) }
      let parts = (0..<5).map { part in
        let mine = (0..<keys).filter { owners[$0] == part }
        return SoftmaxSum(
          scores: mine.map { scores[$0] }, values: mine.flatMap { values[$0 * width..<($0 + 1) * width] }, width: width)
      }
      let empty = SoftmaxSum(scores: [], values: [], width: width)
      #expect(empty.normalized == Array(repeating: 0, count: width))
      for order in [parts, parts.reversed()] {
        let merged = order.reduce(empty) { $0.merged(with: $1) }.normalized
        for (a, b) in zip(merged, whole) { #expect(abs(a - b) <= 1e-13) }
      }
    }
  }

  /// The bound is small enough that each of these mistakes breaks it in every row that it touches.
  @Test func boundCatchesMistakes() throws {
    let problem = Problem(seed: 3)
    let truth = problem.op.evaluate(problem.reference, rounding: .f32, elements: .all)["y"]!
    let row = problem.op.keySize
    func rowsCaught(_ mistaken: [Double]) -> Set<Int> {
      Set(truth.values.indices.filter { abs(truth.values[$0] - mistaken[$0]) > truth.bounds[$0] }.map { $0 / row })
    }
    func rows(_ seen: (Int32) -> Bool) -> Set<Int> {
      Set((0..<problem.op.tokens * problem.op.heads).filter { seen(problem.positions[$0 / problem.op.heads]) })
    }

    var early = problem.reference
    early["positions"]! = early["positions"]!.map { max(-1, $0 - 1) }
    #expect(rowsCaught(problem.op.evaluate(early)["y"]!) == rows { $0 >= 0 }, "one key too few")

    var late = problem.reference
    late["positions"]! = late["positions"]!.map { $0 + 1 }
    #expect(rowsCaught(problem.op.evaluate(late)["y"]!) == rows { $0 < 600 }, "one key too many")

    var scaled = problem.op
    scaled.scale *= 1.001
    #expect(rowsCaught(scaled.evaluate(problem.reference)["y"]!) == rows { $0 > 0 }, "scale off by a thousandth")

    var swapped = problem.reference
    for d in 0..<row { swapped["v"]!.swapAt(10 * row + d, 11 * row + d) }
    let firstGroup = Set((0..<problem.op.tokens * problem.op.heads).filter { $0 % problem.op.heads < 3 })
    #expect(
      rowsCaught(problem.op.evaluate(swapped)["y"]!) == rows { $0 >= 10 }.intersection(firstGroup), "values swapped")
  }

  /// Where one score is far above all others by more than its own rounding, the row is that key's value and the bound is
  /// no wider than rounding that value; where rounding decides which key wins, the bound reaches from one to the other.
  @Test func boundOfHugeScores() {
    let op = Attention(tokens: 1, heads: 1, kvHeads: 1, keySize: 8, capacity: 3, keyFormat: .f32, scale: 1)
    func bound(_ scores: [Double]) -> Evaluated {
      var k: [Double] = []
      for score in scores { k += [score] + Array(repeating: 0.0, count: 7) }
      let v: [Double] = [1.0, 2, 3].flatMap { Array(repeating: $0, count: 8) }
      let q: [Double] = [1e4] + Array(repeating: 0.0, count: 7)
      return op.evaluate(
        ["q": q, "k": k, "v": v, "positions": [2], "key_positions": [0, 1, 2], "lengths": [3], "totals": [3]],
        rounding: .f32, elements: .all)["y"]!
    }
    let clear = bound([1e4, 2e4, 3e4])
    #expect(clear.values[0] == 3)
    #expect(clear.bounds[0] < 1e-4)
    let close = bound([1e4, 3e4, 3e4 + 1e-7])
    #expect(close.bounds[0] >= 3 - 2 - (3 - close.values[0]) && close.bounds[0] < 2)
  }
}
