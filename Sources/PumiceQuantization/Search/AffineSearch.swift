/// The search for a scale d and an offset m such that Σ w (x − d·q − m)² is least, where q are codes from 0 to a highest.
///
/// Candidates put the lowest and the highest element on places around the ends of the codes; for the codes of each, the
/// best d and m solve two linear equations. The best candidate is improved by alternating the two steps.
struct AffineSearch: Sendable {
  let codes: UniformCodes
  /// Where the lowest element lies below code 0, and the highest above the highest code, in steps.
  private let margins: [Float]
  /// Whether offsets are not above zero, as in the formats that store −m without a sign.
  private let isOffsetNegative: Bool

  /// - Parameters:
  ///   - length: elements that share scale and offset: among many, the ends are far outside and better cut off.
  ///   - isWeighted: whether errors are weighted: the ends may then matter little.
  init(highest: Int, length: Int, isOffsetNegative: Bool, isWeighted: Bool = false) {
    codes = UniformCodes(0...highest)
    self.isOffsetNegative = isOffsetNegative
    let top = Float(highest)
    let margins: [Float] = [-0.3, 0, 0.2, 0.4, 0.7]
    // As shares of all steps.
    let deep: [Float] = length > 32 || isWeighted ? [0.12, 0.25, 0.5] : []
    self.margins = margins + deep.map { $0 * top }.filter { $0 > 0.8 }
  }

  struct Fit {
    /// Σ w (x − d·q − m)².
    var error: Float
    var scale: Float
    var offset: Float
  }

  /// The best scale and offset found. The scale is not negative.
  func best(_ samples: Samples) -> Fit {
    var (low, high) = samples.range
    if isOffsetNegative { low = min(low, 0) }
    high = max(high, low)
    let span = high - low
    var best = fit(samples, scale: 0, offset: low)
    guard span > 0 else { return best }
    for below in margins {
      for above in margins {
        // low = m − below·d and high = m + (top + above)·d
        let scale = span / (codes.highest + below + above)
        let offset = low + below * scale
        let fit = fit(samples, scale: scale, offset: isOffsetNegative ? min(offset, 0) : offset)
        if fit.error < best.error { best = fit }
      }
    }
    for _ in 0..<4 {
      let fit = fit(samples, scale: best.scale, offset: best.offset)
      guard fit.error < best.error else { break }
      best = fit
    }
    return best
  }

  /// The best offset with a given scale, for the codes that `offset` gives.
  func offset(_ samples: Samples, scale: Float, near offset: Float) -> Float {
    let inverse = codes.inverse(of: scale)
    var weights = Lanes.zero, remainders = Lanes.zero
    for i in 0..<samples.count {
      let x = samples.values[i] - offset
      weights += samples.weights[i]
      remainders += samples.weights[i] * (x - codes.nearest(x * inverse) * scale)
    }
    return offset + remainders.sum() / weights.sum()
  }

  /// The least-squares scale and offset for the codes that `scale` and `offset` give, and what error they leave.
  ///
  /// Works with the remainders, which are small, so that nothing cancels.
  private func fit(_ samples: Samples, scale: Float, offset: Float) -> Fit {
    let inverse = codes.inverse(of: scale)
    var weights = Lanes.zero, sums = Lanes.zero, squares = Lanes.zero
    var products = Lanes.zero, remainders = Lanes.zero, errors = Lanes.zero
    for i in 0..<samples.count {
      let x = samples.values[i] - offset
      let code = codes.nearest(x * inverse)
      let rest = x - code * scale
      let weight = samples.weights[i]
      let weighted = weight * rest
      weights += weight
      sums += weight * code
      squares += weight * code * code
      products += weighted * code
      remainders += weighted
      errors += weighted * rest
    }
    let weight = weights.sum(), sum = sums.sum(), square = squares.sum()
    let product = products.sum(), remainder = remainders.sum(), error = errors.sum()
    func corrected(scale dScale: Float, offset dOffset: Float) -> Fit {
      let gain =
        2 * (dScale * product + dOffset * remainder)
        - (dScale * dScale * square + 2 * dScale * dOffset * sum + dOffset * dOffset * weight)
      return Fit(error: error - gain, scale: scale + dScale, offset: offset + dOffset)
    }
    let determinant = weight * square - sum * sum
    guard determinant > 1e-6 * weight * square else {
      // One code for all: the offset alone.
      let shift = remainder / weight
      return corrected(scale: 0, offset: isOffsetNegative ? min(shift, -offset) : shift)
    }
    let dScale = (weight * product - sum * remainder) / determinant
    let dOffset = (square * remainder - sum * product) / determinant
    if isOffsetNegative, offset + dOffset > 0 {
      // With the offset at its bound, the best scale alone.
      return corrected(scale: (product + offset * sum) / square, offset: -offset)
    }
    return corrected(scale: dScale, offset: dOffset)
  }
}
