/// Rows of a few numbers, of which each is one of few levels.
struct LatticeTable: Sendable {
  /// Numbers in a row.
  let length: Int
  private let levels: [Double]
  /// The indices of a row's levels, as many bits each as the largest needs, the first in the lowest bits.
  private let rows: [UInt16]

  /// - Parameter digits: the rows, each as its bits need hexadecimal digits.
  init(length: Int, levels: [Double], digits: String) {
    self.length = length
    self.levels = levels
    let width = length * Self.bits(levels) / 4
    let values = digits.utf8.map { UInt16($0 < 0x61 ? $0 - 0x30 : $0 - 0x61 + 10) }
    rows = stride(from: 0, to: values.count, by: width).map { start in
      values[start..<start + width].reduce(0) { $0 << 4 | $1 }
    }
  }

  private static func bits(_ levels: [Double]) -> Int { levels.count > 4 ? 3 : 2 }

  subscript(row: Int, index: Int) -> Double {
    let bits = Self.bits(levels)
    return levels[Int(rows[row] >> UInt16(index * bits)) & (1 << bits - 1)]
  }
}
