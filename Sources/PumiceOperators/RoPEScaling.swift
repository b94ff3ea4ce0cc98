/// How the frequencies of a rotary embedding change for contexts longer than those of training.
public enum RoPEScaling: Hashable, Codable, Sendable {
  case none
  /// Every frequency divided by `factor` (Chen et al. 2023, "Extending Context Window … via Positional Interpolation").
  case linear(factor: Double)
  /// Wavelengths above `original` / `low` positions are stretched by `factor`, those below `original` / `high` kept, and
  /// what lies between is blended (Llama 3.1).
  case llama3(factor: Double, low: Double, high: Double, original: Double)
  /// Frequencies that make fewer than `slow` turns in the original context are divided by the factor, those with more
  /// than `fast` kept, and what lies between is blended (Peng et al. 2023, "YaRN").
  case yarn(YaRN)
  /// A divisor for each frequency: Phi-3's short and long factors, of which the caller chooses, and the `rope_freqs` of
  /// GGUF files.
  case factors([Float])

  /// The parameters of YaRN.
  public struct YaRN: Hashable, Codable, Sendable {
    public var factor: Double
    /// Positions of the original context.
    public var original: Double
    public var fast: Double
    public var slow: Double
    /// How much of the blend is used; 0 gives linear scaling.
    public var share: Double
    /// Whether the ends of the blend are rounded outwards to whole pairs, as all but gpt-oss have them.
    public var roundsRange: Bool

    public init(
      factor: Double, original: Double, fast: Double = 32, slow: Double = 1, share: Double = 1, roundsRange: Bool = true
    ) {
      self.factor = factor
      self.original = original
      self.fast = fast
      self.slow = slow
      self.share = share
      self.roundsRange = roundsRange
    }
  }

  /// The frequency of each pair, in radians per position, from base^(−2i/d).
  ///
  /// - Precondition: `.factors` holds d/2 of them.
  public func frequencies(rotaryDimensions d: Int, base: Double) -> [Double] {
    let plain = (0..<d / 2).map { DoubleMath.power(base, -2 * Double($0) / Double(d)) }
    switch self {
    case .none: return plain
    case .linear(let factor): return plain.map { $0 / factor }
    case .llama3(let factor, let low, let high, let original):
      return plain.map { frequency in
        let turns = original * frequency / (2 * Double.pi)
        let kept = max(0, min(1, (turns - low) / (high - low)))
        return frequency * (kept + (1 - kept) / factor)
      }
    case .yarn(let yarn):
      let (first, last) = yarn.range(rotaryDimensions: d, base: base)
      return plain.enumerated().map { i, frequency in
        let kept = 1 - max(0, min(1, (Double(i) - first) / max(0.001, last - first)))
        return frequency * (kept * yarn.share + (1 - kept * yarn.share) / yarn.factor)
      }
    case .factors(let factors):
      precondition(factors.count == d / 2, "\(factors.count) factors for \(d / 2) frequencies")
      return zip(plain, factors).map { $0 / Double($1) }
    }
  }

  /// The table that `RoPE` takes, of d/2 rows of two words.
  public func table(rotaryDimensions d: Int, base: Double) -> [Int32] {
    frequencies(rotaryDimensions: d, base: base).flatMap { RoPE.words(radians: $0) }
  }

  /// The magnitude that goes with it where the model says nothing else: 0.1 · ln(factor) + 1 for YaRN, 1 otherwise.
  public var magnitude: Double {
    switch self {
    case .none, .linear, .llama3, .factors: 1
    case .yarn(let yarn): Self.yarnMagnitude(factor: yarn.factor)
    }
  }

  /// 0.1 · weight · ln(factor) + 1, and 1 for factors up to 1: what YaRN multiplies queries and keys by; DeepSeek-V2 gives
  /// the weight as `mscale`.
  public static func yarnMagnitude(factor: Double, weight: Double = 1) -> Double {
    factor <= 1 ? 1 : 0.1 * weight * DoubleMath.logarithm(factor) + 1
  }

  /// √(1 + ln(context / original) / ln(original)), and 1 for contexts no longer than the original (Ding et al. 2024,
  /// "LongRoPE", as Phi-3 uses it).
  public static func longMagnitude(context: Double, original: Double) -> Double {
    context <= original
      ? 1 : (1 + DoubleMath.logarithm(context / original) / DoubleMath.logarithm(original)).squareRoot()
  }
}

extension RoPEScaling.YaRN {
  /// The pairs between which frequencies are blended: pair i makes L · base^(−2i/d) / 2π turns in L positions.
  func range(rotaryDimensions d: Int, base: Double) -> (first: Double, last: Double) {
    func pair(turns: Double) -> Double {
      Double(d) * DoubleMath.logarithm(original / (turns * 2 * Double.pi)) / (2 * DoubleMath.logarithm(base))
    }
    let first = pair(turns: fast), last = pair(turns: slow)
    return roundsRange
      ? (max(0, first.rounded(.down)), min(Double(d - 1), last.rounded(.up)))
      : (max(0, first), min(Double(d - 1), last))
  }
}
