import PumiceOperators
import PumiceReference
import Testing

/// State-space operators keep a sequence in their states: pieces of it give what the whole gives.
@Suite struct StateSpaceTests {
  private func numbers(_ count: Int, _ factor: Double = 1) -> [Double] {
    (0..<count).map { factor * (Double($0 * 37 % 101) / 50 - 1) }
  }

  @Test func aConvolutionGoesOnWhereItStopped() {
    let x = numbers(7 * 3), weight = numbers(3 * 4, 0.5)
    func run(_ tokens: Range<Int>, _ state: [Double]) -> [String: [Double]] {
      CausalConvolution(tokens: tokens.count, channels: 3, taps: 4, silu: true).evaluate(
        ["x": Array(x[tokens.lowerBound * 3..<tokens.upperBound * 3]), "weight": weight, "state": state])
    }
    let zeros = Array(repeating: 0.0, count: 9)
    let whole = run(0..<7, zeros)
    let first = run(0..<2, zeros), second = run(2..<7, first["state"]!)
    #expect(first["y"]! + second["y"]! == whole["y"]!)
    #expect(second["state"] == whole["state"])
    #expect(whole["state"] == Array(x.suffix(9)))
  }

  @Test func aScanGoesOnWhereItStopped() {
    let x = numbers(5 * 4), dt = numbers(5 * 2), b = numbers(5 * 3), c = numbers(5 * 3, 0.3)
    func run(_ t: Range<Int>, _ state: [Double]) -> [String: [Double]] {
      let op = SelectiveScan(
        tokens: t.count, heads: 2, headSize: 2, groups: 1, stateSize: 3, decayPerState: false, skip: false)
      return op.evaluate([
        "x": Array(x[t.lowerBound * 4..<t.upperBound * 4]), "dt": Array(dt[t.lowerBound * 2..<t.upperBound * 2]),
        "a": [-1, -0.5], "b": Array(b[t.lowerBound * 3..<t.upperBound * 3]),
        "c": Array(c[t.lowerBound * 3..<t.upperBound * 3]), "state": state,
      ])
    }
    let zeros = Array(repeating: 0.0, count: 12)
    let whole = run(0..<5, zeros)
    let first = run(0..<3, zeros), second = run(3..<5, first["state"]!)
    #expect(first["y"]! + second["y"]! == whole["y"]!)
    #expect(second["state"] == whole["state"])
  }

  /// One state, one channel, by hand: Δ = log 2, decay ½.
  @Test func oneStepByHand() {
    let op = SelectiveScan(tokens: 1, heads: 1, headSize: 1, groups: 1, stateSize: 1, decayPerState: true)
    let result = op.evaluate(["x": [3], "dt": [0], "a": [-1], "b": [2], "c": [5], "skip": [7], "state": [4]])
    let state = 0.5 * 4 + DoubleMath.logarithm(2) * 2 * 3
    #expect(abs(result["state"]![0] - state) < 1e-12)
    #expect(abs(result["y"]![0] - (5 * state + 21)) < 1e-12)
  }

  @Test(arguments: [false, true]) func aDeltaNetGoesOnWhereItStopped(decayPerKey: Bool) {
    let width = decayPerKey ? 3 : 1
    let q = numbers(5 * 3), k = numbers(5 * 3, 0.4), v = numbers(5 * 4), dt = numbers(5 * 2 * width)
    let beta = numbers(5 * 2)
    func run(_ t: Range<Int>, _ state: [Double]) -> [String: [Double]] {
      func part(_ values: [Double], _ width: Int) -> [Double] {
        Array(values[t.lowerBound * width..<t.upperBound * width])
      }
      let op = GatedDeltaNet(
        tokens: t.count, heads: 2, headSize: 2, keyHeads: 1, keySize: 3, decayPerKey: decayPerKey)
      return op.evaluate([
        "q": part(q, 3), "k": part(k, 3), "v": part(v, 4), "dt": part(dt, 2 * width), "a": [-1, -0.5],
        "beta": part(beta, 2), "state": state,
      ])
    }
    let zeros = Array(repeating: 0.0, count: 12)
    let whole = run(0..<5, zeros)
    let first = run(0..<3, zeros), second = run(3..<5, first["state"]!)
    #expect(first["y"]! + second["y"]! == whole["y"]!)
    #expect(second["state"] == whole["state"])
  }

  /// One key of length 1: a share of ½ of what is stored is replaced; decay ½.
  @Test func oneChangeByHand() {
    let op = GatedDeltaNet(tokens: 1, heads: 1, headSize: 1, keyHeads: 1, keySize: 2)
    let result = op.evaluate([
      "q": [2, 3], "k": [1, 0], "v": [10], "dt": [0], "a": [-1], "beta": [0], "state": [4, 6],
    ])
    // 4 fades to 2; half of the way from there to 10.
    #expect(abs(result["state"]![0] - 6) < 1e-12 && abs(result["state"]![1] - 3) < 1e-12)
    #expect(abs(result["y"]![0] - 21) < 1e-12)
  }

  /// Which head of keys serves a head of values.
  @Test func headsOfKeysAreSharedByNeighboursOrInTurn() {
    var op = GatedDeltaNet(tokens: 1, heads: 4, headSize: 1, keyHeads: 2, keySize: 1)
    #expect((0..<4).map(op.keyHead) == [0, 0, 1, 1])
    op.tilesKeys = true
    #expect((0..<4).map(op.keyHead) == [0, 1, 0, 1])
  }

  @Test func impossibleSizesAreRefused() {
    #expect(throws: OperatorError.self) {
      try GatedDeltaNet(tokens: 1, heads: 3, headSize: 1, keyHeads: 2, keySize: 1).validate()
    }
    #expect(throws: OperatorError.self) { try CausalConvolution(tokens: 1, channels: 1, taps: 1).validate() }
    #expect(throws: OperatorError.self) { try CausalConvolution(tokens: 1, channels: 1, taps: 17).validate() }
    let scan = SelectiveScan(tokens: 1, heads: 3, headSize: 1, groups: 2, stateSize: 1, decayPerState: true)
    #expect(throws: OperatorError.self) { try scan.validate() }
  }
}
