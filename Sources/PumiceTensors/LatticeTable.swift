/// The table of a lattice format: rows of a few numbers, of which each is one of few levels.
public struct LatticeTable: Sendable {
  /// Numbers in a row: 4 or 8.
  public let length: Int
  /// The numbers that occur.
  public let levels: [Double]
  /// The indices of a row's levels, the first in the lowest bits: three bits each where a row has four numbers, two where it
  /// has eight.
  public let rows: [UInt16]

  /// - Parameter digits: the rows, each as its bits need hexadecimal digits.
  init(length: Int, levels: [Double], digits: String) {
    self.length = length
    self.levels = levels
    let width = length * Self.bits(length) / 4
    let values = digits.utf8.map { UInt16($0 < 0x61 ? $0 - 0x30 : $0 - 0x61 + 10) }
    rows = stride(from: 0, to: values.count, by: width).map { start in
      values[start..<start + width].reduce(0) { $0 << 4 | $1 }
    }
  }

  private static func bits(_ length: Int) -> Int { length == 4 ? 3 : 2 }

  /// Number `index` of a row.
  public subscript(row: Int, index: Int) -> Double {
    let bits = Self.bits(length)
    return levels[Int(rows[row] >> UInt16(index * bits)) & (1 << bits - 1)]
  }
}

extension BlockFormat {
  /// The table that the codes choose from; nil for the formats that are no lattices.
  public var lattice: LatticeTable? {
    switch self {
    case .iq2_xxs: .iq2_xxs
    case .iq2_xs: .iq2_xs
    case .iq2_s: .iq2_s
    case .iq3_xxs: .iq3_xxs
    case .iq3_s: .iq3_s
    case .iq1_s, .iq1_m: .iq1
    case .q1_0, .q2_0, .q4_0, .q4_1, .q5_0, .q5_1, .q8_0, .iq4_nl, .mxfp4, .nvfp4, .tq1_0, .tq2_0, .q2_K, .q3_K, .q4_K,
      .q5_K, .q6_K, .iq4_xs:
      nil
    }
  }
}
