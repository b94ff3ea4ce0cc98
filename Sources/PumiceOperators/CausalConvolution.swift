import PumiceTensors

/// A convolution along time, each channel for itself: y[t, c] = Σ_j weight[c, j] · x[t − taps + 1 + j, c] (+ bias[c]), then
/// y · σ(y) with `silu`; the mixing of neighbouring tokens in state-space models (Gu & Dao 2023, "Mamba").
///
/// The tokens are neighbours of one sequence. `state` holds the inputs of the last taps − 1 tokens before them, the oldest
/// first, zeros before the sequence began; afterwards those before whatever comes next.
public struct CausalConvolution: Operator {
  public static let name = OperatorName.causalConvolution

  /// The most taps: as many registers does a thread keep.
  public static let mostTaps = 16

  public var tokens: Int
  public var channels: Int
  public var taps: Int
  public var bias: Bool
  public var silu: Bool

  public init(tokens: Int, channels: Int, taps: Int, bias: Bool = false, silu: Bool = false) {
    self.tokens = tokens
    self.channels = channels
    self.taps = taps
    self.bias = bias
    self.silu = silu
  }

  public var arguments: [Argument] {
    [.input("x", [tokens, channels]), .input("weight", [channels, taps])]
      + (bias ? [.input("bias", [channels])] : [])
      + [.inout("state", [taps - 1, channels]), .output("y", [tokens, channels])]
  }
  public var flops: Double { Double(tokens) * Double(channels) * Double(2 * taps + (silu ? 4 : 0)) }

  public func validate() throws(OperatorError) {
    try requireSizes(["tokens": tokens, "channels": channels])
    try require(2...Self.mostTaps ~= taps, "\(taps) taps; there are 2 to \(Self.mostTaps)")
    try require(tokens * channels <= Int(UInt32.max), "tokens·channels is more than 32-bit indices reach")
  }

  public var description: String {
    "causal_convolution(\(tokens)×\(channels), \(taps) taps\(bias ? ", bias" : "")\(silu ? ", silu" : ""))"
  }
}
