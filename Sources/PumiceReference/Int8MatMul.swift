public import PumiceOperators

extension Int8MatMul: Definition {
  public func evaluate(_ inputs: [String: [Double]], rounding: RoundingModel, elements: ElementSelection) -> [String:
    Evaluated]
  {
    let x = inputs["x"]!
    var y = Evaluated(count: n * m)
    var rows = [Int: [Double]]()
    for j in 0..<n {
      for i in 0..<m where elements.contains(j * m + i) {
        let row = rows[i] ?? weights(inputs, row: i)
        rows[i] = row
        var sum = 0.0
        for l in 0..<k { sum += row[l] * x[j * codeLength(k) + l] }
        (y.values[j * m + i], y.bounds[j * m + i]) =
          scaled
          ? rounding.scaled(sum, by: inputs["x_scale"]![j], inputs["w_scale"]![i]) : (sum, 0)
      }
    }
    return ["y": y]
  }

  /// The 8-bit weights of a row.
  private func weights(_ inputs: [String: [Double]], row: Int) -> [Double] {
    let weight = inputs["weight"]!
    switch self.weight {
    case .int8: return (0..<k).map { weight[row * codeLength(k) + $0] }
    case .int4(let group):
      return (0..<k).map { l in
        let shift = l % 8 < 4 ? l % 4 * 8 : l % 4 * 8 + 4
        let code = Int(weight[row * (k / 8) + l / 8]) >> shift & 15
        let at = row * codeLength(k / group) + l / group
        return (Double(code) - inputs["zero"]![at]) * inputs["ratio"]![at]
      }
    }
  }
}

extension RoundingModel {
  /// A whole number that becomes binary32 and is multiplied by two scales, the first product possibly subnormal: its value
  /// and bound.
  func scaled(_ sum: Double, by first: Double, _ second: Double) -> (value: Double, bound: Double) {
    let value = sum * first * second
    let bound =
      2 * accumulator * abs(value) + store(value)
      + Self.flush * (abs(second) + abs(sum * first) + abs(sum * second))
    return (value, bound)
  }
}
