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
        // Decoding is exact. Only a product so small that a device may flush it, or a part of it, is not.
        let isTiny = known && format.blockLength > 1 && abs(table[id * width + i]) < 0x1p-117
        y.bounds[t * width + i] = isTiny ? 0x1p-117 : 0
      }
    }
    return ["y": y]
  }
}
