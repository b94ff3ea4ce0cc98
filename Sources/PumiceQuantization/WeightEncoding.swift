public import PumiceTensors

/// What weights are encoded in: a format, perhaps with fewer levels than its codes have.
///
/// `g2b:64` is ABQ's W2*: the five levels −2 … 2 times the scale of a group (`BitBalance`). They take three bit planes, so they
/// are stored as the middle codes of the symmetric format of one bit more, here `g3:64`, which is what a reader sees.
public struct WeightEncoding: Hashable, Sendable, CustomStringConvertible {
  /// What is stored.
  public let format: TensorFormat
  /// Whether only the levels −2ⁿ⁻¹ … 2ⁿ⁻¹ are used, with n one less than the format's bits.
  public let isBalanced: Bool

  public init(_ format: TensorFormat) { self.init(format, isBalanced: false) }

  private init(_ format: TensorFormat, isBalanced: Bool) {
    self.format = format
    self.isBalanced = isBalanced
  }

  /// The name of a format, or `g`, 2 to 7, `b` and the rest of a symmetric format of groups: `g2b:64`, `g3b:row`.
  public init?(name: String) {
    if let format = TensorFormat(name: name) {
      self.init(format)
      return
    }
    guard name.hasPrefix("g"), let colon = name.firstIndex(of: ":"), name[..<colon].hasSuffix("b"),
      let bits = Int(name[..<colon].dropFirst().dropLast()), 2...7 ~= bits,
      let format = TensorFormat(name: "g\(bits + 1)\(name[colon...])"), Self.canBalance(format)
    else { return nil }
    self.init(format, isBalanced: true)
    // One name for each.
    if self.name != name { return nil }
  }

  public var name: String {
    guard isBalanced, case .group(let group) = format else { return format.name }
    return "g\(group.bits - 1)b" + format.name.dropFirst("g\(group.bits)".count)
  }

  public var description: String { name }

  static func canBalance(_ format: TensorFormat) -> Bool {
    guard case .group(let group) = format else { return false }
    return group.offset == .symmetric && group.bits >= 3
  }

  /// Encodes whole rows to one run of bytes, as the reference and the kernels take it.
  ///
  /// - Throws: as `SectionEncoder` and `RowEncoder`.
  public func encode(
    _ values: [Float], columns: Int, importance: [Float]? = nil
  ) throws(QuantizationError) -> [UInt8] {
    guard SectionEncoder.supports(format) else {
      return try RowEncoder(format, columns: columns, importance: importance).encode(values)
    }
    let encoder = try SectionEncoder(format, columns: columns, importance: importance, isBalanced: isBalanced)
    return try encoder.encodeTogether(values)
  }
}
