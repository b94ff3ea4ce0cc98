import PumiceTensors

extension BlockFormat {
  /// Appends the elements of the block that begins at byte `offset`.
  func decode(_ bytes: UnsafeRawBufferPointer, at offset: Int, into values: inout [Double]) {
    let block = StoredBlock(bytes: bytes, start: offset)
    for i in 0..<length { values.append(element(i, of: block)) }
  }

  /// Element `i`. Products of scales and codes are exact in binary64 and, without an offset, in binary32; sums are exact in
  /// binary64 and rounded once.
  private func element(_ i: Int, of block: StoredBlock) -> Double {
    switch self {
    case .q1_0: block.q1_0(i)
    case .q2_0: block.q2_0(i)
    case .q4_0: block.q4_0(i)
    case .q4_1: block.q4_1(i)
    case .q5_0: block.q5_0(i)
    case .q5_1: block.q5_1(i)
    case .q8_0: block.q8_0(i)
    case .iq4_nl: block.iq4_nl(i)
    case .mxfp4: block.mxfp4(i)
    case .nvfp4: block.nvfp4(i)
    case .tq1_0: block.tq1_0(i)
    case .tq2_0: block.tq2_0(i)
    case .q2_K: block.q2_K(i)
    case .q3_K: block.q3_K(i)
    case .q4_K: block.q4_K(i)
    case .q5_K: block.q5_K(i)
    case .q6_K: block.q6_K(i)
    case .iq4_xs: block.iq4_xs(i)
    case .iq2_xxs: block.iq2_xxs(i)
    case .iq2_xs: block.iq2_xs(i)
    case .iq2_s: block.iq2_s(i)
    case .iq3_xxs: block.iq3_xxs(i)
    case .iq3_s: block.iq3_s(i)
    case .iq1_s: block.iq1_s(i)
    case .iq1_m: block.iq1_m(i)
    }
  }
}

/// The bytes of one block, and the ways in which codes lie in them. The decoders are in the files of their families.
struct StoredBlock {
  let bytes: UnsafeRawBufferPointer
  let start: Int

  /// The byte `offset` bytes into the block.
  subscript(offset: Int) -> Int { Int(bytes[start + offset]) }

  /// The f16 number at a byte.
  func float16(_ offset: Int) -> Double { bytes.float16(at: start + offset) }

  /// The two bytes at a byte.
  func half(_ offset: Int) -> Int { self[offset] | self[offset + 1] << 8 }

  /// The four bytes at a byte.
  func word(_ offset: Int) -> Int { half(offset) | half(offset + 2) << 16 }

  /// Element `i` of a string of `width`-bit codes, least significant bit first; no code crosses a byte.
  func code(_ i: Int, width: Int, at offset: Int) -> Int {
    self[offset + i * width / 8] >> (i * width % 8) & (1 << width - 1)
  }

  /// Code `i` of `width` bits where neighbours lie in neighbouring bytes: `plane` of them at one place of their bytes, the
  /// next ones above.
  func planar(_ i: Int, width: Int, plane: Int, at offset: Int) -> Int {
    let inside = i % (plane * 8 / width)
    let byte = self[offset + i / (plane * 8 / width) * plane + inside % plane]
    return byte >> (inside / plane * width) & (1 << width - 1)
  }
}

/// The binary32 number next to a binary64 one.
func rounded(_ value: Double) -> Double { Double(Float(value)) }
