public import PumiceOperators

extension BitPlaneMatMul: Definition {
  /// The product of integers, as if there were no planes.
  public func evaluate(_ inputs: [String: [Double]], rounding: RoundingModel, elements: ElementSelection) -> [String:
    Evaluated]
  {
    var y = Evaluated(count: n * m)
    var rows = [Int: [Double]]()
    for j in 0..<n {
      let column = x.values(inputs["x"]!, row: j, of: n, width: k)
      for i in 0..<m where elements.contains(j * m + i) {
        let row = rows[i] ?? weight.values(inputs["weight"]!, row: i, of: m, width: k)
        rows[i] = row
        var sum = 0.0
        for l in 0..<k { sum += row[l] * column[l] }
        if zeroPoints {
          let (w, x) = (inputs["w_zero"]![i], inputs["x_zero"]![j])
          sum += Double(k) * w * x - w * inputs["x_sum"]![j] - x * inputs["w_sum"]![i]
        }
        (y.values[j * m + i], y.bounds[j * m + i]) =
          scaled
          ? rounding.scaled(sum, by: inputs["x_scale"]![j], inputs["w_scale"]![i]) : (sum, 0)
      }
    }
    return ["y": y]
  }
}

extension BitPlanes {
  /// The values of one row of codes in planes `[count, rows, words]`.
  fileprivate func values(_ planes: [Double], row: Int, of rows: Int, width: Int) -> [Double] {
    let words = Self.words(width)
    var values = [Double](repeating: 0, count: width)
    for (t, coefficient) in coefficients.enumerated() {
      for i in 0..<width where Int(planes[(t * rows + row) * words + i / 32]) >> (i % 32) & 1 == 1 {
        values[i] += Double(coefficient)
      }
    }
    return values
  }
}
