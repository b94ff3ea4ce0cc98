public import PumiceTensors

/// Causal scaled dot-product attention with grouped heads over a cache (Vaswani et al. 2017; Ainslie et al. 2023):
/// y[t, h, :] = Σ_j softmax_j(scale · q[t, h, :] · k[g, j, :]) · v[g, j, :], g = h / (heads / kvHeads), over the cells
/// j ≤ positions[t], j < keys.
///
/// A row that sees no key (position −1) is zeros. Cell j of the cache holds the token at position j. `keys` bounds the
/// cells that this dispatch looks at; `capacity` is the stride of the cache.
public struct Attention: Operator {
  public static let name = OperatorName.attention

  public var tokens: Int
  public var heads: Int
  public var kvHeads: Int
  public var headSize: Int
  public var keys: Int
  public var capacity: Int
  public var format: TensorFormat
  public var scale: Float

  /// - Parameter scale: by default 1/√headSize.
  public init(
    tokens: Int, heads: Int, kvHeads: Int, headSize: Int, keys: Int, capacity: Int? = nil, format: TensorFormat,
    scale: Float? = nil
  ) {
    self.tokens = tokens
    self.heads = heads
    self.kvHeads = kvHeads
    self.headSize = headSize
    self.keys = keys
    self.capacity = capacity ?? keys
    self.format = format
    self.scale = scale ?? 1 / Float(headSize).squareRoot()
  }

  public var arguments: [Argument] {
    [
      .input("q", [tokens, heads, headSize]).aligned(to: 16),
      .input("k", [kvHeads, capacity, headSize], format).aligned(to: 16),
      .input("v", [kvHeads, capacity, headSize], format).aligned(to: 16), .input("positions", [tokens], .i32),
      .output("y", [tokens, heads, headSize]),
    ]
  }
  /// As if every query saw all `keys`; a causal prompt needs about half.
  public var flops: Double { 4 * Double(tokens) * Double(heads) * Double(keys) * Double(headSize) }
  public var bytes: Double {
    2 * Double(kvHeads) * Double(keys) * Double(headSize) * format.bitsPerElement / 8
      + 8 * Double(tokens) * Double(heads) * Double(headSize)
  }

  public func validate() throws(OperatorError) {
    try requireSizes([
      "tokens": tokens, "heads": heads, "kvHeads": kvHeads, "headSize": headSize, "keys": keys, "capacity": capacity,
    ])
    try require(heads % kvHeads == 0, "\(heads) heads are no multiple of \(kvHeads) key-value heads")
    try require(keys <= capacity, "\(keys) keys are more than the cache's capacity \(capacity)")
    try require(format == .f32 || format == .f16, "a cache in \(format.name) is not supported; f32 and f16 are")
    try require(headSize % 8 == 0 && headSize <= 256, "head size \(headSize) is no multiple of 8 up to 256")
    try require(scale.isFinite, "scale \(scale) is not finite")
    try require(
      kvHeads * capacity * headSize <= Int(UInt32.max) && tokens * heads * headSize <= Int(UInt32.max),
      "a tensor is larger than 32-bit indices reach")
  }

  public var description: String {
    "attention(\(format.name), \(tokens) tokens, heads \(heads)/\(kvHeads)×\(headSize), \(keys) keys of \(capacity))"
  }
}
