public import PumiceOperators

extension HeadCopy: Definition {
  public func evaluate(_ inputs: [String: [Double]], rounding: RoundingModel, elements: ElementSelection) -> [String:
    Evaluated]
  {
    let x = inputs["x"]!
    var y = Evaluated(exact: inputs["y"] ?? Array(repeating: 0, count: tokens * target.heads * target.headSize))
    for t in 0..<tokens {
      for h in 0..<target.heads {
        let from = (t * source.heads + h * source.heads / target.heads) * source.headSize + source.offset
        let to = (t * target.heads + h) * target.headSize + target.offset
        for i in 0..<length {
          y.values[to + i] = x[from + i]
          // A subnormal number may be flushed on its way.
          y.bounds[to + i] = RoundingModel.flush
        }
      }
    }
    return ["y": y]
  }
}
