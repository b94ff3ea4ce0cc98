import PumiceTensors

/// Codes of 1 to 8 bits with a scale per row (per token), from the row itself: x[r, i] ≈ scale[r] · (codes[r, i] − zero[r]).
///
/// Symmetric: scale = max|x| / (2ᵇ⁻¹ − 1), there is no zero point, and codes are −(2ᵇ⁻¹ − 1) … 2ᵇ⁻¹ − 1. Asymmetric: scale
/// = (max − min) / (2ᵇ − 1) with 0 in the range, zero = −2ᵇ⁻¹ + round(−min / scale), and codes are −2ᵇ⁻¹ … 2ᵇ⁻¹ − 1. In both
/// code = round(x / scale) + zero, to nearest with ties to even, within those limits, in two's complement. (Zeng et al.
/// 2024, "ABQ-LLM", quantizes activations so; its unsigned codes are ours plus 2ᵇ⁻¹.)
///
/// Rows of codes are whole 32-bit words; codes past the width are 0. Rows without a number of size 2⁻¹⁰⁰ or more have the
/// scale 0 and codes equal to the zero point. x must be finite, and max − min as well.
public struct QuantizeActivations: Operator {
  public static let name = OperatorName.quantizeActivations

  public var rows: Int
  public var width: Int
  public var bits: Int
  public var symmetric: Bool

  public init(rows: Int, width: Int, bits: Int, symmetric: Bool) {
    self.rows = rows
    self.width = width
    self.bits = bits
    self.symmetric = symmetric
  }

  /// The size that a row's largest number must have.
  public static let smallest: Float = 0x1p-100

  /// Steps that the range of a row is parted into: half of the range where it is symmetric.
  public var levels: Int { symmetric ? (1 << (bits - 1)) - 1 : (1 << bits) - 1 }
  /// The least and the greatest code.
  public var codes: ClosedRange<Int> {
    let half = 1 << (bits - 1)
    return (symmetric ? 1 - half : -half)...half - 1
  }

  public var arguments: [Argument] {
    let list: [Argument] = [
      .input("x", [rows, width]), .output("codes", [rows, codeLength(width)], .i8), .output("scale", [rows]),
    ]
    return symmetric ? list : list + [.output("zero", [rows], .i32)]
  }
  public var flops: Double { 4 * Double(rows) * Double(width) }

  public func validate() throws(OperatorError) {
    try requireSizes(["rows": rows, "width": width])
    try require(1...8 ~= bits, "\(bits) bits; there are 1 to 8")
    try require(!symmetric || bits > 1, "one bit has no symmetric codes but 0; asymmetric codes may have one bit")
    try require(rows * codeLength(width) <= Int(UInt32.max), "rows·width is more than 32-bit indices reach")
  }

  public var description: String {
    "quantize_activations(\(bits) bits \(symmetric ? "symmetric" : "asymmetric"), \(rows)×\(width))"
  }
}
