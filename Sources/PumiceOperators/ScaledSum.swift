import PumiceTensors

/// y[r, i] = scale · x[r, i] (· row_gain[r]) (· gain[i]) (+ addendScale · z), elementwise, and kept within a `range`.
///
/// The scales of embeddings, residuals and logits; parallel residuals; learned positions (an `EmbeddingGather` and this);
/// biases of columns; the gate of a shared expert or of a head (a row is then a head).
public struct ScaledSum: Operator {
  public static let name = OperatorName.scaledSum

  /// What is added.
  public enum Addend: String, CaseIterable, Codable, Hashable, Sendable {
    case none
    /// z[r, i].
    case tensor
    /// z[i], the same in every row.
    case row
  }

  /// What becomes of large numbers.
  public enum Range: Codable, Hashable, Sendable {
    case all
    /// c · tanh(y / c) (Gemma 2); c is greater than 0.
    case softCap(Float)
    /// y between −c and c (MPT); c is greater than 0.
    case clamp(Float)
  }

  public var rows: Int
  public var width: Int
  public var scale: Float
  public var addend: Addend
  public var addendScale: Float
  public var rowGain: Bool
  public var gain: Bool
  public var range: Range
  /// Whether the result takes the place of x.
  public var inPlace: Bool

  public init(
    rows: Int, width: Int, scale: Float = 1, addend: Addend = .none, addendScale: Float = 1, rowGain: Bool = false,
    gain: Bool = false, range: Range = .all, inPlace: Bool = false
  ) {
    self.rows = rows
    self.width = width
    self.scale = scale
    self.addend = addend
    self.addendScale = addendScale
    self.rowGain = rowGain
    self.gain = gain
    self.range = range
    self.inPlace = inPlace
  }

  public var arguments: [Argument] {
    var list: [Argument] = [inPlace ? .inout("x", [rows, width]) : .input("x", [rows, width])]
    if rowGain { list.append(.input("row_gain", [rows])) }
    if gain { list.append(.input("gain", [width])) }
    switch addend {
    case .none: break
    case .tensor: list.append(.input("z", [rows, width]))
    case .row: list.append(.input("z", [width]))
    }
    return inPlace ? list : list + [.output("y", [rows, width])]
  }
  public var flops: Double {
    let perElement = 1 + (rowGain ? 1 : 0) + (gain ? 1 : 0) + (addend == .none ? 0 : 2) + (range == .all ? 0 : 2)
    return Double(rows) * Double(width) * Double(perElement)
  }

  public func validate() throws(OperatorError) {
    try requireSizes(["rows": rows, "width": width])
    try require(scale.isFinite && addendScale.isFinite, "scales \(scale) and \(addendScale) are not both finite")
    switch range {
    case .all: break
    case .softCap(let c), .clamp(let c): try require(c > 0 && c.isFinite, "range \(c) is not a finite number > 0")
    }
    try require(rows * width <= Int(UInt32.max), "rows·width is more than 32-bit indices reach")
  }

  public var description: String {
    var parts = ["\(rows)×\(width)", "\(scale)"]
    if rowGain { parts.append("row gain") }
    if gain { parts.append("gain") }
    if addend != .none { parts.append("\(addendScale) of \(addend.rawValue)") }
    switch range {
    case .all: break
    case .softCap(let c): parts.append("cap \(c)")
    case .clamp(let c): parts.append("within \(c)")
    }
    if inPlace { parts.append("in place") }
    return "scaled_sum(\(parts.joined(separator: ", ")))"
  }
}
