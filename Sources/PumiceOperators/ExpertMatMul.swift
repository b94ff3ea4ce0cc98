public import PumiceTensors

/// y[t, s, i] = Σ_l weight[experts[t, s], i, l] · x[t (, s), l] (+ bias[experts[t, s], i]): every token times the weight
/// matrices of its experts, one for each slot.
///
/// An index outside of the experts gives zeros. What a token gets does not depend on the others, bit for bit, in one variant.
public struct ExpertMatMul: Operator {
  public static let name = OperatorName.expertMatMul

  public var experts: Int
  /// Rows of an expert's weight, and their length.
  public var m: Int
  public var k: Int
  public var tokens: Int
  /// Experts of a token.
  public var slots: Int
  public var weight: TensorFormat
  /// Whether each slot has an input of its own (the projection back); otherwise a token's slots share one.
  public var inputPerSlot: Bool
  public var bias: Bool

  public init(
    experts: Int, m: Int, k: Int, tokens: Int, slots: Int, weight: TensorFormat, inputPerSlot: Bool, bias: Bool = false
  ) {
    self.experts = experts
    self.m = m
    self.k = k
    self.tokens = tokens
    self.slots = slots
    self.weight = weight
    self.inputPerSlot = inputPerSlot
    self.bias = bias
  }

  public var arguments: [Argument] {
    [
      .input("weight", [experts, m, k], weight), .input("x", inputPerSlot ? [tokens, slots, k] : [tokens, k]),
      .input("experts", [tokens, slots], .i32),
    ] + (bias ? [.input("bias", [experts, m])] : []) + [.output("y", [tokens, slots, m])]
  }
  public var flops: Double { 2 * Double(m) * Double(k) * Double(tokens) * Double(slots) }
  /// Of the weights, those of as many experts as there can be at once.
  public var bytes: Double {
    let weights = Double(argument("weight").byteCount)
    let all = arguments.reduce(0) { $0 + Double($1.byteCount) }
    return all - weights + weights * Double(min(experts, tokens * slots)) / Double(experts)
  }

  public func validate() throws(OperatorError) {
    try requireSizes(["experts": experts, "m": m, "k": k, "tokens": tokens, "slots": slots])
    try require(k % weight.blockLength == 0, "k \(k) is no multiple of the block length of \(weight.name)")
    try require(
      weight.byteCount(rows: experts * m, columns: k) != nil,
      "a weight of \(experts)×\(m)×\(k) does not fit the format \(weight.name)")
    try require(!weight.isInteger, "weights of \(weight.name) have no real values")
    try require(
      tokens * slots * max(m, k) <= Int(UInt32.max) && experts * m <= Int(Int32.max),
      "a tensor is larger than 32-bit indices reach")
  }

  public var description: String {
    let parts = (inputPerSlot ? ", input per slot" : "") + (bias ? ", bias" : "")
    return "expert_matmul(\(weight.name), \(experts) experts, m=\(m), k=\(k), \(tokens)×\(slots)\(parts))"
  }
}
