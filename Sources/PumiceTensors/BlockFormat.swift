/// GGUF's block formats: a block of neighbouring elements of a row is one run of bytes with its own scales.
///
/// The raw values are the names of GGUF's tensor types in lower case. Source of the layouts: the GGUF specification and the
/// block structures of ggml.
public enum BlockFormat: String, CaseIterable, Hashable, Sendable {
  /// Blocks of 32: an f16 scale d, then 16 bytes whose low nibbles are elements 0…15 and high nibbles 16…31; the value is
  /// d · (q − 8).
  case q4_0
  /// Blocks of 32: an f16 scale d, then 32 signed bytes q; the value is d · q.
  case q8_0

  /// Elements of a block.
  public var length: Int { layout.length }

  /// Bytes of a block.
  public var byteCount: Int { layout.bytes }

  private var layout: (length: Int, bytes: Int) {
    switch self {
    case .q4_0: (32, 18)
    case .q8_0: (32, 34)
    }
  }
}
