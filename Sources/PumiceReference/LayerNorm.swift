public import PumiceOperators

extension LayerNorm: Definition {
  public func evaluate(_ inputs: [String: [Double]], rounding: RoundingModel, elements: ElementSelection) -> [String:
    Evaluated]
  {
    let x = inputs["x"]!, gainRows = inputs["gain"], biases = inputs["bias"]
    let unit = rounding.accumulator, count = Double(width)
    var sums = Evaluated(count: rows * width)
    var y = Evaluated(count: rows * width)
    for r in 0..<rows {
      let row = r * width..<(r + 1) * width
      for index in row {
        sums.values[index] = x[index] + (inputs["addend"]?[index] ?? 0)
        // Either operand and the sum may be flushed.
        sums.bounds[index] = (addsResidual ? unit * abs(sums.values[index]) : 0) + 3 * RoundingModel.flush
      }
      let mean = row.reduce(0) { $0 + sums.values[$1] } / count
      let size = row.reduce(0) { $0 + abs(sums.values[$1]) } / count
      // The sum, what its terms were wrong by before, and the division.
      let meanError =
        rounding.dotProduct(length: width, magnitude: size) + row.reduce(0) { $0 + sums.bounds[$1] } / count
        + RoundingModel.divideRelative * abs(mean) + RoundingModel.flush
      var squares = 0.0, squaresError = 0.0
      for index in row {
        let centered = sums.values[index] - mean
        // An error of the mean changes the sum of squares by its own square alone, because the rest sums up to nothing.
        squares += centered * centered
        squaresError += 2 * abs(centered) * (sums.bounds[index] + unit * abs(centered)) + meanError * meanError
      }
      let variance = squares / count + Double(epsilon)
      let relative =
        (rounding.dotProduct(length: width, magnitude: 1) + (squaresError / count + RoundingModel.flush)
          / max(variance, 1e-37))
        / 2
        + RoundingModel.divideRelative + unit + RoundingModel.inverseSquareRootRelative
      let scale = 1 / variance.squareRoot()
      for (i, index) in row.enumerated() {
        let own = r % gains * width + i
        let gain = gainRows?[own] ?? 1, bias = biases?[own] ?? 0
        let centered = sums.values[index] - mean
        let value = centered * scale * gain
        y.values[index] = value + bias
        y.bounds[index] =
          (relative + 3 * unit) * abs(value) + (sums.bounds[index] + meanError) * scale * abs(gain) * (1 + relative)
          + (biases == nil ? 0 : unit * abs(value + bias)) + rounding.store(value + bias)
          + RoundingModel.flush * (scale + scale * abs(gain) + scale * abs(centered) + 2)
      }
    }
    var outputs = ["y": y]
    if addsResidual { outputs["x"] = sums }
    return outputs
  }
}
