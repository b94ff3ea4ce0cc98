public import PumiceOperators

extension Attention: Definition {
  public func evaluate(_ inputs: [String: [Double]], rounding: RoundingModel, elements: ElementSelection) -> [String:
    Evaluated]
  {
    let q = inputs["q"]!, k = inputs["k"]!, v = inputs["v"]!, positions = inputs["positions"]!
    var y = Evaluated(count: tokens * heads * headSize)
    for t in 0..<tokens {
      let visible = max(0, min(keys, Int(positions[t]) + 1))
      for h in 0..<heads {
        let row = (t * heads + h) * headSize
        guard (row..<row + headSize).contains(where: elements.contains) else { continue }
        let cells = h / (heads / kvHeads) * capacity
        attend(q, row: row, k, v, cells: cells, visible: visible, rounding: rounding, into: &y)
      }
    }
    return ["y": y]
  }

  /// One row: scores, softmax, weighted sum of values, and how far f32 arithmetic may take each from the truth.
  private func attend(
    _ q: [Double], row: Int, _ k: [Double], _ v: [Double], cells: Int, visible: Int, rounding: RoundingModel,
    into y: inout Evaluated
  ) {
    guard visible > 0 else {
      for d in 0..<headSize { y.values[row + d] = 0 }
      return
    }
    var scores: [Double] = []
    var scoreError = 0.0
    for j in 0..<visible {
      var sum = 0.0, magnitude = 0.0
      for d in 0..<headSize {
        let product = q[row + d] * k[(cells + j) * headSize + d]
        sum += product
        magnitude += abs(product)
      }
      let score = sum * Double(scale)
      scores.append(score)
      scoreError = max(
        scoreError,
        rounding.dotProduct(length: headSize, magnitude: magnitude) * abs(Double(scale)) + 2 * rounding.accumulator
          * abs(score))
    }
    let largest = scores.max()!
    let weights = scores.map { DoubleMath.exponential($0 - largest) }
    let total = weights.reduce(0, +)
    for d in 0..<headSize {
      var sum = 0.0, magnitude = 0.0, exponents = 0.0
      for j in 0..<visible {
        let value = v[(cells + j) * headSize + d]
        sum += weights[j] * value
        magnitude += weights[j] * abs(value)
        exponents += weights[j] * abs(value) * RoundingModel.expRelative(scores[j] - largest)
      }
      let value = sum / total
      let mass = magnitude / total
      // exp(s + δ) = exp(s)·(1 + δ): the error of the scores is relative in every weight, above and below the line. Its
      // own error in exp, the two sums and the division add to it; rescaling by the running maximum costs one more exp
      // per step, which the second `exponents` term covers.
      y.values[row + d] = value
      y.bounds[row + d] =
        2 * scoreError * mass + 2 * (exponents / total + RoundingModel.expRelative(0) * mass)
        + averageExponentError(scores, weights, largest, total) * abs(value) * 2
        + 2 * rounding.dotProduct(length: visible, magnitude: mass) + RoundingModel.divideRelative * abs(value)
        + rounding.store(value) + RoundingModel.flush * Double(visible + headSize)
    }
  }

  /// The relative error of the denominator that the errors of its exponentials make.
  private func averageExponentError(_ scores: [Double], _ weights: [Double], _ largest: Double, _ total: Double)
    -> Double
  {
    zip(scores, weights).reduce(0) { $0 + $1.1 * RoundingModel.expRelative($1.0 - largest) } / total
  }
}
