#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A number that was estimated from samples, and its standard error.
public struct Estimate: Hashable, Codable, Sendable {
  public var value: Double
  public var uncertainty: Double

  public init(value: Double, uncertainty: Double) {
    self.value = value
    self.uncertainty = uncertainty
  }
}

/// The probabilities of all tokens, from their logits.
public struct Prediction: Sendable {
  public let logits: [Float]
  /// ln Σ exp(logit)
  public let logSum: Double
  /// The token with the largest logit; of equals the first.
  public let likeliest: Int

  /// Nil unless at least one logit is finite and none is NaN or +∞.
  public init?(_ logits: [Float]) {
    var largest = -Float.infinity
    var likeliest = 0
    for (token, logit) in logits.enumerated() where logit > largest {
      largest = logit
      likeliest = token
    }
    let shift = Double(largest)
    let sum = logits.reduce(0.0) { $0 + exp(Double($1) - shift) }
    logSum = shift + log(sum)
    guard logSum.isFinite else { return nil }
    self.logits = logits
    self.likeliest = likeliest
  }

  /// ln p of a token.
  public func logProbability(of token: Int) -> Double { Double(logits[token]) - logSum }
}

/// How well a text was predicted: exp of the mean of −ln p over the tokens that came.
public struct Perplexity: Hashable, Sendable {
  /// Of −ln p.
  private var surprise = Moments()

  public init() {}

  /// Tokens so far.
  public var count: Int { surprise.count }

  /// Adds a token.
  ///
  /// - Parameter logProbability: ln p of the token, as it was predicted.
  public mutating func add(logProbability: Double) { surprise.add(-logProbability) }

  /// The perplexity of the tokens so far, with the standard error that follows from that of the mean to first order. NaN
  /// without tokens.
  public var estimate: Estimate {
    let value = exp(surprise.mean)
    return Estimate(value: value, uncertainty: value * surprise.standardError)
  }

  /// The mean of −ln p.
  var logEstimate: Estimate { Estimate(value: surprise.mean, uncertainty: surprise.standardError) }
}

/// Sums from which a mean and its standard error follow.
struct Moments: Hashable, Sendable {
  private(set) var count = 0
  private var sum = 0.0
  private var sumOfSquares = 0.0

  mutating func add(_ value: Double) {
    count += 1
    sum += value
    sumOfSquares += value * value
  }

  var mean: Double { sum / Double(count) }
  /// The mean of the squares.
  var meanSquare: Double { sumOfSquares / Double(count) }
  /// √(variance / (n − 1)), the variance being the mean square deviation; 0 for less than two values.
  var standardError: Double {
    count > 1 ? (max(0, meanSquare - mean * mean) / Double(count - 1)).squareRoot() : 0
  }
  var estimate: Estimate { Estimate(value: mean, uncertainty: standardError) }
}
