public import PumiceOperators

extension Pooling: Definition {
  public func evaluate(
    _ inputs: [String: [Double]], rounding: RoundingModel, elements: ElementSelection
  ) -> [String: Evaluated] {
    let x = inputs["x"]!, lengths = inputs["lengths"]!
    var y = Evaluated(count: sequences * width)
    for s in 0..<sequences {
      let row = s * width..<(s + 1) * width
      let length = min(Int(lengths[s]), tokens)
      for (i, index) in row.enumerated() {
        let pooled = length < 1 ? (0, 0) : pooled(length, rounding) { x[(s * tokens + $0) * width + i] }
        (y.values[index], y.bounds[index]) = pooled
      }
      if normalizes { normalize(&y, row, rounding) }
      for index in row { y.bounds[index] += rounding.store(y.values[index]) }
    }
    return ["y": y]
  }

  /// One element before normalization, and how far it may be off.
  private func pooled(
    _ length: Int, _ rounding: RoundingModel, _ x: (Int) -> Double
  ) -> (value: Double, bound: Double) {
    switch method {
    case .first: return (x(0), 0)
    case .last: return (x(length - 1), 0)
    case .mean:
      let count = Double(length)
      let sum = (0..<length).reduce(0) { $0 + x($1) }, size = (0..<length).reduce(0) { $0 + abs(x($1)) }
      // Every term and every partial sum may be flushed.
      let error = rounding.dotProduct(length: length, magnitude: size) / count + 2 * RoundingModel.flush
      return (sum / count, error + RoundingModel.divideRelative * abs(sum / count) + RoundingModel.flush)
    }
  }

  /// Divides a row by its length. By the triangle inequality the length is off by no more than the row's errors are long;
  /// the greater of two numbers by no more than these are.
  private func normalize(_ y: inout Evaluated, _ row: Range<Int>, _ rounding: RoundingModel) {
    let squares = row.reduce(0) { $0 + y.values[$1] * y.values[$1] }
    let divisor = max(squares.squareRoot(), Double(Self.leastNorm))
    let errors = row.reduce(0) { $0 + y.bounds[$1] * y.bounds[$1] }.squareRoot()
    let relative =
      rounding.dotProduct(length: width, magnitude: 1) / 2 + RoundingModel.inverseSquareRootRelative
      + 2 * rounding.accumulator
      // Squares that are flushed.
      + Double(width) * RoundingModel.flush / (divisor * divisor)
    let error = errors + relative * divisor
    for index in row {
      let value = y.values[index] / divisor
      // What is left of a row of errors alone may be anything that is not longer than 1.
      y.bounds[index] =
        2 * error < divisor
        ? (y.bounds[index] + RoundingModel.flush + abs(value) * error) / (divisor - error) : abs(value) + 1.001
      y.values[index] = value
    }
  }
}
