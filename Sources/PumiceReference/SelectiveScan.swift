public import PumiceOperators

extension SelectiveScan: Definition {
  public func evaluate(_ inputs: [String: [Double]], rounding: RoundingModel, elements: ElementSelection) -> [String:
    Evaluated]
  {
    let x = inputs["x"]!, dt = inputs["dt"]!, a = inputs["a"]!, b = inputs["b"]!, c = inputs["c"]!
    let unit = rounding.accumulator, flush = RoundingModel.flush
    var state = Evaluated(exact: inputs["state"]!)
    var y = Evaluated(count: tokens * heads * headSize)
    for t in 0..<tokens {
      for h in 0..<heads {
        let step =
          max(dt[t * heads + h], 0) + DoubleMath.logarithmOfOnePlus(DoubleMath.exponential(-abs(dt[t * heads + h])))
        let stepError = RoundingModel.softplusError(dt[t * heads + h])
        let shared = (t * groups + h / (heads / groups)) * stateSize
        for p in 0..<headSize {
          let channel = h * headSize + p
          let input = x[t * heads * headSize + channel]
          var sum = inputs["skip"].map { $0[h] * input } ?? 0
          var magnitude = abs(sum), error = 0.0, sizes = abs(input) + abs(inputs["skip"]?[h] ?? 0)
          for n in 0..<stateSize {
            let index = n * heads * headSize + channel
            let rate = a[decayPerState ? h * stateSize + n : h]
            let decay = DoubleMath.exponential(step * rate)
            // What the exponent is wrong by is relative to its power.
            let decayError =
              decay * (RoundingModel.expRelative(step * rate) + abs(rate) * stepError + unit * abs(step * rate)) + flush
            let kept = decay * state.values[index], added = step * b[shared + n] * input
            let value = kept + added
            state.bounds[index] =
              (decay + decayError) * state.bounds[index] + decayError * abs(state.values[index])
              + stepError * abs(b[shared + n] * input) + unit * (abs(kept) + 2 * abs(added) + abs(value))
              + flush * (4 + step + decay + abs(state.values[index]) + abs(b[shared + n]) + abs(input) * (1 + step))
            state.values[index] = value
            let factor = c[shared + n]
            sum += factor * value
            magnitude += abs(factor * value)
            error += abs(factor) * state.bounds[index]
            sizes += abs(factor) + abs(value)
          }
          y.values[t * heads * headSize + channel] = sum
          y.bounds[t * heads * headSize + channel] =
            error + rounding.dotProduct(length: stateSize + 1, magnitude: magnitude) + rounding.store(sum)
            + flush * (sizes + Double(stateSize) + 1)
        }
      }
    }
    return ["y": y, "state": state]
  }
}
