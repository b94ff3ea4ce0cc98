/// GGUF's block formats: a block of neighbouring elements of a row is one run of bytes with its own scales.
///
/// The raw values are the names of GGUF's tensor types in lower case. Fields are listed in the order in which they are
/// stored; "bits, low first" are strings of bits in little-endian words, least significant first. A field of codes with
/// planes of n bytes holds element i in byte i mod n, at bit (i / n) · (bits of a code): neighbours are in neighbouring
/// bytes. Source of the layouts: the GGUF specification and the block structures of ggml.
public enum BlockFormat: String, CaseIterable, Hashable, Sendable {
  // MARK: One scale

  /// Blocks of 128: an f16 scale d, then 128 bits, low first; the value is d for a set bit and −d for another.
  case q1_0
  /// Blocks of 64: an f16 scale d, then 64 codes q of two bits, low first; the value is d · (q − 1).
  case q2_0
  /// Blocks of 32: an f16 scale d, then codes q of four bits in planes of 16 bytes; the value is d · (q − 8).
  case q4_0
  /// Blocks of 32: f16 numbers d and m, then codes q as in q4_0; the value is d · q + m.
  case q4_1
  /// Blocks of 32: an f16 scale d, the fifth bits of the codes q, low first, then their other four as in q4_0; the value
  /// is d · (q − 16).
  case q5_0
  /// Blocks of 32: f16 numbers d and m, then codes q as in q5_0; the value is d · q + m.
  case q5_1
  /// Blocks of 32: an f16 scale d, then 32 signed bytes q; the value is d · q.
  case q8_0
  /// Blocks of 32: as q4_0, but the codes choose one of 16 integers from −127 to 113; the value is d times that.
  case iq4_nl
  /// Blocks of 32: the byte e, then codes of e2m1 (sign, two bits of exponent, one of significand) in planes of 16 bytes;
  /// the value is 2^(e − 127) times the code's. The MXFP4 of the Open Compute Project.
  case mxfp4
  /// Blocks of 64: four scales in e4m3 without sign, one for each 16 elements, then for each 16 elements codes of e2m1 in
  /// planes of 8 bytes; the value is scale · code. A scale's sign bit is ignored; the bits 0x7f, not a number, are zero.
  case nvfp4

  // MARK: Ternary

  /// Blocks of 256: codes q from 0 to 2, five in a byte b as the digits ⌊3^i b / 256⌋ mod 3 with i from 1 to 5: 32 bytes
  /// for elements 0 to 159 (byte 0 has 0, 32, 64, 96, 128), 16 for 160 to 239, 4 of four digits for 240 to 255; then an
  /// f16 scale d. The value is d · (q − 1).
  case tq1_0
  /// Blocks of 256: codes q of two bits in planes of 32 bytes for each 128 elements, then an f16 scale d; the value is
  /// d · (q − 1).
  case tq2_0

  // MARK: Two levels of scales

  /// Blocks of 256: for each 16 elements a byte with a scale s (low half) and an offset o (high half), then codes q of two
  /// bits in planes of 32 bytes for each 128 elements, then f16 numbers d and m; the value is d · s · q − m · o.
  case q2_K = "q2_k"
  /// Blocks of 256: the third bits of the codes q in planes of 32 bytes, their other two as in q2_K, 16 scales s of six
  /// bits in 12 bytes (the low four in planes of 8 bytes, then the high two in planes of 4), then an f16 scale d; the value
  /// is d · (s − 32) · (q − 4).
  case q3_K = "q3_k"
  /// Blocks of 256: f16 numbers d and m, for each 32 elements a scale s and an offset o of six bits, then codes q of four
  /// bits in planes of 32 bytes for each 64 elements; the value is d · s · q − m · o. Of the 12 bytes of scales and
  /// offsets, 0–3 and 4–7 hold in their low six bits the first four scales and offsets; 8–11 the low four bits of the other
  /// scales (low half) and offsets (high half), whose two high bits are those of bytes 0–3 and 4–7.
  case q4_K = "q4_k"
  /// Blocks of 256: as q4_K, with the fifth bits of the codes in planes of 32 bytes between the scales and the other bits.
  case q5_K = "q5_k"
  /// Blocks of 256: codes q of six bits, the low four in planes of 64 bytes for each 128 elements, then the high two in
  /// planes of 32 bytes for each 128 elements, for each 16 elements a signed byte s, and an f16 scale d; the value is
  /// d · s · (q − 32).
  case q6_K = "q6_k"
  /// Blocks of 256: an f16 scale d, for each 32 elements six bits s (a 16-bit word has the high two, low first, then
  /// 4 bytes have the low four, low first), then codes as in iq4_nl in planes of 16 bytes for each 32 elements; the value
  /// is d · (s − 32) times the chosen integer.
  case iq4_xs

  // MARK: Points of a lattice
  // Each code chooses a row of a table of magnitudes. Seven sign bits stand for eight: the last makes their number even.

  /// Blocks of 256: an f16 scale d, then for each 32 elements four bytes, each a row of eight magnitudes, and 32 bits: four
  /// times seven sign bits, then four bits s; the value is d · (s + ½) / 4 · magnitude.
  case iq2_xxs
  /// Blocks of 256: an f16 scale d, for each 8 elements 16 bits (nine choose a row of eight magnitudes, seven are signs),
  /// then for each 16 elements four bits s, low first; the value is d · (s + ½) / 4 · magnitude.
  case iq2_xs
  /// Blocks of 256: an f16 scale d, for each 8 elements a byte, the low bits of a row of eight magnitudes, and a byte of
  /// signs (all rows, then all signs), the two high bits of the rows, low first, then scales as in iq2_xs.
  case iq2_s
  /// Blocks of 256: an f16 scale d, for each 4 elements a byte, a row of four magnitudes, then for each 32 elements 32 bits:
  /// four times seven sign bits, then four bits s; the value is d · (s + ½) / 2 · magnitude.
  case iq3_xxs
  /// Blocks of 256: an f16 scale d, for each 4 elements a byte, the low bits of a row of four magnitudes, the high bits of
  /// the rows, low first, 256 sign bits, low first, then for each 32 elements four bits s, low first; the value is
  /// d · (2s + 1) · magnitude.
  case iq3_s
  /// Blocks of 256: an f16 scale d, for each 8 elements a byte, the low bits of a row of eight numbers −1, 0 or 1, then for
  /// each 32 elements 16 bits: three high bits for each of the four rows, three bits s, and a sign; the value is
  /// d · (2s + 1) · (number ± ⅛).
  case iq1_s
  /// Blocks of 256: for each 8 elements a byte, the low bits of a row as in iq1_s, and four bits, low first: three high
  /// bits of the row and a sign; then for each 64 elements 16 bits: four times three bits s, one for each 16 elements, and
  /// four bits of the f16 scale d, low first; the value is d · (2s + 1) · (number ± ⅛).
  case iq1_m

  /// Elements of a block.
  public var length: Int { layout.length }

  /// Bytes of a block.
  public var byteCount: Int { layout.bytes }

  /// Where a block has numbers in f16, in bytes from its start. The scale of iq1_m lies in four places and is none of these;
  /// those of mxfp4 and nvfp4 are other formats.
  public var halfOffsets: [Int] {
    switch self {
    case .q1_0, .q2_0, .q4_0, .q5_0, .q8_0, .iq4_nl, .iq4_xs, .iq2_xxs, .iq2_xs, .iq2_s, .iq3_xxs, .iq3_s, .iq1_s: [0]
    case .q4_1, .q5_1, .q4_K, .q5_K: [0, 2]
    case .q2_K: [80, 82]
    case .q3_K: [108]
    case .q6_K: [208]
    case .tq1_0: [52]
    case .tq2_0: [64]
    case .iq1_m, .mxfp4, .nvfp4: []
    }
  }

  /// The first block whose scale is infinite or no number; nil if there is none.
  ///
  /// - Precondition: `bytes` are whole blocks.
  public func firstBadBlock(_ bytes: UnsafeRawBufferPointer) -> Int? {
    // Plain loops: every byte of a model goes through here.
    let size = byteCount
    func first(_ isBad: (_ start: Int) -> Bool) -> Int? {
      var start = 0
      while start < bytes.count {
        if isBad(start) { return start / size }
        start += size
      }
      return nil
    }
    switch self {
    // The exponent is in the third and the fourth of the four places.
    case .iq1_m: return first { bytes[$0 + 53] >> 6 == 3 && bytes[$0 + 55] >> 4 & 7 == 7 }
    case .mxfp4: return first { bytes[$0] == 255 }
    default:
      return halfOffsets.compactMap { offset in
        first { bytes.loadUnaligned(fromByteOffset: $0 + offset, as: UInt16.self) & 0x7c00 == 0x7c00 }
      }.min()
    }
  }

  private var layout: (length: Int, bytes: Int) {
    switch self {
    case .q1_0: (128, 18)
    case .q2_0: (64, 18)
    case .q4_0, .iq4_nl: (32, 18)
    case .q4_1: (32, 20)
    case .q5_0: (32, 22)
    case .q5_1: (32, 24)
    case .q8_0: (32, 34)
    case .mxfp4: (32, 17)
    case .nvfp4: (64, 36)
    case .tq1_0: (256, 54)
    case .tq2_0, .iq2_xxs: (256, 66)
    case .q2_K: (256, 84)
    case .q3_K, .iq3_s: (256, 110)
    case .q4_K: (256, 144)
    case .q5_K: (256, 176)
    case .q6_K: (256, 210)
    case .iq4_xs: (256, 136)
    case .iq2_xs: (256, 74)
    case .iq2_s: (256, 82)
    case .iq3_xxs: (256, 98)
    case .iq1_s: (256, 50)
    case .iq1_m: (256, 56)
    }
  }
}
