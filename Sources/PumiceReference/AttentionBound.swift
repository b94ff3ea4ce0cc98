import PumiceOperators

/// How far the rounding of any variant may take one row of attention from the truth.
///
/// Write ŵⱼ = wⱼ·exp(εⱼ) for the weight that key j gets in the end, w the true one (Σ w = 1). A variant uses the same ŵⱼ
/// in the numerator and in the denominator, so y is off by Σ ŵⱼ(vⱼ − y) / Σ ŵⱼ, which is at most
///
///     Σ wⱼ·(exp(aⱼ) − 1)·|vⱼ − y| / Σ wⱼ·exp(−aⱼ)    where |εⱼ| ≤ aⱼ,                                         (weights)
///
/// because Σ wⱼ(vⱼ − y) = 0. Nor can a weighted mean leave the range of the values that can have a weight at all; that
/// bounds it where scores are so large that their rounding error alone decides which key wins. aⱼ is the sum of
/// - the error of the score: a dot product, the product with `scale`;
/// - the errors of the exponentials. Online softmax computes exp(sⱼ − m) with the running maximum m of the time and
///   multiplies by exp(m − m′) whenever the maximum rises to m′; merging teams of lanes, then splits, multiplies twice
///   more. The exponents all have one sign and add up to sⱼ − max, so the part of Vulkan's 3 + 2|x| ulp that grows with x
///   (and the rounding of the difference, 1 ulp of x) grows with |sⱼ − max| alone, and only 3 ulp come with every rise.
///   How often the maximum rises depends on the order in which a variant visits the keys, but each visits some subset in
///   order, so never more often than the longest chain of rising scores is long.
///
/// What is left is the rounding of the two sums, whose additions form a tree of depth less than the number of keys
/// however they are parted, and one rounded product for every rise; of the reciprocal and its product with the sum; and
/// the store. Subnormal numbers may become zeros anywhere.
struct AttentionBound {
  private let rounding: RoundingModel
  private let decodes: Bool
  private let keys: Int
  /// wⱼ·(exp(aⱼ) − 1), or where that overflows a bound of it.
  private let growth: [Double]
  private let weights: [Double]
  /// Σ wⱼ·exp(−aⱼ).
  private let shrunk: Double
  /// Keys that a variant may give a normal weight.
  private let candidates: [Int]
  private let largestError: Double
  private let total: Double
  private let largest: Double
  /// Factors by which a running sum is multiplied at most.
  private let rescales: Int

  /// Exponents beyond which exp(x) is less than the smallest normal binary32 number, with room to spare.
  private static let negligible = 90.0
  /// Units in the last place of Vulkan's exp: `expUnits` + `expUnitsPerExponent`·|x|; with the rounding of x itself.
  private static let expUnits = 3.0, expUnitsPerExponent = 2.0 + 1.0

  /// - Parameters:
  ///   - scores: of all keys, that of a sink included, as a key whose value is zero.
  ///   - scoreErrors: how far each may be off.
  ///   - decodes: whether values are products of scale and code, which variants may take apart.
  init(scores: [Double], scoreErrors: [Double], whole: SoftmaxSum, decodes: Bool, rounding: RoundingModel) {
    self.rounding = rounding
    self.decodes = decodes
    keys = scores.count
    rescales = Self.longestRise(scores, errors: scoreErrors) - 1 + 3
    let topError = scoreErrors.max()!
    let exponentials = Self.expUnits * Double(1 + rescales) * 0x1p-23
    var weights: [Double] = [], growth: [Double] = [], candidates: [Int] = []
    var shrunk = 0.0, largestError = 0.0
    for j in scores.indices {
      let below = scores[j] - whole.largest
      let gap = -below + scoreErrors[j] + topError
      let error = scoreErrors[j] + exponentials + Self.expUnitsPerExponent * gap * 0x1p-23
      let weight = DoubleMath.exponential(below) / whole.total
      weights.append(weight)
      largestError = max(largestError, error)
      growth.append(
        error < 1
          ? weight * (DoubleMath.exponential(error) - 1)
          : DoubleMath.exponential(min(700, below + error)) / whole.total)
      shrunk += weight * DoubleMath.exponential(-error)
      if below + scoreErrors[j] + topError > -Self.negligible { candidates.append(j) }
    }
    self.weights = weights
    self.growth = growth
    self.candidates = candidates
    self.shrunk = shrunk
    self.largestError = largestError
    total = whole.total
    largest = whole.largest
  }

  /// The bound for log Σ exp of the scores.
  ///
  /// Its error is at most the largest error of an exponent, and less where that key hardly counts; then come the rounding of the
  /// sum, of the logarithm (3 units in the last place or 2⁻²¹, Vulkan specification) and of its addition to the maximum.
  var logSumExp: Double {
    let unit = rounding.accumulator
    let mass = growth.reduce(0, +)
    let byWeights = max(DoubleMath.logarithm(1 + mass), -DoubleMath.logarithm(max(shrunk, 0x1p-1000)))
    let shift = byWeights <= largestError ? byWeights : largestError
    let sum = rounding.dotProduct(length: keys, magnitude: 1) + Double(rescales) * unit
    let logarithm = DoubleMath.logarithm(total)
    return shift + 2 * sum + max(3 * 0x1p-23 * logarithm, 0x1p-21) + unit * (abs(largest) + abs(logarithm))
      + rounding.store(abs(largest) + abs(logarithm))
  }

  /// The bound for one element of the row.
  ///
  /// - Parameters:
  ///   - value: the true element.
  ///   - column: that element of every key's value.
  func bound(value: Double, column: [Double]) -> Double {
    var byWeights = 0.0, mass = 0.0, size = 0.0
    for j in 0..<keys {
      byWeights += growth[j] * abs(column[j] - value)
      mass += (weights[j] + growth[j]) * abs(column[j])
      size += abs(column[j])
    }
    var range = 0.0, largest = 0.0
    for j in candidates {
      range = max(range, abs(column[j] - value))
      largest = max(largest, abs(column[j]))
    }
    let shift = Self.least(byWeights / shrunk, range)
    // Σ ŵⱼ|vⱼ| / Σ ŵⱼ: the sums are over the weights that the variant has.
    let magnitude = Self.least(mass / shrunk, largest) + abs(value)
    let unit = rounding.accumulator
    // A weight times a scale is rounded once, and its product with a code once more.
    let sums =
      rounding.dotProduct(length: keys, magnitude: magnitude) + Double(rescales + (decodes ? 3 : 0)) * unit * magnitude
    let quotient = (RoundingModel.divideRelative + unit) * (abs(value) + shift)
    // Per key one weight, one product, one partial sum; per rescale one factor, which had a sum to lose.
    let flushed = RoundingModel.flush * (2 * size + Double(rescales) * size + 2 * Double(keys))
    return shift + sums + quotient + flushed + rounding.store(abs(value) + shift)
  }

  /// The smaller of a quotient, which may be one of overflows and no number, and a number.
  private static func least(_ quotient: Double, _ number: Double) -> Double { quotient <= number ? quotient : number }

  /// How many scores, each anywhere within its error, can at most rise strictly one after the other.
  ///
  /// Patience sorting on intervals: `tails[n]` is the least value in which a chain of n + 1 scores can end.
  private static func longestRise(_ scores: [Double], errors: [Double]) -> Int {
    var tails: [Double] = []
    for (score, error) in zip(scores, errors) {
      let low = score - error, high = score + error
      // A chain that ends below `high` can be prolonged by this score, to end no lower than `low`.
      var n = tails.partitioningIndex { $0 >= high }
      while n > 0 {
        let end = max(low, tails[n - 1])
        if n == tails.count { tails.append(end) } else { tails[n] = min(tails[n], end) }
        if tails[n - 1] < low { break }
        n -= 1
      }
      if n == 0 {
        if tails.isEmpty { tails.append(low) } else { tails[0] = min(tails[0], low) }
      }
    }
    return tails.count
  }
}

extension Array {
  /// The first index whose element satisfies the condition, which no element before and every element after must do.
  fileprivate func partitioningIndex(_ condition: (Element) -> Bool) -> Int {
    var low = 0, high = count
    while low < high {
      let middle = (low + high) / 2
      if condition(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
