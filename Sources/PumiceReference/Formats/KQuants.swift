// Blocks of 256 elements with two levels of scales: an f16 number for the block times a small integer for each 16 or 32
// elements.

extension StoredBlock {
  func q2_K(_ i: Int) -> Double {
    let scales = self[i / 16]
    let code = planar(i, width: 2, plane: 32, at: 16)
    return rounded(float16(80) * Double((scales & 15) * code) - float16(82) * Double(scales >> 4))
  }

  func q3_K(_ i: Int) -> Double {
    let code = planar(i, width: 2, plane: 32, at: 32) | planar(i, width: 1, plane: 32, at: 0) << 2
    let scale = planar(i / 16, width: 4, plane: 8, at: 96) | planar(i / 16, width: 2, plane: 4, at: 104) << 4
    return float16(108) * Double(scale - 32) * Double(code - 4)
  }

  func q4_K(_ i: Int) -> Double { scaled(planar(i, width: 4, plane: 32, at: 16), i) }

  func q5_K(_ i: Int) -> Double {
    scaled(planar(i, width: 4, plane: 32, at: 48) | planar(i, width: 1, plane: 32, at: 16) << 4, i)
  }

  /// With the numbers and six-bit scales and offsets of q4_K.
  private func scaled(_ code: Int, _ i: Int) -> Double {
    let group = i / 32
    let scale = sixBits(group, at: 4, shift: 0), offset = sixBits(group, at: 8, shift: 4)
    return rounded(float16(0) * Double(scale * code) - float16(2) * Double(offset))
  }

  /// The first four are the low six bits of the bytes from `offset`; the others have their high bits above those, and
  /// their low bits at `shift` of the bytes from 12.
  private func sixBits(_ group: Int, at offset: Int, shift: Int) -> Int {
    group < 4
      ? self[offset + group] & 63
      : self[8 + group] >> shift & 15 | (self[offset + group - 4] >> 6) << 4
  }

  func q6_K(_ i: Int) -> Double {
    let code = planar(i, width: 4, plane: 64, at: 0) | planar(i, width: 2, plane: 32, at: 128) << 4
    let scale = Int(Int8(truncatingIfNeeded: self[192 + i / 16]))
    return float16(208) * Double(scale) * Double(code - 32)
  }

  func iq4_xs(_ i: Int) -> Double {
    let group = i / 32
    let scale = code(group, width: 4, at: 4) | code(group, width: 2, at: 2) << 4
    return float16(0) * Double(scale - 32) * Self.unevenLevels[planar(i, width: 4, plane: 16, at: 8)]
  }
}
