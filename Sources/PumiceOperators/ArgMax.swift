import PumiceTensors

/// index[r] = the least i with x[r, i] = max_j x[r, j]. NaN never wins; a row of NaN alone gives 0.
public struct ArgMax: Operator {
  public static let name = OperatorName.argMax

  public var rows: Int
  public var width: Int

  public init(rows: Int, width: Int) {
    self.rows = rows
    self.width = width
  }

  public var arguments: [Argument] { [.input("x", [rows, width]), .output("index", [rows], .i32)] }
  public var flops: Double { Double(rows) * Double(width) }

  public func validate() throws(OperatorError) {
    try requireSizes(["rows": rows, "width": width])
    try require(rows * width <= Int(UInt32.max), "rows·width is more than 32-bit indices reach")
  }

  public var description: String { "argmax(\(rows)×\(width))" }
}
