public import PumiceOperators
import PumiceTensors

extension KVAppend: Definition {
  public func evaluate(_ inputs: [String: [Double]], rounding: RoundingModel, elements: ElementSelection) -> [String:
    Evaluated]
  {
    let positions = inputs["positions"]!
    func appended(_ new: [Double], _ cache: [Double]) -> Evaluated {
      var cache = cache
      for t in 0..<tokens {
        let cell = Int(positions[t])
        guard cell >= 0, cell < capacity else { continue }
        for h in 0..<kvHeads {
          for d in 0..<headSize {
            cache[(h * capacity + cell) * headSize + d] = format.rounded(new[(t * kvHeads + h) * headSize + d])
          }
        }
      }
      return Evaluated(exact: cache)
    }
    return [
      "key_cache": appended(inputs["keys"]!, inputs["key_cache"]!),
      "value_cache": appended(inputs["values"]!, inputs["value_cache"]!),
    ]
  }
}
