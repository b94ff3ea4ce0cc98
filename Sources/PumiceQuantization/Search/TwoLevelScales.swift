/// The search for one f16 number d for a block and a small whole number l for each part of it, such that
/// Σ w (x − d·l·v(q))² is least.
struct TwoLevelScales<Codes: Codebook>: Sendable {
  let codes: Codes
  /// What l can be.
  let range: ClosedRange<Int>
  /// Elements of a part.
  let length: Int
  private let search: ScaleSearch<Codes>

  init(_ codes: Codes, range: ClosedRange<Int>, length: Int, unit: Float = 1, isWeighted: Bool = false) {
    self.codes = codes
    self.range = range
    self.length = length
    search = ScaleSearch(codes, length: length, unit: unit, isWeighted: isWeighted)
  }

  struct Fit {
    /// Σ w (x − d·l·v(q))².
    var error: Float
    /// d, a binary16 number; infinite if none is large enough.
    var scale: Float
    /// l of each part.
    var factors: [Int]
  }

  func best(_ samples: Samples) -> Fit {
    let parts = stride(from: 0, to: samples.length, by: length).map { samples.part($0, length) }
    let ideal = parts.map { search.bestScale($0) }
    let extreme = ideal.max { abs($0) < abs($1) }!
    // Stays infinite if no candidate is finite.
    var best = Fit(error: .infinity, scale: .infinity, factors: parts.map { _ in 0 })
    // The largest scale goes to one of the ends of the range, or a little inside if the others fall better then.
    for inside in 0..<3 {
      for end in [range.lowerBound + inside, range.upperBound - inside] {
        let fit = fit(parts, ideal, scale: half(extreme / Float(end)))
        if fit.error < best.error { best = fit }
      }
    }
    for _ in 0..<3 {
      let fit = improved(best, parts)
      guard fit.error < best.error else { break }
      best = fit
    }
    return best
  }

  /// The nearest factors to given scales.
  private func fit(_ parts: [Samples], _ ideal: [Float], scale: Float) -> Fit {
    guard scale.isFinite else { return Fit(error: .infinity, scale: scale, factors: []) }
    let inverse = codes.inverse(of: scale)
    let factors = ideal.map { limited($0 * inverse) }
    let error = zip(parts, factors).reduce(0) { $0 + codes.error($1.0, scale: scale * Float($1.1)) }
    return Fit(error: error, scale: scale, factors: factors)
  }

  private func limited(_ factor: Float) -> Int {
    Int(min(max(factor, Float(range.lowerBound)), Float(range.upperBound)).rounded())
  }

  /// Factors next to the present ones where they are better, then the best scale for the codes.
  private func improved(_ fit: Fit, _ parts: [Samples]) -> Fit {
    guard fit.scale.isFinite else { return fit }
    var factors = fit.factors, product: Float = 0, square: Float = 0
    for (index, part) in parts.enumerated() {
      var least = Float.infinity
      for factor in [fit.factors[index], fit.factors[index] - 1, fit.factors[index] + 1] where range ~= factor {
        let error = codes.error(part, scale: fit.scale * Float(factor))
        if error < least { (least, factors[index]) = (error, factor) }
      }
      let sums = remainders(part, scale: fit.scale * Float(factors[index]))
      let factor = Float(factors[index])
      product += factor * sums.product
      square += factor * factor * sums.square
    }
    let scale = square > 0 ? half(fit.scale + product / square) : fit.scale
    let error = zip(parts, factors).reduce(0) { $0 + codes.error($1.0, scale: scale * Float($1.1)) }
    return Fit(error: error, scale: scale, factors: factors)
  }

  /// Σ w r v and Σ w v², where r is what the nearest codes leave.
  private func remainders(_ samples: Samples, scale: Float) -> (product: Float, square: Float) {
    let inverse = codes.inverse(of: scale)
    var products = Lanes.zero, squares = Lanes.zero
    for i in 0..<samples.count {
      let value = codes.nearest(samples.values[i] * inverse)
      let weighted = samples.weights[i] * value
      products += weighted * (samples.values[i] - value * scale)
      squares += weighted * value
    }
    return (products.sum(), squares.sum())
  }
}

/// The nearest binary16 number.
func half(_ value: Float) -> Float { Float(Float16(value)) }
