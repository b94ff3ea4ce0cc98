public import PumiceOperators
import PumiceTensors

extension KVAppend: Definition {
  public func evaluate(_ inputs: [String: [Double]], rounding: RoundingModel, elements: ElementSelection) -> [String:
    Evaluated]
  {
    let cells = inputs["cells"]!, positions = inputs["positions"]!
    /// Calls `body` for every row that is written: that of the new tensor, and that of the cache.
    func forEachRow(_ body: (_ source: Int, _ target: Int) -> Void) {
      for source in 0..<sequences * tokens * kvHeads {
        let cell = Int(cells[source])
        guard cell >= 0, cell < capacity else { continue }
        let sequence = source / (tokens * kvHeads), head = source % kvHeads
        body(source, (sequence * kvHeads + head) * capacity + cell)
      }
    }
    func appended(_ new: [Double], _ cache: Argument, _ before: [Double]) -> Evaluated {
      var result = Evaluated(exact: before), rows = EncodedRows(cache.format, cache.shape)
      let size = cache.shape.rowLength
      forEachRow { source, target in
        let values = rows.encode(target, new[source * size..<(source + 1) * size])
        result.values.replaceSubrange(target * size..<(target + 1) * size, with: values)
      }
      result.encoded = rows
      return result
    }
    var keyPositions = inputs["key_positions"]!
    forEachRow { source, target in keyPositions[target] = positions[source / kvHeads] }
    return [
      "key_cache": appended(inputs["keys"]!, argument("key_cache"), inputs["key_cache"]!),
      "value_cache": appended(inputs["values"]!, argument("value_cache"), inputs["value_cache"]!),
      "key_positions": Evaluated(exact: keyPositions),
    ]
  }
}
