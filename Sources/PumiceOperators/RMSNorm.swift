import PumiceTensors

/// y[r, i] = x[r, i] · gain[i] / √(mean_j x[r, j]² + ε) (Zhang & Sennrich 2019).
///
/// With `addsResidual`, x[r, i] ← x[r, i] + addend[r, i] first, in place: the residual stream of a transformer.
public struct RMSNorm: Operator {
  public static let name = OperatorName.rmsNorm

  public var rows: Int
  public var width: Int
  public var epsilon: Float
  public var addsResidual: Bool

  public init(rows: Int, width: Int, epsilon: Float, addsResidual: Bool = false) {
    self.rows = rows
    self.width = width
    self.epsilon = epsilon
    self.addsResidual = addsResidual
  }

  public var arguments: [Argument] {
    var list: [Argument] = []
    if addsResidual {
      list += [.inout("x", [rows, width]), .input("addend", [rows, width])]
    } else {
      list.append(.input("x", [rows, width]))
    }
    return list + [.input("gain", [width]), .output("y", [rows, width])]
  }
  public var flops: Double { Double(rows) * Double(width) * (addsResidual ? 5 : 4) }

  public func validate() throws(OperatorError) {
    try requireSizes(["rows": rows, "width": width])
    try require(epsilon >= 0 && epsilon.isFinite, "epsilon \(epsilon) is not a finite number ≥ 0")
    try require(rows * width <= Int(UInt32.max), "rows·width is more than 32-bit indices reach")
  }

  public var description: String { "rms_norm(\(rows)×\(width), ε=\(epsilon)\(addsResidual ? ", residual" : ""))" }
}
