public import PumiceOperators
import PumiceTensors

extension KVAppend: Definition {
  public func evaluate(_ inputs: [String: [Double]], rounding: RoundingModel, elements: ElementSelection) -> [String:
    Evaluated]
  {
    let cells = inputs["cells"]!, positions = inputs["positions"]!
    /// Calls `body` for every row that is written: that of the new tensor, and its cell.
    func forEachRow(_ body: (_ source: Int, _ cell: Int) -> Void) {
      for source in 0..<sequences * tokens * kvHeads where writtenHeads.contains(source % kvHeads) {
        let cell = Int(cells[source])
        guard cell >= 0, cell < capacity else { continue }
        body(source, cell)
      }
    }
    func sequence(_ source: Int) -> Int { source / (tokens * kvHeads) }
    func appended(_ new: [Double], _ cache: Argument, _ before: [Double]) -> Evaluated {
      var result = Evaluated(exact: before), rows = EncodedRows(cache.format, cache.shape)
      let size = cache.shape.rowLength
      forEachRow { source, cell in
        let head = source % kvHeads - writtenHeads.lowerBound
        let target = (sequence(source) * writtenHeads.count + head) * capacity + cell
        let values = rows.encode(target, new[source * size..<(source + 1) * size])
        result.values.replaceSubrange(target * size..<(target + 1) * size, with: values)
      }
      result.encoded = rows
      return result
    }
    var keyPositions = inputs["key_positions"]!
    forEachRow { source, cell in
      keyPositions[(sequence(source) * kvHeads + source % kvHeads) * capacity + cell] = positions[source / kvHeads]
    }
    return [
      "key_cache": appended(inputs["keys"]!, argument("key_cache"), inputs["key_cache"]!),
      "value_cache": appended(inputs["values"]!, argument("value_cache"), inputs["value_cache"]!),
      "key_positions": Evaluated(exact: keyPositions),
    ]
  }
}
