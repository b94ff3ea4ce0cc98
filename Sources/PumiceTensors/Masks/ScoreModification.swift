import Foundation

/// A change of the score of query and key before softmax.
public enum ScoreModification: Hashable, Sendable {
  /// cap · tanh(score / cap) (Gemma 2).
  case softCap(Float)
  /// A penalty for distance, by head: score − slope · |query − key| (Press et al. 2022).
  case alibi([Float])
  /// A function of the user's.
  case user(ScoreFunction)

  /// The changed score: the definition that kernels are held against.
  public func apply(_ score: Double, head: Int, query: Int, key: Int) -> Double {
    switch self {
    case .softCap(let cap): Double(cap) * tanh(score / Double(cap))
    case .alibi(let slopes): score - Double(slopes[head]) * Double(abs(query - key))
    case .user(let function): function.evaluate(score, head, query, key)
    }
  }

  /// ALiBi's own slopes: 2^(−8i/n) for i = 1…n, and for a number of heads that is no power of two those of the next
  /// smaller one, followed by every other slope of the next larger one.
  public static func alibi(heads: Int) -> ScoreModification {
    var power = 1
    while power * 2 <= heads { power *= 2 }
    func slope(_ i: Int, of n: Int) -> Float { Float(exp2(-8 * Double(i) / Double(n))) }
    let first = (0..<min(power, heads)).map { slope($0 + 1, of: power) }
    return .alibi(first + (0..<max(0, heads - power)).map { slope(2 * $0 + 1, of: 2 * power) })
  }

  /// Throws unless it means something for `heads` query heads.
  public func validate(heads: Int) throws(AttentionMaskError) {
    switch self {
    case .softCap(let cap):
      if !(cap > 0 && cap.isFinite) { throw .value(mask: "softCap", name: "cap", value: cap) }
    case .alibi(let slopes):
      if slopes.count != heads { throw .headCount(mask: "alibi", lists: slopes.count, heads: heads) }
      for (head, slope) in slopes.enumerated() where !slope.isFinite {
        throw .value(mask: "alibi", name: "slope of head \(head)", value: slope)
      }
    case .user(let function): try function.validate()
    }
  }
}
