public import PumiceOperators

extension RMSNorm: Definition {
  public func evaluate(_ inputs: [String: [Double]], rounding: RoundingModel, elements: ElementSelection) -> [String:
    Evaluated]
  {
    let x = inputs["x"]!, gain = inputs["gain"]!
    var sums = Evaluated(count: rows * width)
    var y = Evaluated(count: rows * width)
    for r in 0..<rows {
      let row = r * width..<(r + 1) * width
      for index in row {
        let addend = inputs["addend"]?[index] ?? 0
        sums.values[index] = x[index] + addend
        // Either operand and the sum may be flushed.
        sums.bounds[index] = rounding.accumulator * abs(sums.values[index]) + 3 * RoundingModel.flush
      }
      let squares = row.reduce(0) { $0 + sums.values[$1] * sums.values[$1] }
      let mean = squares / Double(width)
      let scale = 1 / (mean + Double(epsilon)).squareRoot()
      // Half the relative error of the sum of squares, whose terms themselves carry the rounding of x + addend, then
      // the division by the width and the inverse root.
      let relative =
        rounding.dotProduct(length: width, magnitude: 1) / 2 + (addsResidual ? rounding.accumulator : 0)
        + rounding.accumulator
        + RoundingModel.divideRelative + RoundingModel.inverseSquareRootRelative + 2 * rounding.accumulator
      for (i, index) in row.enumerated() {
        let gain = gain[r % gains * width + i]
        let value = sums.values[index] * scale * gain
        y.values[index] = value
        y.bounds[index] =
          relative * abs(value) + sums.bounds[index] * scale * abs(gain) + rounding.store(value)
          + RoundingModel.flush * (scale + scale * abs(gain) + scale * abs(sums.values[index]) + 1)
          // Squares that underflow are lost: they weigh at most one flush each against mean + ε.
          + abs(value) * min(1, RoundingModel.flush / max(mean + Double(epsilon), RoundingModel.flush))
      }
    }
    var outputs = addsResidual ? ["x": sums] : [:]
    if let codes { outputs["codes"] = rounded(y, to: codes) } else { outputs["y"] = y }
    return outputs
  }

  /// The codes that numbers with those bounds may become.
  private func rounded(_ y: Evaluated, to range: ClosedRange<Int>) -> Evaluated {
    var codes = Evaluated(exact: Array(repeating: 0, count: rows * codeLength(width)))
    for r in 0..<rows {
      for i in 0..<width {
        let code = Rounded(y.values[r * width + i], error: y.bounds[r * width + i]).clamped(to: range)
        codes.values[r * codeLength(width) + i] = code.value
        codes.bounds[r * codeLength(width) + i] = code.bound
      }
    }
    return codes
  }
}
