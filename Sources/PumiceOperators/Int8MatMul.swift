import PumiceTensors

/// y[j, i] = Σ_k x[j, k] · w[i, k], exactly, for 8-bit signed codes of activations; scaled, y is f32, times x_scale[j] ·
/// w_scale[i].
///
/// Rows of 8-bit codes are whole 32-bit words; past k they must be 0.
public struct Int8MatMul: Operator {
  public static let name = OperatorName.int8MatMul

  /// How the 8-bit weights are stored.
  public enum Weight: Hashable, Codable, Sendable {
    /// As they are.
    case int8
    /// As 4-bit codes q with a zero point z, 0 … 15, and a ratio r for every group of weights along k: w = (q − z) · r
    /// (Zhang et al. 2023, "Dual Grained Quantization"). The encoder keeps w within −127 … 127. Of a word of codes, byte b
    /// holds element b in its low half and element 4 + b in its high half.
    case int4(group: Int)
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
    var list: [Argument] = []
    switch weight {
    case .int8: list.append(.input("weight", [m, codeLength(k)], .i8))
    case .int4(let group):
      let groups = codeLength(k / max(group, 1))
      list += [
        .input("weight", [m, k / 8], .i32), .input("ratio", [m, groups], .i8), .input("zero", [m, groups], .i8),
      ]
    }
    list += [.input("x", [n, codeLength(k)], .i8), .output("y", [n, m], scaled ? .f32 : .i32)]
    if scaled { list += [.input("w_scale", [m]), .input("x_scale", [n])] }
    return list
  }
  public var flops: Double { 2 * Double(m) * Double(n) * Double(k) }

  public func validate() throws(OperatorError) {
    try requireSizes(["m": m, "n": n, "k": k])
    if case .int4(let group) = weight {
      try require(group >= 8 && group % 8 == 0, "group \(group) is no multiple of 8")
      try require(k % group == 0, "k \(k) is no multiple of the group \(group)")
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
      case .int4(let group): "int4:\(group)"
      }
    return "int8_matmul(\(format), m=\(m), k=\(k), n=\(n)\(scaled ? ", scaled" : ""))"
  }
}
