import PumiceTensors

/// One vector for each of several sequences of different lengths:
///
///     y[s, :] = mean_{t < L} x[s, t, :], x[s, 0, :] or x[s, L − 1, :],   L = lengths[s]
///
/// With `normalizes`, y[s, :] / max(‖y[s, :]‖₂, 1e-12) instead (the embeddings of Reimers & Gurevych 2019). Tokens from L on
/// are padding and never read. A length below 1 gives zeros, one above `tokens` counts as `tokens`. A sequence's vector does
/// not depend on the others, nor on the padding.
public struct Pooling: Operator {
  public static let name = OperatorName.pooling

  public enum Method: String, CaseIterable, Codable, Hashable, Sendable {
    /// The mean of all tokens.
    case mean
    /// The first token, which classifies a sequence in BERT.
    case first
    /// The last token, which has seen all others in a causal model.
    case last
  }

  /// No vector shorter than this is made longer than 1: the `eps` of PyTorch's `normalize`.
  public static let leastNorm: Float = 1e-12

  public var method: Method
  public var sequences: Int
  /// Tokens of the longest sequence.
  public var tokens: Int
  public var width: Int
  public var normalizes: Bool

  public init(_ method: Method, sequences: Int, tokens: Int, width: Int, normalizes: Bool) {
    self.method = method
    self.sequences = sequences
    self.tokens = tokens
    self.width = width
    self.normalizes = normalizes
  }

  public var arguments: [Argument] {
    [
      .input("x", [sequences, tokens, width]), .input("lengths", [sequences], .i32),
      .output("y", [sequences, width]),
    ]
  }
  public var flops: Double {
    Double(sequences) * Double(width) * (Double(method == .mean ? tokens : 0) + (normalizes ? 3 : 0))
  }
  /// Only the tokens that are taken move.
  public var bytes: Double {
    4 * (Double(sequences) * Double(width) * Double(method == .mean ? tokens + 1 : 2) + Double(sequences))
  }

  public func validate() throws(OperatorError) {
    try requireSizes(["sequences": sequences, "tokens": tokens, "width": width])
    try require(
      Double(sequences) * Double(tokens) * Double(width) <= Double(UInt32.max),
      "sequences·tokens·width is more than 32-bit indices reach")
  }

  public var description: String {
    "pooling(\(method.rawValue), \(sequences)×\(tokens) tokens of \(width)\(normalizes ? ", normalized" : ""))"
  }
}
