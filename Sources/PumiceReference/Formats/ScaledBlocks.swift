// Blocks with one scale for all of their elements, or one for each few.

extension StoredBlock {
  func q1_0(_ i: Int) -> Double { float16(0) * (code(i, width: 1, at: 2) == 1 ? 1 : -1) }

  func q2_0(_ i: Int) -> Double { float16(0) * Double(code(i, width: 2, at: 2) - 1) }

  func q4_0(_ i: Int) -> Double { float16(0) * Double(planar(i, width: 4, plane: 16, at: 2) - 8) }

  func q4_1(_ i: Int) -> Double { rounded(float16(0) * Double(planar(i, width: 4, plane: 16, at: 4)) + float16(2)) }

  func q5_0(_ i: Int) -> Double { float16(0) * Double(fiveBits(i, at: 2) - 16) }

  func q5_1(_ i: Int) -> Double { rounded(float16(0) * Double(fiveBits(i, at: 4)) + float16(2)) }

  private func fiveBits(_ i: Int, at offset: Int) -> Int {
    planar(i, width: 4, plane: 16, at: offset + 4) | code(i, width: 1, at: offset) << 4
  }

  func q8_0(_ i: Int) -> Double { float16(0) * Double(Int8(truncatingIfNeeded: self[2 + i])) }

  func iq4_nl(_ i: Int) -> Double { float16(0) * Self.unevenLevels[planar(i, width: 4, plane: 16, at: 2)] }

  /// The integers that the codes of iq4_nl and iq4_xs choose: close together near zero.
  static let unevenLevels: [Double] = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113]

  /// Rounded because the largest exponents leave the range of binary32.
  func mxfp4(_ i: Int) -> Double {
    rounded(Double(sign: .plus, exponent: self[0] - 127, significand: e2m1(planar(i, width: 4, plane: 16, at: 1))))
  }

  func nvfp4(_ i: Int) -> Double {
    e4m3(self[i / 16]) * e2m1(planar(i, width: 4, plane: 8, at: 4))
  }

  /// Two bits of exponent with bias 1, one bit of significand, below the sign; both zeros are positive.
  private func e2m1(_ code: Int) -> Double {
    let magnitude = [0, 0.5, 1, 1.5, 2, 3, 4, 6][code & 7]
    return code > 8 ? -magnitude : magnitude
  }

  /// Four bits of exponent with bias 7, three bits of significand; the sign is ignored. What is not a number without it is
  /// zero.
  private func e4m3(_ byte: Int) -> Double {
    let exponent = byte >> 3 & 15, fraction = Double(byte & 7) / 8
    if byte == 0x7f { return 0 }
    return exponent == 0
      ? Double(sign: .plus, exponent: -6, significand: fraction)
      : Double(sign: .plus, exponent: exponent - 7, significand: 1 + fraction)
  }

  func tq1_0(_ i: Int) -> Double {
    // Where each part of the elements begins, and its bytes.
    let (first, offset, plane) = i < 160 ? (0, 0, 32) : i < 240 ? (160, 32, 16) : (240, 48, 4)
    let power = [3, 9, 27, 81, 243][(i - first) / plane]
    let digit = self[offset + (i - first) % plane] * power / 256 % 3
    return float16(52) * Double(digit - 1)
  }

  func tq2_0(_ i: Int) -> Double { float16(64) * Double(planar(i, width: 2, plane: 32, at: 0) - 1) }
}
