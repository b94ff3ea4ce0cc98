/// How the elements of a tensor are stored: plain numbers, or blocks of codes with a scale.
///
/// The names are those of GGUF's tensor types. Blocks run along the last (contiguous) dimension of a row-major tensor
/// and never cross a row. Source of the block layouts: the GGUF specification.
public enum TensorFormat: String, CaseIterable, Codable, Hashable, Sendable {
  /// IEEE 754 binary32.
  case f32
  /// IEEE 754 binary16.
  case f16
  /// 32-bit signed integers: token ids and positions. Never a weight.
  case i32
  /// Blocks of 32: an f16 scale d, then 32 signed bytes q; the value is d · q. 34 bytes.
  case q8_0
  /// Blocks of 32: an f16 scale d, then 16 bytes whose low nibbles are elements 0…15 and high nibbles 16…31; the value is
  /// d · (q − 8). 18 bytes.
  case q4_0

  /// Elements that share one block; 1 for plain numbers.
  public var blockLength: Int {
    switch self {
    case .f32, .f16, .i32: 1
    case .q8_0, .q4_0: 32
    }
  }

  /// Bytes of one block.
  public var blockBytes: Int {
    switch self {
    case .f32, .i32: 4
    case .f16: 2
    case .q8_0: 34
    case .q4_0: 18
    }
  }

  /// Average storage per element, in bits.
  public var bitsPerElement: Double { Double(blockBytes * 8) / Double(blockLength) }

  /// Bytes of `count` contiguous elements, or nil when `count` is not a whole number of blocks or the product overflows.
  public func byteCount(elements count: Int) -> Int? {
    guard count >= 0, count % blockLength == 0 else { return nil }
    let (bytes, overflow) = (count / blockLength).multipliedReportingOverflow(by: blockBytes)
    return overflow ? nil : bytes
  }
}
