/// The k pairs of numbers that stand for many with a small weighted squared error: Lloyd's algorithm from seeds that
/// k-means++ draws (Arthur & Vassilvitskii 2007). The same input gives the same output.
public struct PairClusters: Sendable {
  /// As many as asked for; some are the same when there are fewer different pairs.
  public private(set) var centers: [SIMD2<Float>]
  /// Σ w (x − nearest center)² over both elements of the pairs that were looked at, after each round.
  public private(set) var errors: [Double] = []

  private let pairs: [SIMD2<Float>]
  private let weights: [SIMD2<Float>]

  /// - Parameters:
  ///   - weights: of the squared errors of both elements, positive; nil for equal ones.
  ///   - limit: of more pairs than this every nth is looked at.
  public init(
    _ pairs: [SIMD2<Float>], weights: [SIMD2<Float>]? = nil, count: Int, rounds: Int = 30, limit: Int = 1 << 15
  ) {
    precondition(!pairs.isEmpty && count > 0 && rounds > 0 && (weights?.count ?? pairs.count) == pairs.count)
    // An odd step meets all columns of rows of even length.
    let step = pairs.count > limit ? (pairs.count + limit - 1) / limit | 1 : 1
    let taken = stride(from: 0, to: pairs.count, by: step)
    self.pairs = taken.map { pairs[$0] }
    self.weights = taken.map { weights?[$0] ?? SIMD2(1, 1) }
    centers = []
    seed(count)
    for _ in 0..<rounds {
      let error = refine()
      let isBetter = error < (errors.last ?? .infinity) * 0.9999
      errors.append(error)
      if !isBetter { break }
    }
  }

  /// The center that is nearest to a pair, and its weighted squared distance.
  public static func nearest(
    _ pair: SIMD2<Float>, _ weight: SIMD2<Float>, among centers: [SIMD2<Float>]
  ) -> (index: Int, error: Float) {
    var best: (index: Int, error: Float) = (0, .infinity)
    for (index, center) in centers.enumerated() {
      let rest = pair - center
      let error = (weight * rest * rest).sum()
      if error < best.error { best = (index, error) }
    }
    return best
  }

  /// Draws each center among the pairs, as likely as its error with those before is large.
  private mutating func seed(_ count: Int) {
    var state: UInt64 = 0x9e37_79b9_7f4a_7c15
    func draw() -> Double {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Double(state >> 11) / 9_007_199_254_740_992
    }
    var errors = [Float](repeating: .infinity, count: pairs.count)
    var next = Int(draw() * Double(pairs.count))
    while true {
      centers.append(pairs[next])
      if centers.count == count { return }
      var total = 0.0
      for index in pairs.indices {
        let rest = pairs[index] - pairs[next]
        errors[index] = min(errors[index], (weights[index] * rest * rest).sum())
        total += Double(errors[index])
      }
      var place = draw() * total
      // Rounding may leave a little at the end.
      next = errors.lastIndex { $0 > 0 } ?? 0
      for (index, error) in errors.enumerated() where error > 0 {
        place -= Double(error)
        if place < 0 {
          next = index
          break
        }
      }
    }
  }

  /// Moves each center to the weighted mean of the pairs that are nearest to it; one without pairs stays.
  ///
  /// - Returns: the error before.
  private mutating func refine() -> Double {
    var sums = [SIMD2<Double>](repeating: .zero, count: centers.count), totals = sums
    var error = 0.0
    for (pair, weight) in zip(pairs, weights) {
      let (index, distance) = Self.nearest(pair, weight, among: centers)
      sums[index] += SIMD2<Double>(weight) * SIMD2<Double>(pair)
      totals[index] += SIMD2<Double>(weight)
      error += Double(distance)
    }
    for index in centers.indices where totals[index].x > 0 && totals[index].y > 0 {
      centers[index] = SIMD2<Float>(sums[index] / totals[index])
    }
    return error
  }
}
