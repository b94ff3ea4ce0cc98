import PumiceTensors

/// y[r, i] = x[r, i] · gain[i] / √(mean_j x[r, j]² + ε) (Zhang & Sennrich 2019).
///
/// With `gains` G there are G rows of gains, and row r uses number r mod G: heads that have a gain each.
///
/// With `addsResidual`, x[r, i] ← x[r, i] + addend[r, i] first, in place: the residual stream of a transformer.
///
/// With `codeBits`, b of them, y is written as codes: rounded to nearest, ties to even, and kept within −2ᵇ⁻¹ … 2ᵇ⁻¹ − 1.
/// A gain of γ[i] / s[i] so makes codes with the step s[i] for channel i and no further pass (Wang et al. 2025,
/// "MergeQuant"); where the steps are powers of two they are, bit for bit, the norm divided and rounded. Rows of codes are
/// whole 32-bit words; codes past the width are 0.
public struct RMSNorm: Operator {
  public static let name = OperatorName.rmsNorm

  public var rows: Int
  public var width: Int
  public var epsilon: Float
  public var addsResidual: Bool
  /// Rows of the gain.
  public var gains: Int
  /// 1 to 8; nil for numbers in f32.
  public var codeBits: Int?

  public init(rows: Int, width: Int, epsilon: Float, addsResidual: Bool = false, gains: Int = 1, codeBits: Int? = nil) {
    self.rows = rows
    self.width = width
    self.epsilon = epsilon
    self.addsResidual = addsResidual
    self.gains = gains
    self.codeBits = codeBits
  }

  public var arguments: [Argument] {
    var list: [Argument] = []
    if addsResidual {
      list += [.inout("x", [rows, width]), .input("addend", [rows, width])]
    } else {
      list.append(.input("x", [rows, width]))
    }
    let output: Argument =
      codeBits == nil ? .output("y", [rows, width]) : .output("codes", [rows, codeLength(width)], .i8)
    return list + [.input("gain", [gains, width]), output]
  }
  /// The least and the greatest code; nil without codes.
  public var codes: ClosedRange<Int>? { codeBits.map { -(1 << ($0 - 1))...(1 << ($0 - 1)) - 1 } }
  public var flops: Double { Double(rows) * Double(width) * (addsResidual ? 5 : 4) }

  public func validate() throws(OperatorError) {
    try requireSizes(["rows": rows, "width": width, "gains": gains])
    try require(epsilon >= 0 && epsilon.isFinite, "epsilon \(epsilon) is not a finite number ≥ 0")
    if let codeBits { try require(1...8 ~= codeBits, "codes of \(codeBits) bits; there are 1 to 8") }
    try require(rows * width <= Int(UInt32.max), "rows·width is more than 32-bit indices reach")
  }

  public var description: String {
    let codes = codeBits.map { ", \($0)-bit codes" } ?? ""
    let several = gains == 1 ? "" : ", \(gains) gains"
    return "rms_norm(\(rows)×\(width), ε=\(epsilon)\(several)\(addsResidual ? ", residual" : "")\(codes))"
  }
}
