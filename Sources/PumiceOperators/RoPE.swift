import PumiceTensors

/// Rotary position embedding (Su et al. 2021), in place: pair i of every head is rotated by positions[t] · frequency[i], and
/// lengthened by `magnitude`. A token with a negative position is left as it is.
///
/// Frequencies come as a table of 64-bit fixed-point fractions of a turn, so that position · frequency modulo one turn is
/// exact integer arithmetic on every device: in binary32 the angle alone would be wrong by 1e-3 at position 10,000. Build
/// the table with `RoPE.frequencies`.
public struct RoPE: Operator {
  public static let name = OperatorName.rope

  /// Which two elements of a head form a pair.
  public enum Pairing: String, CaseIterable, Codable, Hashable, Sendable {
    /// Elements 2i and 2i+1 (the original; GGUF's `llama`).
    case adjacent
    /// Elements i and i + rotaryDimensions/2 of those that are rotated (GPT-NeoX).
    case halves
  }

  public var tokens: Int
  public var heads: Int
  public var headSize: Int
  /// How many neighbouring elements of a head are rotated; even.
  public var rotaryDimensions: Int
  public var pairing: Pairing
  /// The first of them: not 0 where latent attention keeps the part without positions in front (DeepSeek-V2).
  public var offset: Int
  /// The factor of both elements of a pair, with which YaRN and long-factor scaling sharpen attention: see
  /// `RoPEScaling.magnitude`.
  public var magnitude: Float

  public init(
    tokens: Int, heads: Int, headSize: Int, rotaryDimensions: Int, pairing: Pairing, offset: Int = 0,
    magnitude: Float = 1
  ) {
    self.tokens = tokens
    self.heads = heads
    self.headSize = headSize
    self.rotaryDimensions = rotaryDimensions
    self.pairing = pairing
    self.offset = offset
    self.magnitude = magnitude
  }

  public var arguments: [Argument] {
    [
      .inout("x", [tokens, heads, headSize]), .input("positions", [tokens], .i32),
      .input("frequencies", [rotaryDimensions / 2, 2], .i32),
    ]
  }
  public var flops: Double { Double(tokens * heads * rotaryDimensions) * 3 }

  public func validate() throws(OperatorError) {
    try requireSizes(["tokens": tokens, "heads": heads, "headSize": headSize, "rotaryDimensions": rotaryDimensions])
    try require(
      rotaryDimensions % 2 == 0 && rotaryDimensions <= headSize,
      "rotaryDimensions \(rotaryDimensions) is odd or above the head size \(headSize)")
    try require(
      0...headSize - rotaryDimensions ~= offset,
      "\(rotaryDimensions) elements from \(offset) are not within a head of \(headSize)")
    try require(magnitude.isFinite, "magnitude \(magnitude) is not finite")
    try require(tokens * heads * headSize <= Int(UInt32.max), "the tensor is larger than 32-bit indices reach")
  }

  public var description: String {
    "rope(\(pairing.rawValue), \(tokens)×\(heads)×\(headSize), \(rotaryDimensions) rotated"
      + (offset == 0 ? "" : " from \(offset)") + (magnitude == 1 ? ")" : ", times \(magnitude))")
  }

  /// The table for frequencies base^(−2i/d) · scale / factors[i], in radians per position.
  ///
  /// - Returns: d/2 rows of (high, low) words of the 64-bit fraction of a turn.
  public static func frequencies(rotaryDimensions d: Int, base: Double, scale: Double = 1, factors: [Float]? = nil)
    -> [Int32]
  {
    (0..<d / 2).flatMap { i -> [Int32] in
      let factor = factors.map { Double($0[i]) } ?? 1
      return words(radians: DoubleMath.power(base, -2 * Double(i) / Double(d)) * scale / factor)
    }
  }

  /// One row of the table: the fraction of a turn that `radians` makes, in 2⁻⁶⁴ turns, as two words.
  public static func words(radians: Double) -> [Int32] {
    let turns = radians / (2 * Double.pi)
    let fraction = turns - turns.rounded(.down)
    let fixed = fraction >= 1 ? UInt64.max : UInt64(fraction * 0x1p64)
    return [Int32(truncatingIfNeeded: fixed >> 32), Int32(truncatingIfNeeded: fixed)]
  }
}
