public import PumiceOperators

extension RoPE: Definition {
  public func evaluate(_ inputs: [String: [Double]], rounding: RoundingModel, elements: ElementSelection) -> [String:
    Evaluated]
  {
    let x = inputs["x"]!, positions = inputs["positions"]!, frequencies = inputs["frequencies"]!
    var y = Evaluated(exact: x)
    for t in 0..<tokens where positions[t] >= 0 {
      for i in 0..<rotaryDimensions / 2 {
        let angle = Self.angle(position: Int(positions[t]), high: frequencies[2 * i], low: frequencies[2 * i + 1])
        let c = DoubleMath.cosine(angle), s = DoubleMath.sine(angle)
        for h in 0..<heads {
          let head = (t * heads + h) * headSize + offset
          let (first, second) = pair(i)
          let a = x[head + first], b = x[head + second]
          let size = (a * a + b * b).squareRoot()
          let factor = Double(magnitude)
          // Sine and cosine within 2⁻²¹, two products and a sum, the magnitude; then the store.
          let bound =
            (0x1p-21 + 5 * rounding.accumulator) * abs(factor) * (abs(a) + abs(b)) + rounding.store(factor * size)
            + 4 * RoundingModel.flush * (1 + abs(factor))
          y.values[head + first] = factor * (a * c - b * s)
          y.values[head + second] = factor * (a * s + b * c)
          y.bounds[head + first] = bound
          y.bounds[head + second] = bound
        }
      }
    }
    return ["x": y]
  }

  /// The two of the rotated elements that form pair i.
  func pair(_ i: Int) -> (Int, Int) {
    switch pairing {
    case .adjacent: (2 * i, 2 * i + 1)
    case .halves: (i, i + rotaryDimensions / 2)
    }
  }

  /// position · frequency modulo one turn, in radians within ±π.
  static func angle(position: Int, high: Double, low: Double) -> Double {
    let fixed = UInt64(UInt32(bitPattern: Int32(high))) << 32 | UInt64(UInt32(bitPattern: Int32(low)))
    let turns = Int64(bitPattern: fixed &* UInt64(bitPattern: Int64(position)))
    return Double(turns) * 0x1p-64 * 2 * Double.pi
  }
}
