public import PumiceOperators

extension ExpertRouting: Definition {
  public func evaluate(_ inputs: [String: [Double]], rounding: RoundingModel, elements: ElementSelection) -> [String:
    Evaluated]
  {
    let logits = inputs["logits"]!, biases = inputs["bias"]
    var indices: [Double] = []
    var weights = Evaluated(count: tokens * chosen)
    for t in 0..<tokens {
      let row = Array(logits[t * experts..<(t + 1) * experts])
      let scores = scores(row, rounding)
      let keys = choosesByLogits ? row : scores.indices.map { scores[$0].value + (biases?[$0] ?? 0) }
      let order = allowed(keys).sorted { keys[$0] == keys[$1] ? $0 < $1 : keys[$0] > keys[$1] }.prefix(chosen)
      indices += order.map(Double.init)
      let kept = scoring == .softmaxOfChosen ? self.scores(order.map { row[$0] }, rounding) : order.map { scores[$0] }
      let sum = kept.reduce(0) { $0 + $1.value }
      let divisor = normalizes && scoring != .softmaxOfChosen ? max(sum, 0x1p-14) : 1
      // The errors of the terms as a share of what they are divided by, the sum's own rounding, and the quotient's.
      let sumError =
        divisor == 1
        ? 0
        : (kept.reduce(0) { $0 + $1.error } + rounding.dotProduct(length: chosen, magnitude: sum)) / divisor
          + RoundingModel.divideRelative
      for (s, (value, error)) in kept.enumerated() {
        let weight = value / divisor * Double(scale)
        weights.values[t * chosen + s] = weight
        weights.bounds[t * chosen + s] =
          abs(Double(scale)) * (error / divisor + sumError * value / divisor) + rounding.accumulator * abs(weight)
          + rounding.store(weight) + 2 * RoundingModel.flush * (abs(Double(scale)) + 1 / divisor)
      }
    }
    return ["experts": Evaluated(exact: indices), "weights": weights]
  }

  /// What the logits are worth, and how wrong a device may have it. Of the softmax of the chosen only the whole is known.
  public func scores(_ row: [Double], _ rounding: RoundingModel) -> [(value: Double, error: Double)] {
    guard scoring != .sigmoid else {
      return row.map {
        let value = 1 / (1 + DoubleMath.exponential(-$0))
        return (value, RoundingModel.logisticRelative($0) * value + RoundingModel.flush)
      }
    }
    let greatest = row.max()!
    let terms = row.map { DoubleMath.exponential($0 - greatest) }
    let total = terms.reduce(0, +)
    let relative = row.map { logit in
      RoundingModel.expRelative(logit - greatest) + 2 * rounding.accumulator * (abs(logit) + abs(greatest))
    }
    let totalError =
      zip(terms, relative).reduce(0) { $0 + $1.0 * $1.1 } / total
      + rounding.dotProduct(length: row.count, magnitude: 1)
    return zip(terms, relative).map { term, relative in
      (term / total, (relative + totalError + RoundingModel.divideRelative) * term / total + 2 * RoundingModel.flush)
    }
  }

  /// The experts that may be chosen, by what experts are chosen by.
  public func allowed(_ keys: [Double]) -> [Int] {
    guard let groups else { return Array(keys.indices) }
    let members = experts / groups.count
    let scores = groupScores(keys)
    let best = scores.indices.sorted { scores[$0] == scores[$1] ? $0 < $1 : scores[$0] > scores[$1] }
    return best.prefix(groups.chosen).sorted().flatMap { $0 * members..<($0 + 1) * members }
  }

  /// The sum of the two highest keys of every group.
  public func groupScores(_ keys: [Double]) -> [Double] {
    guard let groups else { return [] }
    let members = experts / groups.count
    return (0..<groups.count).map { group in
      keys[group * members..<(group + 1) * members].sorted(by: >).prefix(2).reduce(0, +)
    }
  }
}
