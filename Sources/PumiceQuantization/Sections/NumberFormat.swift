import PumiceTensors

extension NumberFormat {
  /// The number of this format that is nearest; infinite if none is large enough.
  func nearest(_ value: Float) -> Float {
    switch self {
    case .f16: half(value)
    case .bf16: Float(bitPattern: (value.bitPattern &+ 0x7fff &+ (value.bitPattern >> 16 & 1)) & 0xffff_0000)
    case .f32: value
    }
  }

  /// The bytes of a number of this format, little-endian.
  func bytes(_ value: Float) -> [UInt8] {
    let pattern: UInt32 =
      switch self {
      case .f16: UInt32(Float16(value).bitPattern)
      case .bf16: value.bitPattern >> 16
      case .f32: value.bitPattern
      }
    return (0..<byteCount).map { UInt8(truncatingIfNeeded: pattern >> UInt32(8 * $0)) }
  }

  /// What bytes stand for.
  func value(_ bytes: ArraySlice<UInt8>) -> Float {
    let pattern = bytes.reversed().reduce(0 as UInt32) { $0 << 8 | UInt32($1) }
    return switch self {
    case .f16: Float(Float16(bitPattern: UInt16(pattern)))
    case .bf16: Float(bitPattern: pattern << 16)
    case .f32: Float(bitPattern: pattern)
    }
  }
}
