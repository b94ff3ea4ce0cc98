import PumiceTensors

/// The recurrence of a selective state-space model, each channel for itself and token after token: with
/// Δ = softplus(dt[t, h]) = log(1 + exp(dt[t, h])),
///
///     state[n, h, p] ← exp(Δ · a[h (, n)]) · state[n, h, p] + Δ · b[t, g, n] · x[t, h, p]
///     y[t, h, p] = Σ_n c[t, g, n] · state[n, h, p] (+ skip[h] · x[t, h, p])
///
/// Mamba (Gu & Dao 2023): as many heads as channels, of size 1, and a decay for each state. Mamba-2 (Dao & Gu 2024): heads of
/// size p with one decay, and `groups` of neighbouring heads that share b and c. Nothing but a decay ≤ 0 keeps states
/// finite. The tokens are neighbours of one sequence; a sequence begins with a state of zeros.
public struct SelectiveScan: Operator {
  public static let name = OperatorName.selectiveScan

  public var tokens: Int
  public var heads: Int
  public var headSize: Int
  public var groups: Int
  public var stateSize: Int
  /// Whether `a` holds a decay for each state of a head, and not one for the head.
  public var decayPerState: Bool
  /// Whether a share of the input is added.
  public var skip: Bool

  public init(
    tokens: Int, heads: Int, headSize: Int, groups: Int, stateSize: Int, decayPerState: Bool, skip: Bool = true
  ) {
    self.tokens = tokens
    self.heads = heads
    self.headSize = headSize
    self.groups = groups
    self.stateSize = stateSize
    self.decayPerState = decayPerState
    self.skip = skip
  }

  public var arguments: [Argument] {
    [
      .input("x", [tokens, heads, headSize]), .input("dt", [tokens, heads]),
      .input("a", decayPerState ? [heads, stateSize] : [heads]), .input("b", [tokens, groups, stateSize]),
      .input("c", [tokens, groups, stateSize]),
    ] + (skip ? [.input("skip", [heads])] : []) + [
      .inout("state", [stateSize, heads, headSize]), .output("y", [tokens, heads, headSize]),
    ]
  }
  public var flops: Double {
    Double(tokens) * Double(heads) * Double(headSize) * Double((decayPerState ? 9 : 6) * stateSize + 2)
  }

  public func validate() throws(OperatorError) {
    try requireSizes([
      "tokens": tokens, "heads": heads, "headSize": headSize, "groups": groups, "stateSize": stateSize,
    ])
    try require(heads % groups == 0, "\(heads) heads cannot be shared out among \(groups) groups")
    try require(
      max(tokens, stateSize) * heads * headSize <= Int(UInt32.max) && tokens * groups * stateSize <= Int(UInt32.max)
        && heads * stateSize <= Int(UInt32.max), "a tensor is larger than 32-bit indices reach")
  }

  public var description: String {
    let decay = decayPerState ? "decay per state" : "decay per head"
    return
      "selective_scan(\(tokens)×\(heads)×\(headSize), \(stateSize) states, \(groups) groups, \(decay)\(skip ? ", skip" : ""))"
  }
}
