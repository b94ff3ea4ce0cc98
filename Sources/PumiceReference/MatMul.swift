public import PumiceOperators

extension MatMul: Definition {
  public func evaluate(_ inputs: [String: [Double]], rounding: RoundingModel, elements: ElementSelection) -> [String:
    Evaluated]
  {
    let weights = inputs["weight"]!, x = inputs["x"]!, biases = inputs["bias"], before = inputs["y"]
    var y = Evaluated(count: n * m)
    weights.withUnsafeBufferPointer { weights in
      x.withUnsafeBufferPointer { x in
        for j in 0..<n {
          for i in 0..<m where elements.contains(j * m + i) {
            var sum = 0.0, magnitude = 0.0, sizes = 0.0
            for l in 0..<k {
              let a = weights[i * k + l], b = x[j * k + l]
              sum += a * b
              magnitude += abs(a * b)
              sizes += abs(a) + abs(b)
            }
            if let biases {
              sum += biases[i]
              magnitude += abs(biases[i])
            }
            if accumulates, let before {
              sum += before[j * m + i]
              magnitude += abs(before[j * m + i])
            }
            y.values[j * m + i] = sum
            y.bounds[j * m + i] =
              rounding.dotProduct(length: k, magnitude: magnitude) + rounding.store(sum)
              // A subnormal operand or product may be flushed to zero.
              + RoundingModel.flush * (sizes + Double(k))
          }
        }
      }
    }
    return ["y": y]
  }
}
