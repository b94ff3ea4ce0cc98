public import PumiceOperators
import PumiceTensors

extension AttentionTiles: Definition {
  public func evaluate(
    _ inputs: [String: [Double]], rounding: RoundingModel, elements: ElementSelection
  ) -> [String: Evaluated] {
    let positions = inputs["positions"]!.map { Int($0) }, keys = inputs["key_positions"]!.map { Int($0) }
    var counts: [Double] = []
    var list: [Double] = []
    for s in 0..<sequences {
      let length = Int(inputs["totals"]![s])
      for g in 0..<kvHeads {
        let cells = (s * kvHeads + g) * capacity
        let inUse = min(capacity, Int(inputs["lengths"]![s * kvHeads + g]))
        for rowTile in 0..<rowTiles {
          let index = counts.count
          guard elements.contains(index) || (list.count..<list.count + keyTiles).contains(where: elements.contains)
          else {
            counts.append(.nan)
            list += Array(repeating: .nan, count: keyTiles)
            continue
          }
          let rows = rowTile * rowsPerTile..<min((rowTile + 1) * rowsPerTile, tokens * group)
          let tiles = (0..<keyTiles).compactMap { tile -> Double? in
            var live = 0
            for row in rows {
              let query = positions[s * tokens + row / group]
              for cell in tile * keysPerTile..<(tile + 1) * keysPerTile where cell < inUse {
                let key = keys[cells + cell]
                if query >= 0, key >= 0,
                  mask.isLive(head: g * group + row % group, heads: heads, query: query, key: key, length: length)
                {
                  live += 1
                }
              }
            }
            if live == 0 { return nil }
            return Double(live == rows.count * keysPerTile ? tile + Self.fullTile : tile)
          }
          counts.append(Double(tiles.count))
          list += tiles + Array(repeating: -1, count: keyTiles - tiles.count)
        }
      }
    }
    return ["counts": Evaluated(exact: counts), "list": Evaluated(exact: list)]
  }
}
