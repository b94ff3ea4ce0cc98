public import PumiceOperators
import PumiceTensors

extension EmbeddingGather: Definition {
  public func evaluate(_ inputs: [String: [Double]], rounding: RoundingModel, elements: ElementSelection) -> [String:
    Evaluated]
  {
    let table = inputs["table"]!, ids = inputs["tokens"]!
    var y = Evaluated(count: tokens * width)
    for t in 0..<tokens {
      let id = Int(ids[t])
      for i in 0..<width {
        let known = id >= 0 && id < vocabulary
        y.values[t * width + i] = known ? table[id * width + i] : 0
        // Plain formats are copied; a block's scale times code is one rounded product.
        y.bounds[t * width + i] = format.blockLength == 1 || !known ? 0 : rounding.store(table[id * width + i])
      }
    }
    return ["y": y]
  }
}
