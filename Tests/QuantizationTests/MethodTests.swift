import Testing

@testable import PumiceQuantization

@Suite struct MethodTests {
  @Test func groupsAreAsLongAsTheRangesAllow() {
    let rule = AdaptiveGroups()
    // All alike: one scale per row. One half much larger: halves pay.
    #expect(rule.length([Float](repeating: 1, count: 2048), columns: 512) == 512)
    let steps = (0..<2048).map { Float(1 << ($0 % 512 / 128)) }
    #expect(rule.length(steps, columns: 512) == 128)
    // Never below the shortest, nor what is no multiple of 32.
    let wild = (0..<2048).map { $0 % 512 == 0 ? 100 : 0.01 * Float($0 % 7) }
    #expect(rule.length(wild, columns: 512) == 64)
    #expect(AdaptiveGroups(threshold: 0.99, shortest: 32).length(wild, columns: 512) == 32)
    #expect(rule.length((0..<192).map { Float($0) }, columns: 96) == 96)
    #expect(rule.length([Float](repeating: 0, count: 512), columns: 256) == 256)
  }

  /// With the scale from the range, half a step of the group's scale bounds each error, and shorter groups have smaller ones.
  @Test func shorterGroupsHaveSmallerBounds() {
    let values = seededWeights(4096), length = AdaptiveGroups(threshold: 0.95).length(values, columns: 1024)
    #expect(length < 1024)
    for (start, value) in values.enumerated() {
      let group = values[start / length * length..<start / length * length + length].map(abs).max()!
      let row = values[start / 1024 * 1024..<start / 1024 * 1024 + 1024].map(abs).max()!
      let step = group / 7
      let error = abs(value - (value / max(step, 1e-30)).rounded() * step)
      #expect(group <= row && error <= step / 2 * 1.0001)
    }
  }

  @Test(arguments: 2...7) func balancedCodesAreTheirLevels(_ bits: Int) {
    let balance = BitBalance(bits: bits)
    #expect(balance.levels.count == (1 << bits) + 1)
    for level in balance.levels { #expect(balance.level(balance.code(level)) == level) }
    // What the bits can say is what the levels are.
    let all = Set((0..<1 << (bits + 1)).map { balance.level(UInt8($0)) })
    #expect(all == Set(balance.levels))
    if bits == 2 { #expect(balance.coefficients == [1, 1, -2]) }
  }

  /// The order that ABQ-LLM reports: 4 bits, 3 bits, 2 bits with balance, 2 bits.
  @Test func balanceLiesBetweenTwoAndThreeBits() {
    let values = seededWeights(1024)
    func error(_ codes: UniformCodes) -> Float {
      withSamples(values) { samples in
        codes.error(samples, scale: ScaleSearch(codes, length: values.count).bestScale(samples))
      }
    }
    let (scale, levels) = BitBalance(bits: 2).quantize(values)
    let balanced = zip(values, levels).reduce(0) { $0 + ($1.0 - scale * Float($1.1)) * ($1.0 - scale * Float($1.1)) }
    #expect(levels.allSatisfy { -2...2 ~= $0 } && Set(levels).count == 5)
    #expect(error(UniformCodes(-8...7)) < error(UniformCodes(-4...3)))
    #expect(error(UniformCodes(-4...3)) < balanced && balanced < error(UniformCodes(-2...1)))
  }
}

@Suite struct DualGrainedTests {
  private let method = DualGrained(group: 64)

  @Test func integersFitEightBits() throws {
    for scale in [1, 1e-4, 100] as [Float] {
      for shift in [0, 0.3, -0.3] as [Float] {
        let row = seededWeights(512).map { ($0 + shift) * scale }
        let encoded = try method.encode(row)
        #expect(encoded.integers(group: 64).allSatisfy { abs($0) <= 127 })
        #expect(encoded.codes.allSatisfy { $0 <= 15 } && encoded.zeros.allSatisfy { 0...15 ~= $0 })
        #expect(encoded.ratios.allSatisfy { 1...127 ~= $0 })
        let error = meanSquaredError(row, encoded.values(group: 64).map(Double.init))
        #expect(error < 0.05 * meanSquaredError(row, row.map { _ in 0 }))
      }
    }
  }

  /// Groups whose scales are whole multiples of the row's: the codes of plain groups.
  @Test func wholeRatiosAreAsPlainGroups() {
    let row = seededWeights(256),
      groups = [(1, 7), (3, 8), (8, 5), (5, 8)].map { (scale: Float($0.0) / 256, zero: $0.1) }
    let encoded = method.encode(row, groups, scale: 1 / 256, share: 1)
    #expect(encoded.ratios == [1, 3, 8, 5])
    for (index, value) in row.enumerated() {
      let (scale, zero) = groups[index / 64]
      let limited = min(max(value, -127 / 256), 127 / 256)
      #expect(Int(encoded.codes[index]) == min(max(Int((limited / scale).rounded()) + zero, 0), 15))
    }
  }

  @Test(arguments: [false, true]) func theRowsRangeIsTheBestOfAll(_ hasInputs: Bool) throws {
    let row = seededWeights(256)
    let noise = seededWeights(5 * 256)
    let samples = (0..<5).map { s in (0..<256).map { noise[s * 256 + $0] * Float(1 + $0 % 9) } }
    let inputs = hasInputs ? DualGrained.Inputs(samples) : .none
    let found = try method.encode(row, inputs: inputs)
    func error(_ encoded: DualGrained.Row) -> Double {
      let rest = zip(row, encoded.values(group: 64)).map { Double($0 - $1) }
      guard hasInputs else { return rest.reduce(0) { $0 + $1 * $1 } }
      return samples.reduce(0) { sum, sample in
        let product = zip(sample, rest).reduce(0) { $0 + Double($1.0) * $1.1 }
        return sum + product * product
      }
    }
    // The groups' own scales do not depend on the row's, so the search of the second phase can be done again by hand.
    let groups = (0..<4).map { method.firstPhase(Array(row[$0 * 64..<($0 + 1) * 64]), first: $0 * 64, inputs) }
    let largest = row.map(abs).max()!
    let all = DualGrained.rowShares.map { share in
      error(method.encode(row, groups, scale: half(largest * share / 127), share: share))
    }
    #expect(all.count == 80 && error(found) == all.min()!)
  }

  @Test func strangeRowsAreHeldOrNamed() throws {
    #expect(try method.encode([Float](repeating: 0, count: 64)).integers(group: 64).allSatisfy { $0 == 0 })
    // All positive: zero is in the range of every group.
    #expect(try method.encode((0..<64).map { 5 + Float($0) / 64 }).zeros == [0])
    #expect(throws: QuantizationError.self) { try method.encode([1]) }
    #expect(throws: QuantizationError.self) { try method.encode([Float](repeating: .nan, count: 64)) }
    #expect(throws: QuantizationError.self) { try method.encode([Float](repeating: 1e30, count: 64)) }
    #expect(throws: QuantizationError.self) {
      try method.encode([Float](repeating: 1, count: 64), inputs: .init([[1]]))
    }
  }
}
