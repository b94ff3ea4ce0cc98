public import PumiceOperators

extension SparseMatMul: Definition {
  public func evaluate(_ inputs: [String: [Double]], rounding: RoundingModel, elements: ElementSelection) -> [String:
    Evaluated]
  {
    let x = inputs["x"]!, before = inputs["y"]!
    var y = Evaluated(count: n * m)
    for j in 0..<n {
      for i in 0..<m where elements.contains(j * m + i) {
        var sum = before[j * m + i], magnitude = abs(sum), sizes = 0.0
        let entries = entries(ofRow: i, inputs)
        for (column, value) in entries {
          let b = x[j * k + column]
          sum += value * b
          magnitude += abs(value * b)
          sizes += abs(value) + abs(b)
        }
        y.values[j * m + i] = sum
        // Adding nothing changes nothing, but that a device may flush what is subnormal.
        y.bounds[j * m + i] =
          entries.isEmpty
          ? RoundingModel.flush
          : rounding.dotProduct(length: entries.count + 1, magnitude: magnitude) + rounding.store(sum)
            + RoundingModel.flush * (sizes + Double(entries.count))
      }
    }
    return ["y": y]
  }

  /// The stored elements of a row with their columns. What lies outside of the matrix or of `values` does not exist.
  private func entries(ofRow row: Int, _ inputs: [String: [Double]]) -> [(column: Int, value: Double)] {
    let values = inputs["values"]!
    switch layout {
    case .csr:
      let starts = inputs["starts"]!, columns = inputs["columns"]!
      // Shaders read indices as unsigned numbers, in which a negative one is beyond all others.
      func end(_ start: Double) -> Int { start < 0 ? count : min(Int(start), count) }
      let first = end(starts[row]), last = end(starts[row + 1])
      guard first < last else { return [] }
      return (first..<last).filter { 0..<Double(k) ~= columns[$0] }.map { (Int(columns[$0]), values[$0]) }
    case .rows:
      guard let stored = inputs["indices"]!.firstIndex(of: Double(row)) else { return [] }
      return (0..<k).map { ($0, values[stored * k + $0]) }
    }
  }
}
