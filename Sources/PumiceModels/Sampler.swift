import PumiceOperators

/// How the next token is chosen. The defaults are those that users of llama.cpp know.
public struct SamplingOptions: Hashable, Sendable {
  /// 0 or less always takes the likeliest token.
  public var temperature: Double
  /// Keep the k likeliest tokens; 0 or less keeps all.
  public var topK: Int
  /// Keep the fewest likeliest tokens whose probabilities reach p together; 1 keeps all.
  public var topP: Double
  /// Keep tokens of at least this share of the likeliest one's probability; 0 keeps all.
  public var minP: Double
  /// Divides positive logits of recent tokens, multiplies negative ones; 1 does nothing.
  public var repeatPenalty: Double
  /// How many tokens count as recent; 0 turns the penalty off, −1 means all.
  public var repeatLast: Int

  public init(
    temperature: Double = 0.8, topK: Int = 40, topP: Double = 0.95, minP: Double = 0.05, repeatPenalty: Double = 1,
    repeatLast: Int = 64
  ) {
    self.temperature = temperature
    self.topK = topK
    self.topP = topP
    self.minP = minP
    self.repeatPenalty = repeatPenalty
    self.repeatLast = repeatLast
  }

  /// Whether the likeliest token is always taken, whatever came before.
  var isGreedy: Bool { (temperature <= 0 || topK == 1) && (repeatPenalty == 1 || repeatLast == 0) }

  /// - Throws: `ModelError.invalidOption` that names the number.
  public func validate() throws(ModelError) {
    func require(_ condition: Bool, _ text: String) throws(ModelError) {
      if !condition { throw .invalidOption(text) }
    }
    try require(temperature.isFinite, "the temperature is \(temperature)")
    try require((0...1).contains(topP), "top-p is \(topP); it must be from 0 to 1")
    try require((0...1).contains(minP), "min-p is \(minP); it must be from 0 to 1")
    try require(
      repeatPenalty > 0 && repeatPenalty.isFinite, "the repeat penalty is \(repeatPenalty); it must be positive")
    try require(repeatLast >= -1, "the penalty looks back \(repeatLast) tokens; −1 means all")
  }
}

/// A token that may come next.
public struct Candidate: Hashable, Sendable {
  public var token: Int32
  public var probability: Double
}

/// Chooses tokens: penalty, top-k, top-p, min-p, temperature, then chance (the order of llama.cpp's sampler chain).
public struct Sampler: Sendable {
  public let options: SamplingOptions
  private var generator: SeededGenerator

  public init(_ options: SamplingOptions, seed: UInt64) {
    self.options = options
    generator = SeededGenerator(seed: seed)
  }

  /// Draws a token.
  ///
  /// - Parameter recent: the tokens before it.
  /// - Throws: `ModelError.noLogits`.
  public mutating func sample(_ logits: [Float], recent: [Int32]) throws(ModelError) -> Int32 {
    let candidates = distribution(logits, recent: recent)
    if candidates.isEmpty { throw .noLogits }
    let target = generator.unit()
    var sum = 0.0
    for candidate in candidates {
      sum += candidate.probability
      if target < sum { return candidate.token }
    }
    // The sum of rounded probabilities may end just below 1.
    return candidates[candidates.count - 1].token
  }

  /// The tokens that may be drawn, the likeliest first, with probabilities that add up to 1.
  ///
  /// A NaN counts as impossible; if nothing is possible, there are none.
  public func distribution(_ logits: [Float], recent: [Int32]) -> [Candidate] {
    let values = penalized(logits, recent)
    let count = options.temperature <= 0 ? 1 : options.topK > 0 ? options.topK : values.count
    var scored = largest(count, of: values)
    if scored.isEmpty { return [] }
    scored.removeLast(scored.count - countForTopP(scored.map(\.logit)))
    if options.minP > 0 {
      let least = scored[0].logit + DoubleMath.logarithm(options.minP)
      scored.removeAll { $0.logit < least }
    }
    let probabilities = softmax(scored.map { $0.logit / options.temperature })
    return zip(scored, probabilities).map { Candidate(token: $0.token, probability: $1) }
  }

  /// The largest logits, in order; of equals the first token's.
  private func largest(_ count: Int, of logits: [Double]) -> [(token: Int32, logit: Double)] {
    var best: [(token: Int32, logit: Double)] = []
    if count >= logits.count {
      for (index, logit) in logits.enumerated() where logit > -.infinity { best.append((Int32(index), logit)) }
      best.sort { ($0.logit, $1.token) > ($1.logit, $0.token) }
      return best
    }
    // A vocabulary is large and few are wanted: most fail the first comparison.
    for (index, logit) in logits.enumerated() where logit > -.infinity {
      if best.count == count {
        if logit <= best[count - 1].logit { continue }
        best.removeLast()
      }
      var low = 0, high = best.count
      while low < high {
        let middle = (low + high) / 2
        if best[middle].logit >= logit { low = middle + 1 } else { high = middle }
      }
      best.insert((Int32(index), logit), at: low)
    }
    return best
  }

  private func penalized(_ logits: [Float], _ recent: [Int32]) -> [Double] {
    var values = logits.map(Double.init)
    guard options.repeatPenalty != 1 else { return values }
    let count = options.repeatLast < 0 ? recent.count : options.repeatLast
    for token in Set(recent.suffix(count)) where values.indices.contains(Int(token)) {
      let value = values[Int(token)]
      values[Int(token)] = value > 0 ? value / options.repeatPenalty : value * options.repeatPenalty
    }
    return values
  }

  /// How many of the sorted logits top-p keeps; at least one.
  private func countForTopP(_ logits: [Double]) -> Int {
    guard options.topP < 1 else { return logits.count }
    var sum = 0.0
    for (index, probability) in softmax(logits).enumerated() {
      sum += probability
      if sum >= options.topP { return index + 1 }
    }
    return logits.count
  }

  /// - Parameter logits: the largest first.
  private func softmax(_ logits: [Double]) -> [Double] {
    // An infinite logit is certain; two of them share.
    let weights = logits.map { $0 == logits[0] ? 1 : DoubleMath.exponential($0 - logits[0]) }
    let total = weights.reduce(0, +)
    return weights.map { $0 / total }
  }
}
