public import PumiceTensors

/// The recurrence of a gated delta net (Yang et al. 2024, "Gated Delta Networks"), token after token: what a key has stored
/// fades, and a part of it is replaced by the token's value. With Δ = softplus(dt[t, h]) and β = σ(beta[t, h]),
///
///     faded[n, h, p] = exp(Δ · a[h]) · state[n, h, p]
///     change[p] = β · (v[t, h, p] − Σ_n k[t, g, n] · faded[n, h, p])
///     state[n, h, p] ← faded[n, h, p] + k[t, g, n] · change[p]
///     y[t, h, p] = Σ_n q[t, g, n] · state[n, h, p]
///
/// With `decayPerKey` there is a Δ for each element n of the key too (Kimi Team 2025, "Kimi Linear"). Each of the `keyHeads` g
/// of keys and queries serves heads/keyHeads heads of values: neighbours, or with `tilesKeys` every keyHeads-th. Decays
/// must be ≤ 0 and keys no longer than 1 for states to stay finite; scales of queries are the caller's. The tokens are
/// neighbours of one sequence, which begins with a state of zeros.
public struct GatedDeltaNet: Operator {
  public static let name = OperatorName.gatedDeltaNet

  public var tokens: Int
  /// Heads of values.
  public var heads: Int
  /// Elements of a value.
  public var headSize: Int
  public var keyHeads: Int
  /// Elements of a key and a query.
  public var keySize: Int
  public var decayPerKey: Bool
  public var tilesKeys: Bool

  public init(
    tokens: Int, heads: Int, headSize: Int, keyHeads: Int, keySize: Int, decayPerKey: Bool = false,
    tilesKeys: Bool = false
  ) {
    self.tokens = tokens
    self.heads = heads
    self.headSize = headSize
    self.keyHeads = keyHeads
    self.keySize = keySize
    self.decayPerKey = decayPerKey
    self.tilesKeys = tilesKeys
  }

  /// The head of keys and queries that serves a head of values.
  public func keyHead(of head: Int) -> Int { tilesKeys ? head % keyHeads : head / (heads / keyHeads) }

  /// [tokens, heads], or a row of the key's elements for each.
  public var stepShape: Shape { decayPerKey ? [tokens, heads, keySize] : [tokens, heads] }

  public var arguments: [Argument] {
    [
      .input("q", [tokens, keyHeads, keySize]), .input("k", [tokens, keyHeads, keySize]),
      .input("v", [tokens, heads, headSize]), .input("dt", stepShape), .input("a", [heads]),
      .input("beta", [tokens, heads]), .inout("state", [keySize, heads, headSize]),
      .output("y", [tokens, heads, headSize]),
    ]
  }
  public var flops: Double {
    Double(tokens) * Double(heads)
      * (Double(headSize) * Double(8 * keySize + 2) + Double(decayPerKey ? keySize : 1) * 6)
  }

  public func validate() throws(OperatorError) {
    try requireSizes([
      "tokens": tokens, "heads": heads, "headSize": headSize, "keyHeads": keyHeads, "keySize": keySize,
    ])
    try require(heads % keyHeads == 0, "\(heads) heads cannot be shared out among \(keyHeads) heads of keys")
    try require(
      max(tokens, keySize) * heads * headSize <= Int(UInt32.max) && tokens * heads * keySize <= Int(UInt32.max),
      "a tensor is larger than 32-bit indices reach")
  }

  public var description: String {
    let decay = decayPerKey ? ", decay per element" : ""
    return
      "gated_delta_net(\(tokens)×\(heads)×\(headSize), keys \(keyHeads)×\(keySize)\(tilesKeys ? " tiled" : "")\(decay))"
  }
}
