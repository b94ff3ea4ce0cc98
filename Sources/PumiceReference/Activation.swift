public import PumiceOperators

extension Activation: Definition {
  public func evaluate(_ inputs: [String: [Double]], rounding: RoundingModel, elements: ElementSelection) -> [String:
    Evaluated]
  {
    let gates = inputs[gated ? "gate" : "x"]!, ups = inputs["up"]
    let most = limit.map(Double.init) ?? .infinity
    var y = Evaluated(count: count)
    for i in 0..<count {
      let (value, error) = function.evaluate(min(gates[i], most), rounding)
      let up = ups.map { max(-most, min(most, $0[i])) } ?? 1
      let factor = addsOne ? up + 1 : up
      y.values[i] = value * factor
      y.bounds[i] =
        error * abs(factor) + rounding.accumulator * (abs(value * factor) + (addsOne ? abs(value * factor) : 0))
        // Either factor and what it was made of may be flushed.
        + RoundingModel.flush * (2 * abs(factor) + abs(value) + 1) + rounding.store(value * factor)
    }
    return ["y": y]
  }
}

extension Activation.Function {
  /// f(x), and how wrong a device may have it; where an exponential overflows binary32 it gives 0, which is right within a
  /// flush of the product.
  func evaluate(_ x: Double, _ rounding: RoundingModel) -> (value: Double, error: Double) {
    let unit = rounding.accumulator
    let flushed = RoundingModel.flush * (2 + abs(x))
    switch self {
    case .silu:
      let value = x / (1 + DoubleMath.exponential(-x))
      return (value, RoundingModel.logisticRelative(x) * abs(value) + flushed)
    case .geluTanh:
      // Terms of one sign: five products, a sum, and two constants.
      let z = 2 * (2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)
      let value = x / (1 + DoubleMath.exponential(-z))
      return (value, RoundingModel.logisticRelative(z, argument: 8 * unit) * abs(value) + flushed)
    case .geluErf:
      let tail = DoubleMath.complementaryError(abs(x) / 2.0.squareRoot()) / 2
      let share = x < 0 ? tail : 1 - tail
      let error = RoundingModel.normalTailRelative(x) * tail + (x < 0 ? 0 : unit * share)
      return (x * share, abs(x) * (error + unit * share) + flushed)
    case .geluQuick:
      let z = 1.702 * x
      let value = x / (1 + DoubleMath.exponential(-z))
      return (value, RoundingModel.logisticRelative(z, argument: 2 * unit) * abs(value) + flushed)
    case .identity: return (x, 0)
    case .relu: return (max(x, 0), 0)
    case .reluSquared:
      let value = max(x, 0) * max(x, 0)
      return (value, unit * value + flushed)
    case .sigmoid:
      let value = 1 / (1 + DoubleMath.exponential(-x))
      return (value, RoundingModel.logisticRelative(x) * value + RoundingModel.flush)
    case .softplus:
      let value = max(x, 0) + DoubleMath.logarithmOfOnePlus(DoubleMath.exponential(-abs(x)))
      return (value, RoundingModel.softplusError(x))
    }
  }
}
