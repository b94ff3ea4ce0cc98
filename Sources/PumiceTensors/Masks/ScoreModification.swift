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

extension [ScoreModification] {
  /// Throws unless they make numbers of scores of usual size, wherever the mask lets a query see a key: a NaN or +∞ would take
  /// the whole row of attention with it. −∞ hides the key.
  ///
  /// Functions of the user's are tried by their Swift side on few of the pairs, in the first and the last head.
  ///
  /// - Parameter positions: how many positions there are.
  /// - Precondition: the modifications and the mask are valid for `heads`.
  public func requireNumbers(heads: Int, mask: AttentionMask, positions: Int) throws(AttentionMaskError) {
    let hasFunction = contains { if case .user = $0 { true } else { false } }
    if !hasFunction { return }
    let places = Set([0, 1, 2, positions / 2, positions - 1].filter { 0..<positions ~= $0 }).sorted()
    for head in Set([0, heads - 1]).sorted() {
      for query in places {
        for key in places
        where mask.isLive(head: head, heads: heads, query: query, key: key, length: positions) {
          for start in [0, 1, -1, 30, -30] as [Double] { try requireNumber(start, head, query, key) }
        }
      }
    }
  }

  private func requireNumber(_ start: Double, _ head: Int, _ query: Int, _ key: Int) throws(AttentionMaskError) {
    var score = start
    for modification in self {
      let before = score
      score = modification.apply(before, head: head, query: query, key: key)
      if case .user(let function) = modification, score.isNaN || score == .infinity {
        throw .function(
          name: function.name,
          reason:
            "makes \(score.isNaN ? "no number (NaN)" : "+∞") of the score \(before) of head \(head), query \(query), key "
            + "\(key)")
      }
    }
  }
}
