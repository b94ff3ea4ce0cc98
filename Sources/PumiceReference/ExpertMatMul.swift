public import PumiceOperators

extension ExpertMatMul: Definition {
  public func evaluate(_ inputs: [String: [Double]], rounding: RoundingModel, elements: ElementSelection) -> [String:
    Evaluated]
  {
    let weights = inputs["weight"]!, x = inputs["x"]!, chosen = inputs["experts"]!, biases = inputs["bias"]
    var y = Evaluated(count: tokens * slots * m)
    for pair in 0..<tokens * slots {
      let expert = Int(chosen[pair])
      let column = (inputPerSlot ? pair : pair / slots) * k
      for i in 0..<m where elements.contains(pair * m + i) {
        guard 0..<experts ~= expert else {
          y.values[pair * m + i] = 0
          continue
        }
        let row = expert * m + i
        var sum = biases?[row] ?? 0
        var magnitude = abs(sum), sizes = 0.0
        for l in 0..<k {
          let a = weights[row * k + l], b = x[column + l]
          sum += a * b
          magnitude += abs(a * b)
          sizes += abs(a) + abs(b)
        }
        y.values[pair * m + i] = sum
        y.bounds[pair * m + i] =
          rounding.dotProduct(length: k, magnitude: magnitude) + rounding.store(sum)
          // A subnormal operand or product may be flushed to zero.
          + RoundingModel.flush * (sizes + Double(k))
      }
    }
    return ["y": y]
  }
}
