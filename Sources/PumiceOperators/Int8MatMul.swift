public import PumiceTensors

/// y[j, i] = Σ_k x[j, k] · w[i, k], exactly, for 8-bit signed codes of activations; scaled, y is f32, times x_scale[j] ·
/// w_scale[i].
///
/// With dual grained weights this is the W4A8 product of DGQ: the scale of a row is stored with its weights.
///
/// Rows of 8-bit codes are whole 32-bit words; past k they must be 0.
public struct Int8MatMul: Operator {
  public static let name = OperatorName.int8MatMul

  /// How the 8-bit weights are stored.
  public enum Weight: Hashable, Codable, Sendable {
    /// As they are.
    case int8
    /// As the stored bytes of a tensor in `DualGrainedFormat`: w = (q − z) · r, with a zero point z, 0 … 15, and a ratio r
    /// for every group along k (Zhang et al. 2023, "Dual Grained Quantization"). An encoder keeps w within −127 … 127, and
    /// so sums within 32 bits.
    case dualGrained(group: Int)
  }

  public var m: Int
  public var n: Int
  public var k: Int
  public var weight: Weight
  /// Whether y is f32, scaled; otherwise i32.
  public var scaled: Bool

  public init(m: Int, n: Int, k: Int, weight: Weight, scaled: Bool = false) {
    self.m = m
    self.n = n
    self.k = k
    self.weight = weight
    self.scaled = scaled
  }

  public var arguments: [Argument] {
    let stored: Argument =
      switch weight {
      case .int8: .input("weight", [m, codeLength(k)], .i8)
      case .dualGrained: .input("weight", [weightSections?.byteCount ?? 0], .i8)
      }
    var list = [stored, .input("x", [n, codeLength(k)], .i8), .output("y", [n, m], scaled ? .f32 : .i32)]
    if scaled {
      if weight == .int8 { list.append(.input("w_scale", [m])) }
      list.append(.input("x_scale", [n]))
    }
    return list
  }
  /// The sections of dual grained weights: codes, ratios, zero points, scales of the rows; nil for others, and where they
  /// do not fit the format.
  public var weightSections: TensorSections? {
    guard case .dualGrained(let group) = weight else { return nil }
    return DualGrainedFormat(group: group)?.sections(rows: m, columns: k)
  }
  public var flops: Double { 2 * Double(m) * Double(n) * Double(k) }

  public func validate() throws(OperatorError) {
    try requireSizes(["m": m, "n": n, "k": k])
    if case .dualGrained(let group) = weight {
      try require(weightSections != nil, "groups of \(group) are no multiple of 32 that divides k, \(k)")
    }
    try require(k * 128 * 128 <= Int(Int32.max), "\(k) products of up to 128·128 do not sum in 32 bits")
    try require(
      m * codeLength(k) <= Int(UInt32.max) && n * codeLength(k) <= Int(UInt32.max) && n * m <= Int(UInt32.max),
      "a tensor is larger than 32-bit indices reach")
  }

  public var description: String {
    let format =
      switch weight {
      case .int8: "int8"
      case .dualGrained(let group): "dgq:\(group)"
      }
    return "int8_matmul(\(format), m=\(m), k=\(k), n=\(n)\(scaled ? ", scaled" : ""))"
  }
}
