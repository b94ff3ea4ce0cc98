/// The search for two f16 numbers d and m for a block and two small whole numbers l and k for each part of it, such that
/// Σ w (x − d·l·q + m·k)² is least, where q, l and k are not negative.
struct TwoLevelOffsets: Sendable {
  private let search: AffineSearch
  /// The largest l and k.
  let highest: Int
  /// Elements of a part.
  let length: Int
  var codes: UniformCodes { search.codes }

  init(highestCode: Int, highestFactor: Int, length: Int, isWeighted: Bool = false) {
    search = AffineSearch(highest: highestCode, length: length, isOffsetNegative: true, isWeighted: isWeighted)
    highest = highestFactor
    self.length = length
  }

  struct Fit {
    /// Σ w (x − d·l·q + m·k)².
    var error: Float
    /// d and m, binary16 numbers; infinite if none is large enough.
    var scale: Float
    var offset: Float
    /// l and k of each part.
    var scaleFactors: [Int]
    var offsetFactors: [Int]
  }

  func best(_ samples: Samples) -> Fit {
    let parts = stride(from: 0, to: samples.length, by: length).map { samples.part($0, length) }
    let ideal = parts.map { search.best($0) }
    let largest = ideal.reduce(0) { max($0, $1.scale) }, deepest = ideal.reduce(0) { max($0, -$1.offset) }
    // Stays infinite if no candidate is finite.
    var best = Fit(
      error: .infinity, scale: .infinity, offset: .infinity, scaleFactors: parts.map { _ in 0 },
      offsetFactors: parts.map { _ in 0 })
    // The largest go to the highest factor, or a little below if the others fall better then. Few factors leave more to
    // be gained.
    let places = highest < 32 ? [0, 0.7, 1.4, 2.2, 3] : [0, 2] as [Float]
    for below in places {
      for under in places {
        let top = Float(highest)
        let fit = fit(parts, ideal, scale: half(largest / (top - below)), offset: half(deepest / (top - under)))
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

  /// The nearest factors to given scales and offsets.
  private func fit(_ parts: [Samples], _ ideal: [AffineSearch.Fit], scale: Float, offset: Float) -> Fit {
    let inverse = codes.inverse(of: scale), inverseOffset = codes.inverse(of: offset)
    var fit = Fit(
      error: .infinity, scale: scale, offset: offset, scaleFactors: ideal.map { limited($0.scale * inverse) },
      offsetFactors: ideal.map { limited(-$0.offset * inverseOffset) })
    if scale.isFinite, offset.isFinite { fit.error = error(fit, parts) }
    return fit
  }

  private func limited(_ factor: Float) -> Int { Int(min(max(factor, 0), Float(highest)).rounded()) }

  private func error(_ fit: Fit, _ parts: [Samples]) -> Float {
    parts.indices.reduce(0) { sum, part in
      sum
        + codes.error(
          parts[part], scale: fit.scale * Float(fit.scaleFactors[part]),
          offset: -fit.offset * Float(fit.offsetFactors[part]))
    }
  }

  /// Factors next to the present ones where they are better, then the best scale and offset for the codes.
  private func improved(_ fit: Fit, _ parts: [Samples]) -> Fit {
    guard fit.scale.isFinite, fit.offset.isFinite else { return fit }
    var next = fit
    var equations = Equations()
    for (index, part) in parts.enumerated() {
      var least = Float.infinity
      let (oldScale, oldOffset) = (fit.scaleFactors[index], fit.offsetFactors[index])
      for l in max(oldScale - 1, 0)...min(oldScale + 1, highest) {
        for k in max(oldOffset - 1, 0)...min(oldOffset + 1, highest) {
          let error = codes.error(part, scale: fit.scale * Float(l), offset: -fit.offset * Float(k))
          if error < least {
            least = error
            next.scaleFactors[index] = l
            next.offsetFactors[index] = k
          }
        }
      }
      equations.add(part, codes, fit, Float(next.scaleFactors[index]), Float(next.offsetFactors[index]))
    }
    if let (scale, offset) = equations.solution {
      next.scale = half(max(fit.scale + scale, 0))
      next.offset = half(max(fit.offset + offset, 0))
    }
    next.error = error(next, parts)
    return next
  }

  /// The two linear equations for the changes of d and m that leave the least error.
  private struct Equations {
    // Sums of w times: the squares of the coefficients l·q of d and −k of m, their product, and each times the remainder.
    private var scaleSquare: Float = 0, offsetSquare: Float = 0, mixed: Float = 0
    private var scaleProduct: Float = 0, offsetProduct: Float = 0

    mutating func add(_ samples: Samples, _ codes: UniformCodes, _ fit: Fit, _ l: Float, _ k: Float) {
      let scale = fit.scale * l, inverse = codes.inverse(of: scale), offset = fit.offset * k
      var weights = Lanes.zero, sums = Lanes.zero, squares = Lanes.zero
      var products = Lanes.zero, remainders = Lanes.zero
      for i in 0..<samples.count {
        let x = samples.values[i] + offset
        let code = codes.nearest(x * inverse)
        let weight = samples.weights[i]
        let weighted = weight * (x - code * scale)
        weights += weight
        sums += weight * code
        squares += weight * code * code
        products += weighted * code
        remainders += weighted
      }
      scaleSquare += l * l * squares.sum()
      offsetSquare += k * k * weights.sum()
      mixed -= l * k * sums.sum()
      scaleProduct += l * products.sum()
      offsetProduct -= k * remainders.sum()
    }

    var solution: (scale: Float, offset: Float)? {
      let determinant = scaleSquare * offsetSquare - mixed * mixed
      if determinant > 1e-5 * scaleSquare * offsetSquare {
        return (
          (offsetSquare * scaleProduct - mixed * offsetProduct) / determinant,
          (scaleSquare * offsetProduct - mixed * scaleProduct) / determinant
        )
      }
      return scaleSquare > 0 ? (scaleProduct / scaleSquare, 0) : nil
    }
  }
}
