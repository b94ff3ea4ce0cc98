import PumiceTensors

/// y[j, i] = Σ_k x[j, k] · w[i, k], exactly, for codes of any two widths from 1 to 8 bits in bit planes:
/// Σ_t Σ_s c_t · d_s · popcount(x_t[j] AND w_s[i]) with the coefficients c and d of the planes (Zeng et al. 2024,
/// "ABQ-LLM").
///
/// With zero points the product is that of x − x_zero and w − w_zero: Σxw − w_zero·Σx − x_zero·Σw + k·x_zero·w_zero, from
/// the sums of the codes that `PackBitPlanes` gives. With scales y is f32, times x_scale[j] · w_scale[i].
///
/// Planes are as `BitPlanes` describes them; bits past k must be zero.
public struct BitPlaneMatMul: Operator {
  public static let name = OperatorName.bitPlaneMatMul

  public var m: Int
  public var n: Int
  public var k: Int
  public var weight: BitPlanes
  public var x: BitPlanes
  /// Whether zero points and sums are given, for both sides.
  public var zeroPoints: Bool
  /// Whether y is f32, scaled; otherwise i32.
  public var scaled: Bool

  public init(
    m: Int, n: Int, k: Int, weight: BitPlanes, x: BitPlanes, zeroPoints: Bool = false, scaled: Bool = false
  ) {
    self.m = m
    self.n = n
    self.k = k
    self.weight = weight
    self.x = x
    self.zeroPoints = zeroPoints
    self.scaled = scaled
  }

  public var arguments: [Argument] {
    let words = BitPlanes.words(k)
    var list: [Argument] = [
      .input("weight", [weight.count, m, words], .i32), .input("x", [x.count, n, words], .i32),
      .output("y", [n, m], scaled ? .f32 : .i32),
    ]
    if zeroPoints {
      list += [
        .input("w_zero", [m], .i32), .input("w_sum", [m], .i32), .input("x_zero", [n], .i32),
        .input("x_sum", [n], .i32),
      ]
    }
    if scaled { list += [.input("w_scale", [m]), .input("x_scale", [n])] }
    return list
  }
  /// Of the product that it stands for, whatever the number of planes.
  public var flops: Double { 2 * Double(m) * Double(n) * Double(k) }

  public func validate() throws(OperatorError) {
    try requireSizes(["m": m, "n": n, "k": k])
    try require(weight, "weight")
    try require(x, "x")
    let (w, x) = (Self.reach(weight, zeroPoints), Self.reach(x, zeroPoints))
    try require(
      k * w * x <= Int(Int32.max), "\(k) products of up to \(w)·\(x) do not sum in 32 bits")
    let words = BitPlanes.words(k)
    try require(
      weight.count * m * words <= Int(UInt32.max) && self.x.count * n * words <= Int(UInt32.max)
        && n * m <= Int(UInt32.max), "a tensor is larger than 32-bit indices reach")
  }

  /// The largest size of a factor: a code, or its distance from a zero point among the codes.
  private static func reach(_ planes: BitPlanes, _ hasZero: Bool) -> Int {
    hasZero ? planes.greatest - planes.least : max(planes.greatest, -planes.least)
  }

  public var description: String {
    "bit_plane_matmul(w \(weight), x \(x), m=\(m), k=\(k), n=\(n)\(zeroPoints ? ", zero points" : "")"
      + "\(scaled ? ", scaled" : ""))"
  }
}
