#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif
public import PumiceModelFiles

/// How far a model's predictions are from those of a base model for the same text.
///
/// The numbers and their standard errors are those that llama.cpp's `llama-perplexity --kl-divergence` prints.
public struct KLDivergence: Sendable {
  /// Tokens that the base thinks less likely than exp of this add nothing that its saved predictions could tell.
  private static let floor = -16.0

  /// Of each prediction, in nats: Σ p ln(p/q) with p the base's probabilities and q the model's.
  public private(set) var divergences: [Double] = []
  /// Of each token that came: its probability less that which the base gave it.
  public private(set) var probabilityChanges: [Double] = []

  private var model = Perplexity()
  private var base = Perplexity()
  private var divergence = Moments()
  private var change = Moments()
  private var squaredChange = Moments()
  private var product = Moments()
  private var agreements = 0

  public init() {}

  /// Adds a prediction.
  ///
  /// - Parameter next: the token that came.
  /// - Precondition: both predictions are for the same vocabulary.
  public mutating func add(_ prediction: Prediction, base saved: SavedLogits.Prediction, next: Int) {
    precondition(prediction.logits.count == saved.codes.count)
    let logQ = prediction.logProbability(of: next), logP = saved.logProbability(of: next)
    model.add(logProbability: logQ)
    base.add(logProbability: logP)
    product.add(logQ * logP)
    let difference = exp(logQ) - exp(logP)
    change.add(difference)
    squaredChange.add(difference * difference)
    probabilityChanges.append(difference)

    var sum = 0.0
    var likeliest = 0
    for (token, logit) in prediction.logits.enumerated() {
      if saved.codes[token] > saved.codes[likeliest] { likeliest = token }
      let log = saved.logProbability(of: token)
      if log > Self.floor { sum += exp(log) * (log - (Double(logit) - prediction.logSum)) }
    }
    divergence.add(sum)
    divergences.append(sum)
    if likeliest == prediction.likeliest { agreements += 1 }
  }

  /// Predictions so far.
  public var count: Int { divergences.count }
  /// The model's.
  public var perplexity: Estimate { model.estimate }
  /// The base's, as far as the saved predictions tell.
  public var basePerplexity: Estimate { base.estimate }

  /// Of the two means of −ln p.
  private var covariance: Double {
    let mean = product.mean - model.logEstimate.value * base.logEstimate.value
    return count > 1 ? mean / Double(count - 1) : 0
  }
  /// Between −ln p of the model and of the base; NaN where one of them is constant.
  public var correlation: Double {
    covariance / (model.logEstimate.uncertainty * base.logEstimate.uncertainty)
  }
  /// ln(perplexity / base perplexity)
  public var logRatio: Estimate {
    let model = model.logEstimate, base = base.logEstimate
    return Estimate(
      value: model.value - base.value, uncertainty: Self.uncertainty(model.uncertainty, base.uncertainty, covariance))
  }
  public var ratio: Estimate {
    let log = logRatio
    return Estimate(value: exp(log.value), uncertainty: exp(log.value) * log.uncertainty)
  }
  public var difference: Estimate {
    let model = perplexity, base = basePerplexity
    return Estimate(
      value: model.value - base.value,
      uncertainty: Self.uncertainty(model.uncertainty, base.uncertainty, model.value * base.value * covariance))
  }
  /// Of the difference of two correlated numbers.
  private static func uncertainty(_ a: Double, _ b: Double, _ covariance: Double) -> Double {
    max(0, a * a + b * b - 2 * covariance).squareRoot()
  }

  /// The mean divergence, in nats.
  public var mean: Estimate { divergence.estimate }
  public var meanProbabilityChange: Estimate { change.estimate }
  /// The root of the mean square of the probability changes.
  public var rootMeanSquareProbabilityChange: Estimate {
    let root = change.meanSquare.squareRoot()
    return Estimate(value: root, uncertainty: root > 0 ? squaredChange.standardError / (2 * root) : 0)
  }
  /// How often both find the same token likeliest: a share from 0 to 1.
  public var sameLikeliest: Estimate {
    let share = Double(agreements) / Double(count)
    return Estimate(
      value: share, uncertainty: count > 1 ? (share * (1 - share) / Double(count - 1)).squareRoot() : 0)
  }
}

/// The values that shares of a sample lie below, by linear interpolation between neighbours.
public struct Quantiles: Sendable {
  private let sorted: [Double]

  /// - Precondition: there is a value.
  public init(_ values: [Double]) {
    precondition(!values.isEmpty)
    sorted = values.sorted()
  }

  /// - Parameter share: from 0 (the smallest value) to 1 (the largest).
  public subscript(share: Double) -> Double {
    let position = min(max(share, 0), 1) * Double(sorted.count - 1)
    let index = Int(position), part = position - Double(index)
    return (1 - part) * sorted[index] + part * sorted[min(index + 1, sorted.count - 1)]
  }
}
