public import PumiceTensors

/// y[j, i] (+)= Σ_k weight[i, k] · x[j, k] (+ bias[i]): every column of activations times a weight matrix.
///
/// `m` rows of the weight, `n` columns of activations (tokens), `k` the length of the sums. Weights may be stored in any
/// format; activations, sums and outputs are f32.
public struct MatMul: Operator {
  public static let name = OperatorName.matMul

  public var m: Int
  public var n: Int
  public var k: Int
  public var weight: TensorFormat
  public var bias: Bool
  /// Whether the product is added to y: the second factor of a low-rank pair, after the weight that it corrects.
  public var accumulates: Bool

  public init(m: Int, n: Int, k: Int, weight: TensorFormat, bias: Bool = false, accumulates: Bool = false) {
    self.m = m
    self.n = n
    self.k = k
    self.weight = weight
    self.bias = bias
    self.accumulates = accumulates
  }

  public var arguments: [Argument] {
    var list: [Argument] = [.input("weight", [m, k], weight), .input("x", [n, k])]
    if bias { list.append(.input("bias", [m])) }
    list.append(accumulates ? .inout("y", [n, m]) : .output("y", [n, m]))
    return list
  }
  public var flops: Double { 2 * Double(m) * Double(n) * Double(k) }

  public func validate() throws(OperatorError) {
    try requireSizes(["m": m, "n": n, "k": k])
    try require(k % weight.blockLength == 0, "k \(k) is no multiple of the block length of \(weight.name)")
    try require(
      weight.byteCount(rows: m, columns: k) != nil, "a weight of \(m)×\(k) does not fit the format \(weight.name)")
    try require(!weight.isInteger, "weights of \(weight.name) have no real values")
    try require(n * k <= Int(UInt32.max) && n * m <= Int(UInt32.max), "n·k or n·m is more than 32-bit indices reach")
  }

  public var description: String {
    "matmul(\(weight.name), m=\(m), k=\(k), n=\(n)\(bias ? ", bias" : "")\(accumulates ? ", added" : ""))"
  }
}
