import PumiceTensors

/// y[t, i] (+)= Σ_s weights[t, s] · x[t, s, i]: the outputs of a token's experts, each with its weight, added up in the order
/// of the slots.
public struct ExpertSum: Operator {
  public static let name = OperatorName.expertSum

  public var tokens: Int
  /// Experts of a token.
  public var slots: Int
  public var width: Int
  /// Whether the sum is added to y: what shared experts gave.
  public var accumulates: Bool

  public init(tokens: Int, slots: Int, width: Int, accumulates: Bool = false) {
    self.tokens = tokens
    self.slots = slots
    self.width = width
    self.accumulates = accumulates
  }

  public var arguments: [Argument] {
    [
      .input("x", [tokens, slots, width]), .input("weights", [tokens, slots]),
      accumulates ? .inout("y", [tokens, width]) : .output("y", [tokens, width]),
    ]
  }
  public var flops: Double { 2 * Double(tokens) * Double(slots) * Double(width) }

  public func validate() throws(OperatorError) {
    try requireSizes(["tokens": tokens, "slots": slots, "width": width])
    try require(tokens * slots * width <= Int(UInt32.max), "x is larger than 32-bit indices reach")
  }

  public var description: String {
    "expert_sum(\(tokens)×\(slots)×\(width)\(accumulates ? ", added" : ""))"
  }
}
