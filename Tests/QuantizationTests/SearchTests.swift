import Testing

@testable import PumiceQuantization

/// The searches against scales tried one after the other, finely.
@Suite struct SearchTests {
  @Test(arguments: 1...5) func scalesAreNearlyTheBest(_ bits: Int) {
    let codes = UniformCodes(-(1 << (bits - 1))...(1 << (bits - 1)) - 1)
    for length in [16, 32, 128] {
      var found = 0.0, best = 0.0
      for start in 0..<8 {
        let values = Array(seededWeights(length * 8)[start * length..<(start + 1) * length])
        withSamples(values) { samples in
          found += Double(codes.error(samples, scale: ScaleSearch(codes, length: length).bestScale(samples)))
          best += Double(thoroughly(codes, samples))
        }
      }
      #expect(found <= best * 1.05, "\(length): \(found) \(best)")
    }
  }

  private func thoroughly(_ codes: some Codebook, _ samples: Samples) -> Float {
    var best = Float.infinity
    for sign in [Float(1), -1] {
      var scale = abs(samples.extreme) / abs(codes.lowest) * 4
      for _ in 0..<1400 {
        best = min(best, codes.error(samples, scale: sign * scale))
        scale *= 0.998
      }
    }
    return best
  }

  @Test(arguments: [2, 3, 4], [false, true]) func offsetsAreNearlyTheBest(_ bits: Int, _ isNegative: Bool) {
    let length = 32, search = AffineSearch(highest: 1 << bits - 1, length: 32, isOffsetNegative: isNegative)
    var found = 0.0, best = 0.0
    for start in 0..<4 {
      let values = Array(seededWeights(length * 4)[start * length..<(start + 1) * length]).map { $0 + 0.01 }
      withSamples(values) { samples in
        let fit = search.best(samples)
        #expect(!isNegative || fit.offset <= 0)
        let error = search.codes.error(samples, scale: fit.scale, offset: fit.offset)
        #expect(error <= fit.error * 1.001)
        found += Double(error)
        best += Double(thoroughly(search, samples, isNegative))
      }
    }
    #expect(found <= best * 1.05, "\(found) \(best)")
  }

  private func thoroughly(_ search: AffineSearch, _ samples: Samples, _ isNegative: Bool) -> Float {
    let (low, high) = samples.range
    let step = (high - low) / search.codes.highest
    var best = Float.infinity
    for below in 0..<60 {
      for above in 0..<60 {
        let start = low + (Float(below) * 0.04 - 0.4) * step, end = high - (Float(above) * 0.04 - 0.4) * step
        let offset = isNegative ? min(start, 0) : start
        guard end > offset else { continue }
        best = min(best, search.codes.error(samples, scale: (end - offset) / search.codes.highest, offset: offset))
      }
    }
    return best
  }

  /// All ways to round 8 elements to −1, 0 and 1, each with its best scale.
  @Test func ternaryScalesAreTheBest() {
    for start in 0..<20 {
      let values = Array(seededWeights(160)[start * 8..<start * 8 + 8])
      let weights = (0..<8).map { Float(1 + ($0 + start) % 3) }
      var best = Float.infinity
      for number in 0..<6561 {
        var rest = number, product: Float = 0, square: Float = 0, total: Float = 0
        for i in 0..<8 {
          let code = Float(rest % 3 - 1)
          rest /= 3
          product += weights[i] * values[i] * code
          square += weights[i] * code * code
          total += weights[i] * values[i] * values[i]
        }
        best = min(best, total - (square > 0 ? product * product / square : 0))
      }
      withSamples(values, weights: weights) { samples in
        let error = UniformCodes(-1...1).error(samples, scale: samples.bestTernaryScale)
        #expect(abs(error - best) <= 1e-5 * best + 1e-9)
      }
    }
  }

  @Test func codesAreTheNearestValues() {
    let table = TableCodes(FormatTables.uneven), uniform = UniformCodes(-4...3)
    for value in stride(from: Float(-140), through: 140, by: 0.37) {
      let scaled = Lanes(repeating: value)
      let nearest = FormatTables.uneven.min { abs($0 - value) < abs($1 - value) }!
      #expect(table.nearest(scaled)[0] == nearest)
      #expect(FormatTables.uneven[Int(table.code(scaled)[0])] == nearest)
      #expect(uniform.nearest(scaled)[0] == min(max(value.rounded(.toNearestOrEven), -4), 3))
    }
  }
}
