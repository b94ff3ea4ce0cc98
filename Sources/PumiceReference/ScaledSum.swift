public import PumiceOperators

extension ScaledSum: Definition {
  public func evaluate(_ inputs: [String: [Double]], rounding: RoundingModel, elements: ElementSelection) -> [String:
    Evaluated]
  {
    let x = inputs["x"]!, z = inputs["z"]
    let unit = rounding.accumulator
    var y = Evaluated(count: rows * width)
    for r in 0..<rows {
      for i in 0..<width {
        let index = r * width + i
        let factors = [Double(scale), inputs["row_gain"]?[r] ?? 1, inputs["gain"]?[i] ?? 1]
        let term = factors.reduce(x[index], *)
        let other = z.map { Double(addendScale) * $0[addend == .row ? i : index] } ?? 0
        var value = term + other
        var error = unit * (3 * abs(term) + abs(other) + (z == nil ? 0 : abs(value)))
        // Any operand and any product may be flushed.
        let sizes = factors.map { max(1, abs($0)) }.reduce(max(1, abs(x[index])), *) + abs(Double(addendScale))
        error += RoundingModel.flush * (4 * sizes + 2)
        switch range {
        case .all: break
        case .clamp(let limit): value = max(-Double(limit), min(Double(limit), value))
        case .softCap(let limit):
          let cap = Double(limit)
          // The quotient's error is no greater behind the function, whose slope is at most 1.
          let capped = cap * DoubleMath.hyperbolicTangent(value / cap)
          error +=
            min(abs(value), cap) * RoundingModel.divideRelative + abs(capped) * (RoundingModel.tanhRelative + unit)
            + RoundingModel.flush * (2 * cap + 2)
          value = capped
        }
        y.values[index] = value
        y.bounds[index] = error + rounding.store(value)
      }
    }
    return [inPlace ? "x" : "y": y]
  }
}
