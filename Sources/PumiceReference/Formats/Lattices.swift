// Blocks of 256 elements in which a code chooses a point of a lattice: the magnitudes of four or eight elements.

import PumiceTensors

extension StoredBlock {
  func iq2_xxs(_ i: Int) -> Double {
    let group = 2 + i / 32 * 8, part = i % 32 / 8
    let rest = word(group + 4)
    let magnitude = LatticeTable.iq2_xxs[self[group + part], i % 8]
    return float16(0) * (Double(rest >> 28) + 0.5) * 0.25 * magnitude * sign(i % 8, ofSeven: rest >> (7 * part))
  }

  func iq2_xs(_ i: Int) -> Double {
    let point = half(2 + i / 8 * 2)
    let scale = code(i / 16, width: 4, at: 66)
    let magnitude = LatticeTable.iq2_xs[point & 511, i % 8]
    return float16(0) * (Double(scale) + 0.5) * 0.25 * magnitude * sign(i % 8, ofSeven: point >> 9)
  }

  func iq2_s(_ i: Int) -> Double {
    let row = self[2 + i / 8] | code(i / 8, width: 2, at: 66) << 8
    let scale = code(i / 16, width: 4, at: 74)
    return float16(0) * (Double(scale) + 0.5) * 0.25 * LatticeTable.iq2_s[row, i % 8] * sign(i, at: 34)
  }

  func iq3_xxs(_ i: Int) -> Double {
    let rest = word(66 + i / 32 * 4)
    let magnitude = LatticeTable.iq3_xxs[self[2 + i / 4], i % 4]
    return float16(0) * (Double(rest >> 28) + 0.5) * 0.5 * magnitude
      * sign(i % 8, ofSeven: rest >> (7 * (i % 32 / 8)))
  }

  func iq3_s(_ i: Int) -> Double {
    let row = self[2 + i / 4] | code(i / 4, width: 1, at: 66) << 8
    let scale = code(i / 32, width: 4, at: 106)
    return float16(0) * Double(2 * scale + 1) * LatticeTable.iq3_s[row, i % 4] * sign(i, at: 74)
  }

  func iq1_s(_ i: Int) -> Double {
    let rest = half(34 + i / 32 * 2)
    let row = self[2 + i / 8] | (rest >> (3 * (i % 32 / 8)) & 7) << 8
    let shift = rest >> 15 == 0 ? 0.125 : -0.125
    return float16(0) * Double(2 * (rest >> 12 & 7) + 1) * (LatticeTable.iq1[row, i % 8] + shift)
  }

  func iq1_m(_ i: Int) -> Double {
    let rest = code(i / 8, width: 4, at: 32)
    let row = self[i / 8] | (rest & 7) << 8
    let shift = rest >> 3 == 0 ? 0.125 : -0.125
    let factor = half(48 + i / 64 * 2) >> (3 * (i % 64 / 16)) & 7
    let scaleBits = (0..<4).reduce(0) { $0 | (half(48 + 2 * $1) >> 12) << (4 * $1) }
    let scale = Double(Float16(bitPattern: UInt16(scaleBits)))
    return scale * Double(2 * factor + 1) * (LatticeTable.iq1[row, i % 8] + shift)
  }

  /// The sign of the `index`-th of eight elements: a bit each of the low seven, and the eighth such that an even number of
  /// elements is negative.
  private func sign(_ index: Int, ofSeven bits: Int) -> Double {
    let seven = bits & 127
    let isNegative = index < 7 ? seven >> index & 1 == 1 : seven.nonzeroBitCount % 2 == 1
    return isNegative ? -1 : 1
  }

  /// The sign of element `i`, one bit for each from byte `offset`.
  private func sign(_ i: Int, at offset: Int) -> Double { code(i, width: 1, at: offset) == 0 ? 1 : -1 }
}
