import PumiceTensors

/// y[r, i] = (x[r, i] − μ) / √(mean_j (x[r, j] − μ)² + ε) (· gain[i]) (+ bias[i]), μ = mean_j x[r, j] (Ba et al. 2016).
///
/// With `gains` G there are G rows of gains and of biases, and row r uses number r mod G: heads that have their own.
///
/// With `addsResidual`, x[r, i] ← x[r, i] + addend[r, i] first, in place: the residual stream of a transformer.
public struct LayerNorm: Operator {
  public static let name = OperatorName.layerNorm

  public var rows: Int
  public var width: Int
  public var epsilon: Float
  public var gain: Bool
  public var bias: Bool
  public var addsResidual: Bool
  /// Rows of the gain and of the bias.
  public var gains: Int

  public init(
    rows: Int, width: Int, epsilon: Float, gain: Bool = true, bias: Bool = true, addsResidual: Bool = false,
    gains: Int = 1
  ) {
    self.rows = rows
    self.width = width
    self.epsilon = epsilon
    self.gain = gain
    self.bias = bias
    self.addsResidual = addsResidual
    self.gains = gains
  }

  public var arguments: [Argument] {
    var list: [Argument] = [addsResidual ? .inout("x", [rows, width]) : .input("x", [rows, width])]
    if addsResidual { list.append(.input("addend", [rows, width])) }
    if gain { list.append(.input("gain", [gains, width])) }
    if bias { list.append(.input("bias", [gains, width])) }
    return list + [.output("y", [rows, width])]
  }
  public var flops: Double { Double(rows) * Double(width) * (addsResidual ? 8 : 7) }

  public func validate() throws(OperatorError) {
    try requireSizes(["rows": rows, "width": width, "gains": gains])
    try require(epsilon >= 0 && epsilon.isFinite, "epsilon \(epsilon) is not a finite number ≥ 0")
    try require(rows * width <= Int(UInt32.max), "rows·width is more than 32-bit indices reach")
  }

  public var description: String {
    let parts =
      (gains == 1 ? "" : ", \(gains) rows of") + (gain ? ", gain" : "") + (bias ? ", bias" : "")
      + (addsResidual ? ", residual" : "")
    return "layer_norm(\(rows)×\(width), ε=\(epsilon)\(parts))"
  }
}
