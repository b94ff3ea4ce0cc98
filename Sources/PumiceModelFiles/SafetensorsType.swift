public import PumiceTensors

/// The element types that safetensors files name.
///
/// Source: the safetensors format's documentation and its reference implementation.
public enum SafetensorsType: String, CaseIterable, StoredType {
  case bool = "BOOL"
  case u8 = "U8"
  case u16 = "U16"
  case u32 = "U32"
  case u64 = "U64"
  case i8 = "I8"
  case i16 = "I16"
  case i32 = "I32"
  case i64 = "I64"
  case f16 = "F16"
  case bf16 = "BF16"
  case f32 = "F32"
  case f64 = "F64"
  case c64 = "C64"
  case f8_e4m3 = "F8_E4M3"
  case f8_e4m3fnuz = "F8_E4M3FNUZ"
  case f8_e5m2 = "F8_E5M2"
  case f8_e5m2fnuz = "F8_E5M2FNUZ"
  case f8_e8m0 = "F8_E8M0"
  case f6_e2m3 = "F6_E2M3"
  case f6_e3m2 = "F6_E3M2"
  case f4 = "F4"

  /// Bits of one element. A tensor of elements that are no whole bytes must be whole bytes itself.
  public var bits: Int {
    switch self {
    case .f4: 4
    case .f6_e2m3, .f6_e3m2: 6
    case .bool, .u8, .i8, .f8_e4m3, .f8_e4m3fnuz, .f8_e5m2, .f8_e5m2fnuz, .f8_e8m0: 8
    case .u16, .i16, .f16, .bf16: 16
    case .u32, .i32, .f32: 32
    case .u64, .i64, .f64, .c64: 64
    }
  }

  /// The format to compute with, or nil when there is none.
  public var format: TensorFormat? {
    switch self {
    case .f32: .f32
    case .f16: .f16
    case .bf16: .bf16
    case .i32: .i32
    default: nil
    }
  }

  /// The name in the file.
  public var description: String { rawValue }

  /// Bytes of a tensor of that shape; nil for a negative extent, a part of a byte, or when a product overflows.
  public func byteCount(_ shape: Shape) -> Int? {
    var elements = 1
    for extent in shape.dimensions {
      let (product, overflow) = elements.multipliedReportingOverflow(by: extent)
      guard extent >= 0, !overflow else { return nil }
      elements = product
    }
    let (total, overflow) = elements.multipliedReportingOverflow(by: bits)
    return overflow || total % 8 != 0 ? nil : total / 8
  }
}
