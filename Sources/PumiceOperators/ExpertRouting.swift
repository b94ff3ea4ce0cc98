import PumiceTensors

/// Chooses `chosen` of the experts of a mixture for every token, and their weights, from the router's logits.
///
/// Experts are chosen by score, the highest first, and of equal ones the lowest index first: exactly the same on every
/// device wherever scores are logits. Weights are the scores without the bias.
public struct ExpertRouting: Operator {
  public static let name = OperatorName.expertRouting

  /// What a logit's score is.
  public enum Scoring: String, CaseIterable, Codable, Hashable, Sendable {
    /// The softmax over all experts (Shazeer et al. 2017; Qwen, DeepSeek-V2).
    case softmax
    /// The softmax over the chosen experts (Mixtral, gpt-oss).
    case softmaxOfChosen = "softmax_of_chosen"
    /// The logistic function (Llama 4, DeepSeek-V3).
    case sigmoid
  }

  /// Experts in groups of neighbours, of which only the experts of the best few can be chosen (DeepSeek-V3): a group is
  /// as good as the sum of its two highest scores.
  public struct Groups: Codable, Hashable, Sendable {
    public var count: Int
    public var chosen: Int
    public init(count: Int, chosen: Int) {
      self.count = count
      self.chosen = chosen
    }
  }

  public var tokens: Int
  public var experts: Int
  public var chosen: Int
  public var scoring: Scoring
  public var groups: Groups?
  /// Whether a bias is added to the scores for the choice alone (DeepSeek-V3's load balancing).
  public var bias: Bool
  /// Whether weights are divided by their sum, which is taken for at least 2⁻¹⁴.
  public var normalizes: Bool
  /// The factor of all weights.
  public var scale: Float

  public init(
    tokens: Int, experts: Int, chosen: Int, scoring: Scoring, groups: Groups? = nil, bias: Bool = false,
    normalizes: Bool = false, scale: Float = 1
  ) {
    self.tokens = tokens
    self.experts = experts
    self.chosen = chosen
    self.scoring = scoring
    self.groups = groups
    self.bias = bias
    self.normalizes = normalizes
    self.scale = scale
  }

  public var arguments: [Argument] {
    [.input("logits", [tokens, experts])] + (bias ? [.input("bias", [experts])] : [])
      + [.output("experts", [tokens, chosen], .i32), .output("weights", [tokens, chosen])]
  }
  public var flops: Double { Double(tokens) * Double(experts) * Double(4 + chosen) }

  /// Whether experts are chosen by their logits, which any score but for a bias and groups puts in the same order.
  public var choosesByLogits: Bool { !bias && groups == nil }

  public func validate() throws(OperatorError) {
    try requireSizes(["tokens": tokens, "experts": experts, "chosen": chosen])
    try require(chosen <= experts, "\(chosen) of \(experts) experts cannot be chosen")
    try require(scale.isFinite, "scale \(scale) is not finite")
    try require(tokens * experts <= Int(UInt32.max), "tokens·experts is more than 32-bit indices reach")
    try require(
      scoring != .softmaxOfChosen || choosesByLogits, "the softmax of the chosen has no scores before the choice")
    guard let groups else { return }
    try require(
      1...32 ~= groups.count && experts % groups.count == 0 && experts / groups.count >= 2,
      "\(experts) experts in \(groups.count) groups: there are 1 to 32, of equal size, at least 2")
    try require(1...groups.count ~= groups.chosen, "\(groups.chosen) of \(groups.count) groups cannot be chosen")
    try require(
      chosen <= experts / groups.count * groups.chosen, "\(groups.chosen) groups have not \(chosen) experts to choose")
  }

  public var description: String {
    var parts = ["\(chosen) of \(experts)", "\(tokens) tokens", scoring.rawValue]
    if let groups { parts.append("\(groups.chosen) of \(groups.count) groups") }
    if bias { parts.append("bias") }
    if normalizes { parts.append("normalized") }
    if scale != 1 { parts.append("times \(scale)") }
    return "expert_routing(\(parts.joined(separator: ", ")))"
  }
}
