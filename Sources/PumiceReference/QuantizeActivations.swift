public import PumiceOperators

extension QuantizeActivations: Definition {
  public func evaluate(_ inputs: [String: [Double]], rounding: RoundingModel, elements: ElementSelection) -> [String:
    Evaluated]
  {
    let x = inputs["x"]!
    var codes = Evaluated(exact: Array(repeating: 0, count: rows * codeLength(width)))
    var scales = Evaluated(count: rows)
    var zeros = Evaluated(count: rows)
    // The range may be a difference; then it is divided, and what it divides is multiplied.
    let rangeError = symmetric ? 0 : rounding.accumulator
    let relative = rangeError + RoundingModel.divideRelative + rounding.accumulator
    for r in 0..<rows {
      let row = x[r * width..<(r + 1) * width]
      let least = min(0, row.min()!), greatest = max(0, row.max()!)
      let largest = max(greatest, -least)
      let isTiny = largest < Double(Self.smallest)
      let range = symmetric ? largest : greatest - least
      let scale = isTiny ? 0 : range / Double(levels), inverse = isTiny ? 0 : Double(levels) / range
      scales.values[r] = scale
      scales.bounds[r] = isTiny ? 0 : (rangeError + RoundingModel.divideRelative) * scale + rounding.store(scale)

      let lowest = symmetric ? 0 : Double(self.codes.lowerBound)
      let zero =
        symmetric ? Rounded(0, error: 0) : Rounded(-least * inverse, error: -least * inverse * relative)
      (zeros.values[r], zeros.bounds[r]) = (lowest + zero.value, zero.bound)
      for (i, value) in row.enumerated() {
        let steps = value * inverse
        let code = Rounded(steps, error: abs(steps) * relative + RoundingModel.flush * inverse)
        let sum = Rounded(
          value: lowest + zero.value + code.value, low: lowest + zero.low + code.low,
          high: lowest + zero.high + code.high
        ).clamped(to: self.codes)
        let index = r * codeLength(width) + i
        (codes.values[index], codes.bounds[index]) = (sum.value, sum.bound)
      }
    }
    let outputs = ["codes": codes, "scale": scales]
    return symmetric ? outputs : outputs.merging(["zero": zeros]) { $1 }
  }
}

/// A whole number to which one with an error is rounded: what it should be, and what it may be.
struct Rounded {
  var value: Double
  var low: Double
  var high: Double

  init(value: Double, low: Double, high: Double) {
    self.value = value
    self.low = low
    self.high = high
  }

  /// `exact` rounded to nearest, ties to even, by somebody whose `exact` may be wrong by `error`.
  init(_ exact: Double, error: Double) {
    value = exact.rounded(.toNearestOrEven)
    low = (exact - error).rounded(.toNearestOrEven)
    high = (exact + error).rounded(.toNearestOrEven)
  }

  func clamped(to codes: ClosedRange<Int>) -> Rounded {
    func clamped(_ value: Double) -> Double { min(max(value, Double(codes.lowerBound)), Double(codes.upperBound)) }
    return Rounded(value: clamped(value), low: clamped(low), high: clamped(high))
  }

  /// How far from the value it may be.
  var bound: Double { max(high - value, value - low) }
}
