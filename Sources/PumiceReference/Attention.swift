public import PumiceOperators

extension Attention: Definition {
  public func evaluate(
    _ inputs: [String: [Double]], rounding: RoundingModel, elements: ElementSelection
  ) -> [String: Evaluated] {
    let q = inputs["q"]!, k = inputs["k"]!, v = inputs["v"]!, positions = inputs["positions"]!
    var y = Evaluated(count: tokens * heads * headSize)
    for t in 0..<tokens {
      let visible = max(0, min(keys, Int(positions[t]) + 1))
      for h in 0..<heads {
        let row = (t * heads + h) * headSize
        guard (row..<row + headSize).contains(where: elements.contains) else { continue }
        let first = h / (heads / kvHeads) * capacity * headSize
        let cells = first..<first + visible * headSize
        attend(q[row..<row + headSize], k[cells], v[cells], row: row, rounding: rounding, into: &y)
      }
    }
    return ["y": y]
  }

  /// One row: scores, softmax, weighted sum of values, and how far rounding may take each element from the truth.
  private func attend(
    _ q: ArraySlice<Double>, _ k: ArraySlice<Double>, _ v: ArraySlice<Double>, row: Int, rounding: RoundingModel,
    into y: inout Evaluated
  ) {
    let scores = stride(from: k.startIndex, to: k.endIndex, by: headSize).map { cell in
      Double(scale) * zip(q, k[cell..<cell + headSize]).reduce(0) { $0 + $1.0 * $1.1 }
    }
    let whole = SoftmaxSum(scores: scores, values: Array(v), width: headSize)
    let value = whole.normalized
    y.values.replaceSubrange(row..<row + headSize, with: value)
    if scores.isEmpty { return }
    let bound = AttentionBound(self, q: q, k: k, scores: scores, whole: whole, rounding: rounding)
    for d in 0..<headSize {
      let column = stride(from: v.startIndex + d, to: v.endIndex, by: headSize).map { v[$0] }
      y.bounds[row + d] = bound.bound(value: value[d], column: column)
    }
  }
}

/// A weighted sum by softmax over some keys, not yet divided: what an online softmax carries along, and what a split over
/// the keys leaves behind. Sums over disjoint sets of keys merge into that over their union (Milakov & Gimelshein 2018,
/// "Online normalizer calculation for softmax"; Dao et al. 2022).
public struct SoftmaxSum: Sendable {
  /// The largest score; -∞ without keys.
  public var largest: Double
  /// Σ exp(score − largest).
  public var total: Double
  /// Σ exp(score − largest) · value, per element.
  public var sum: [Double]

  /// - Parameter values: one row of `width` elements for each score.
  public init(scores: [Double], values: [Double], width: Int) {
    let largest = scores.max() ?? -.infinity
    self.largest = largest
    total = 0
    sum = Array(repeating: 0, count: width)
    for (j, score) in scores.enumerated() {
      let weight = DoubleMath.exponential(score - largest)
      total += weight
      for d in 0..<width { sum[d] += weight * values[j * width + d] }
    }
  }

  /// The sum over the keys of both.
  public func merged(with other: SoftmaxSum) -> SoftmaxSum {
    if other.largest == -.infinity { return self }
    if largest == -.infinity { return other }
    var merged = self
    merged.largest = max(largest, other.largest)
    let mine = DoubleMath.exponential(largest - merged.largest)
    let others = DoubleMath.exponential(other.largest - merged.largest)
    merged.total = mine * total + others * other.total
    for d in sum.indices { merged.sum[d] = mine * sum[d] + others * other.sum[d] }
    return merged
  }

  /// The weighted mean; zeros without keys.
  public var normalized: [Double] { sum.map { largest == -.infinity ? 0 : $0 / total } }
}
