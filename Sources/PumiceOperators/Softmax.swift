import PumiceTensors

/// y[r, i] = exp(scale · x[r, i] − max) / Σ_j exp(scale · x[r, j] − max). A row of −∞ alone gives zeros.
public struct Softmax: Operator {
  public static let name = OperatorName.softmax

  public var rows: Int
  public var width: Int
  /// The inverse of the temperature.
  public var scale: Float

  public init(rows: Int, width: Int, scale: Float = 1) {
    self.rows = rows
    self.width = width
    self.scale = scale
  }

  public var arguments: [Argument] { [.input("x", [rows, width]), .output("y", [rows, width])] }
  public var flops: Double { 5 * Double(rows) * Double(width) }

  public func validate() throws(OperatorError) {
    try requireSizes(["rows": rows, "width": width])
    try require(scale.isFinite && scale > 0, "scale \(scale) is not a finite number above 0")
    try require(rows * width <= Int(UInt32.max), "rows·width is more than 32-bit indices reach")
  }

  public var description: String { "softmax(\(rows)×\(width), scale \(scale))" }
}
