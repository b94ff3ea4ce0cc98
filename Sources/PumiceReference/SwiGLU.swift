public import PumiceOperators

extension SwiGLU: Definition {
  public func evaluate(_ inputs: [String: [Double]], rounding: RoundingModel, elements: ElementSelection) -> [String:
    Evaluated]
  {
    let gate = inputs["gate"]!, up = inputs["up"]!
    var y = Evaluated(count: count)
    for i in 0..<count {
      let value = gate[i] / (1 + DoubleMath.exponential(-gate[i])) * up[i]
      y.values[i] = value
      // exp enters 1 + exp(−g) with the share exp(−g)/(1 + exp(−g)) ≤ 1 of its relative error; where exp(−g) overflows
      // binary32 the device gives 0, which is right within one flush of the product.
      y.bounds[i] =
        (RoundingModel.expRelative(gate[i]) + RoundingModel.divideRelative + 3 * rounding.accumulator) * abs(value)
        + rounding.store(value) + RoundingModel.flush * (2 + abs(up[i])) * (1 + abs(gate[i]))
    }
    return ["y": y]
  }
}
