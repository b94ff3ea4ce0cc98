/// Codes of any width from 1 to 8 bits; neighbouring elements of a row share a scale.
///
/// A tensor of `rows` × `columns` is one run of bytes of sections, each at a multiple of 16 bytes:
/// 1. codes: per row, a string of `bits`-bit unsigned integers, least significant bit first in little-endian 32-bit words,
///    so that 32 codes are exactly `bits` words. The layout of MLX's quantized safetensors.
/// 2. scales: per row, one number per group.
/// 3. with `.bias`, offsets: likewise.
///
/// The value of code q is scale · q + bias, each operation rounded to binary32, or in a symmetric format scale · (q − 2^(bits − 1)); with one bit
/// scale · (2q − 1), because half of the codes of the other would be zero.
public struct GroupFormat: Hashable, Sendable {
  /// What is added to the scaled codes.
  public enum Offset: String, CaseIterable, Hashable, Sendable {
    /// Nothing: the codes lie around zero.
    case symmetric
    /// A number per group, in the format of the scales.
    case bias = "asym"
  }

  /// The format of scales and offsets.
  public enum Scale: String, CaseIterable, Hashable, Sendable {
    case f16
    case bf16
    case f32

    public var byteCount: Int { self == .f32 ? 4 : 2 }
  }

  /// 1 to 8.
  public let bits: Int
  /// Elements of a group, a multiple of 32; nil for whole rows.
  public let group: Int?
  public let offset: Offset
  public let scale: Scale

  /// - Returns: nil for an impossible width or group.
  public init?(bits: Int, group: Int?, offset: Offset = .symmetric, scale: Scale = .f16) {
    guard 1...8 ~= bits, group.map({ $0 > 0 && $0 % 32 == 0 }) ?? true else { return nil }
    self.bits = bits
    self.group = group
    self.offset = offset
    self.scale = scale
  }

  /// As users write it: `g4:64`, `g3:128:asym`, `g2:row:asym:f32`; scales are f16 unless it says otherwise.
  public init?(name: some StringProtocol) {
    let parts = name.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count >= 2, parts[0].first == "g", let bits = Int(parts[0].dropFirst()) else { return nil }
    var offset = Offset.symmetric, scale = Scale.f16
    var rest = parts.dropFirst(2)
    if rest.first == "asym" {
      offset = .bias
      rest = rest.dropFirst()
    }
    if let last = rest.first {
      guard let named = Scale(rawValue: String(last)) else { return nil }
      scale = named
      rest = rest.dropFirst()
    }
    guard rest.isEmpty else { return nil }
    let group = Int(parts[1])
    guard group != nil || parts[1] == "row" else { return nil }
    self.init(bits: bits, group: group, offset: offset, scale: scale)
    // One name for each format.
    guard self.name == name else { return nil }
  }

  public var name: String {
    "g\(bits):" + (group.map(String.init) ?? "row") + (offset == .bias ? ":asym" : "")
      + (scale == .f16 ? "" : ":\(scale.rawValue)")
  }

  /// What is subtracted from the codes of a symmetric format, after they are multiplied by `step`.
  public var zero: Int { offset == .bias ? 0 : bits == 1 ? 1 : 1 << (bits - 1) }

  /// What codes are multiplied by before anything else.
  public var step: Int { offset == .symmetric && bits == 1 ? 2 : 1 }

  /// Groups of a row of `columns` elements.
  public func groups(columns: Int) -> Int { columns / (group ?? columns) }

  /// The sections of a tensor in order, with where each begins; nil if the columns are no whole number of groups or the
  /// size overflows.
  public func sections(rows: Int, columns: Int) -> TensorSections? {
    guard rows >= 0, columns > 0, columns % 32 == 0, columns % (group ?? columns) == 0 else { return nil }
    let numbers = groups(columns: columns) * scale.byteCount
    return TensorSections(
      rows: rows,
      rowBytes: [columns / 32 * bits * 4, numbers] + (offset == .bias ? [numbers] : []))
  }
}
