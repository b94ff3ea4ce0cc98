public import PumiceOperators

extension ArgMax: Definition {
  public func evaluate(_ inputs: [String: [Double]], rounding: RoundingModel, elements: ElementSelection) -> [String:
    Evaluated]
  {
    let x = inputs["x"]!
    let indices = (0..<rows).map { r -> Double in
      var best = 0
      var largest = -Double.infinity
      for i in 0..<width where x[r * width + i] > largest {
        largest = x[r * width + i]
        best = i
      }
      return Double(best)
    }
    return ["index": Evaluated(exact: indices)]
  }
}
