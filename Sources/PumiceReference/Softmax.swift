public import PumiceOperators

extension Softmax: Definition {
  public func evaluate(_ inputs: [String: [Double]], rounding: RoundingModel, elements: ElementSelection) -> [String:
    Evaluated]
  {
    let x = inputs["x"]!
    var y = Evaluated(count: rows * width)
    for r in 0..<rows {
      let scaled = x[r * width..<(r + 1) * width].map { $0 * Double(scale) }
      let largest = scaled.max()!
      let weights = scaled.map { largest == -.infinity ? 0 : DoubleMath.exponential($0 - largest) }
      let total = weights.reduce(0, +)
      // Rounding scale·x − max moves the exponent by at most this much.
      let shift = { (s: Double) in 2 * rounding.accumulator * (abs(s) + abs(largest)) }
      let exponent = { (s: Double) in RoundingModel.expRelative(s - largest) + shift(s) }
      let totalError =
        zip(scaled, weights).reduce(0) { $0 + ($1.1 == 0 ? 0 : $1.1 * exponent($1.0)) } / max(total, 1)
        + rounding.dotProduct(length: width, magnitude: 1)
      for i in 0..<width {
        let value = total == 0 ? 0 : weights[i] / total
        y.values[r * width + i] = value
        y.bounds[r * width + i] =
          (value == 0 ? 0 : (exponent(scaled[i]) + totalError + RoundingModel.divideRelative) * value)
          + rounding.store(value)
          + 2 * RoundingModel.flush
      }
    }
    return ["y": y]
  }
}
