public import PumiceOperators

extension CausalConvolution: Definition {
  public func evaluate(_ inputs: [String: [Double]], rounding: RoundingModel, elements: ElementSelection) -> [String:
    Evaluated]
  {
    let weight = inputs["weight"]!, biases = inputs["bias"]
    // All inputs in time's order, those before the first token in front.
    let x = inputs["state"]! + inputs["x"]!
    var y = Evaluated(count: tokens * channels)
    for t in 0..<tokens {
      for c in 0..<channels {
        var value = biases?[c] ?? 0
        var magnitude = abs(value), sizes = 0.0
        for j in 0..<taps {
          let a = weight[c * taps + j], b = x[(t + j) * channels + c]
          value += a * b
          magnitude += abs(a * b)
          sizes += abs(a) + abs(b)
        }
        var error =
          rounding.dotProduct(length: taps, magnitude: magnitude) + RoundingModel.flush * (sizes + Double(taps) + 1)
        if silu {
          let (activated, own) = Activation.Function.silu.evaluate(value, rounding)
          // The function's slope is at most 1.1.
          error = 1.1 * error + own
          value = activated
        }
        y.values[t * channels + c] = value
        y.bounds[t * channels + c] = error + rounding.store(value)
      }
    }
    var state = Evaluated(exact: Array(x.suffix((taps - 1) * channels)))
    // A subnormal number may be flushed on its way.
    state.bounds = state.bounds.map { _ in RoundingModel.flush }
    return ["y": y, "state": state]
  }
}
