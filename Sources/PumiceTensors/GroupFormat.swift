/// Codes of any width from 1 to 8 bits; neighbouring elements of a row share a scale.
///
/// Sections:
/// 1. codes: per row, a string of `bits`-bit unsigned integers, least significant bit first in little-endian 32-bit words,
///    so that 32 codes are exactly `bits` words. The layout of MLX's quantized safetensors.
/// 2. scales: per row, one number per group.
/// 3. with `.bias`, offsets: likewise.
///
/// The value of code q is scale · q + bias, each operation rounded to binary32, or in a symmetric format
/// scale · (q − 2^(bits − 1)); with one bit scale · (2q − 1), because half of the codes of the other would be zero.
public struct GroupFormat: SectionedFormat {
  /// What is added to the scaled codes.
  public enum Offset: String, CaseIterable, Hashable, Sendable {
    /// Nothing: the codes lie around zero.
    case symmetric
    /// A number per group, in the format of the scales.
    case bias = "asym"
  }

  /// 1 to 8.
  public let bits: Int
  /// Elements of a group, a multiple of 32; nil for whole rows.
  public let group: Int?
  public let offset: Offset
  public let scale: NumberFormat

  /// - Returns: nil for an impossible width or group.
  public init?(bits: Int, group: Int?, offset: Offset = .symmetric, scale: NumberFormat = .f16) {
    guard 1...8 ~= bits, group.map({ $0 > 0 && $0 % 32 == 0 }) ?? true else { return nil }
    self.bits = bits
    self.group = group
    self.offset = offset
    self.scale = scale
  }

  /// `g4:64`, `g3:128:asym`, `g2:row:asym:f32`; scales are f16 unless it says otherwise.
  init?(name: FormatName) {
    guard let bits = name.number(after: "g"), let group = name.group() else { return nil }
    let offset: Offset = name.take("asym") ? .bias : .symmetric
    self.init(bits: bits, group: group.length, offset: offset, scale: name.number() ?? .f16)
  }

  public var name: String {
    "g\(bits):" + (group.map(String.init) ?? "row") + (offset == .bias ? ":asym" : "")
      + (scale == .f16 ? "" : ":\(scale.rawValue)")
  }

  public var rowMultiple: Int { group ?? 32 }

  public var bitsPerElement: Double {
    Double(bits) + (group.map { Double((offset == .bias ? 16 : 8) * scale.byteCount) / Double($0) } ?? 0)
  }

  /// What is subtracted from the codes of a symmetric format, after they are multiplied by `step`.
  public var zero: Int { offset == .bias ? 0 : bits == 1 ? 1 : 1 << (bits - 1) }

  /// What codes are multiplied by before anything else.
  public var step: Int { offset == .symmetric && bits == 1 ? 2 : 1 }

  /// Groups of a row of `columns` elements.
  public func groups(columns: Int) -> Int { columns / (group ?? columns) }

  public func sections(rows: Int, columns: Int) -> TensorSections? {
    guard columns > 0, columns % rowMultiple == 0 else { return nil }
    let numbers = [rows, groups(columns: columns), scale.byteCount]
    return TensorSections([[rows, columns / 32, 4 * bits], numbers] + (offset == .bias ? [numbers] : []))
  }
}
