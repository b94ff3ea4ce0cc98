public import PumiceOperators

extension PackBitPlanes: Definition {
  public func evaluate(_ inputs: [String: [Double]], rounding: RoundingModel, elements: ElementSelection) -> [String:
    Evaluated]
  {
    let codes = inputs["codes"]!
    let words = BitPlanes.words(width)
    var packed = [UInt32](repeating: 0, count: planes.count * rows * words)
    var sums = [Double](repeating: 0, count: rows)
    for r in wantedRows(elements) {
      for i in 0..<width {
        let code = Int(codes[r * codeLength(width) + i]) & 0xff
        sums[r] += Double(planes.value(code))
        for t in 0..<planes.count where code >> t & 1 == 1 { packed[(t * rows + r) * words + i / 32] |= 1 << (i % 32) }
      }
    }
    return [
      "planes": Evaluated(exact: packed.map { Double(Int32(bitPattern: $0)) }), "sums": Evaluated(exact: sums),
    ]
  }

  /// The rows that hold the wanted elements of either output.
  private func wantedRows(_ elements: ElementSelection) -> [Int] {
    guard case .only(let wanted) = elements else { return Array(0..<rows) }
    return Set(wanted.flatMap { [$0 / BitPlanes.words(width) % rows, min($0, rows - 1)] }).sorted()
  }
}
