public import PumiceOperators

extension ExpertSum: Definition {
  public func evaluate(_ inputs: [String: [Double]], rounding: RoundingModel, elements: ElementSelection) -> [String:
    Evaluated]
  {
    let x = inputs["x"]!, weights = inputs["weights"]!, before = inputs["y"]
    var y = Evaluated(count: tokens * width)
    for t in 0..<tokens {
      for i in 0..<width {
        var sum = before?[t * width + i] ?? 0
        var magnitude = abs(sum), sizes = 0.0
        for slot in t * slots..<(t + 1) * slots {
          sum += weights[slot] * x[slot * width + i]
          magnitude += abs(weights[slot] * x[slot * width + i])
          sizes += abs(weights[slot]) + abs(x[slot * width + i])
        }
        y.values[t * width + i] = sum
        y.bounds[t * width + i] =
          rounding.dotProduct(length: slots, magnitude: magnitude) + rounding.store(sum)
          + RoundingModel.flush * (sizes + Double(slots) + 1)
      }
    }
    return ["y": y]
  }
}
