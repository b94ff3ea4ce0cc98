public import PumiceOperators
import PumiceTensors

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
          scaled ? rounding.scaled(sum, by: inputs["x_scale"]![j], weightScale(inputs, row: i)) : (sum, 0)
      }
    }
    return ["y": y]
  }

  /// The 8-bit weights of a row.
  private func weights(_ inputs: [String: [Double]], row: Int) -> [Double] {
    let stored = inputs["weight"]!
    guard case .dualGrained(let group) = weight, let sections = weightSections else {
      return Array(stored[row * codeLength(k)..<row * codeLength(k) + k])
    }
    return (0..<k).map { l in
      let code = Int(stored[sections.offsets[0] + (row * k + l) / 2]) >> (l % 2 * 4) & 15
      let at = (row * k + l) / group
      return (Double(code) - stored[sections.offsets[2] + at]) * stored[sections.offsets[1] + at]
    }
  }

  private func weightScale(_ inputs: [String: [Double]], row: Int) -> Double {
    guard let sections = weightSections else { return inputs["w_scale"]![row] }
    let halves = (0..<2).map { UInt16(UInt8(bitPattern: Int8(inputs["weight"]![sections.offsets[3] + 2 * row + $0]))) }
    return Double(Float16(bitPattern: halves[0] | halves[1] << 8))
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
