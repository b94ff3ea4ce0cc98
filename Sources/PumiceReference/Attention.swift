public import PumiceOperators
import PumiceTensors

extension Attention: Definition {
  public func evaluate(
    _ inputs: [String: [Double]], rounding: RoundingModel, elements: ElementSelection
  ) -> [String: Evaluated] {
    let cache = AttentionCache(self, inputs)
    /// What heads outside the part leave as it was.
    func before(_ name: String, count: Int) -> Evaluated {
      inputs[name].map { Evaluated(exact: $0) } ?? Evaluated(count: count)
    }
    var y = before("y", count: sequences * tokens * heads * valueSize)
    var logSums = before(Output.logSumExp.rawValue, count: sequences * tokens * heads)
    var columns = before(Output.columnSums.rawValue, count: sequences * heads * capacity)
    var last = before(Output.lastRow.rawValue, count: sequences * heads * capacity)
    let wantsProbabilities = !outputs.isDisjoint(with: [.columnSums, .lastRow])
    for s in 0..<sequences {
      for h in computedHeads.lowerBound * group..<computedHeads.upperBound * group {
        let cells = (s * heads + h) * capacity..<(s * heads + h + 1) * capacity
        let wantsCells = wantsProbabilities && cells.contains(where: elements.contains)
        if wantsCells {
          for cell in cells { columns.set(cell, 0, bound: 0) }
        }
        for t in 0..<tokens {
          let row = (s * tokens + t) * heads + h
          let isWanted =
            wantsCells || elements.contains(row)
            || (row * valueSize..<(row + 1) * valueSize).contains(where: elements.contains)
          if !isWanted { continue }
          let attended = AttendedRow(self, cache, sequence: s, token: t, head: h, rounding: rounding)
          attended.write(to: &y, at: row * valueSize)
          logSums.set(row, attended.logSumExp, bound: attended.logSumExpBound)
          if wantsCells {
            attended.add(to: &columns, at: cells.lowerBound)
            if t == tokens - 1 {
              for cell in cells { last.set(cell, 0, bound: 0) }
              attended.add(to: &last, at: cells.lowerBound)
            }
          }
        }
        if wantsCells {
          for cell in cells {
            columns.bounds[cell] += rounding.dotProduct(length: tokens, magnitude: columns.values[cell])
          }
        }
      }
    }
    var results = ["y": y]
    for output in outputs {
      switch output {
      case .logSumExp: results[output.rawValue] = logSums
      case .columnSums: results[output.rawValue] = columns
      case .lastRow: results[output.rawValue] = last
      }
    }
    return results
  }
}

extension Evaluated {
  fileprivate mutating func set(_ index: Int, _ value: Double, bound: Double) {
    values[index] = value
    bounds[index] = bound
  }
}

/// The inputs of Attention, taken apart.
struct AttentionCache {
  let q: [Double], k: [Double], v: [Double], sinks: [Double]?
  /// Position of each query; of each cell.
  let positions: [Int], keyPositions: [Int]
  let lengths: [Int], totals: [Int]

  init(_ op: Attention, _ inputs: [String: [Double]]) {
    q = inputs["q"]!
    k = inputs["k"]!
    v = inputs["v"]!
    sinks = op.hasSinks ? inputs["sinks"]! : nil
    positions = inputs["positions"]!.map { Int($0) }
    keyPositions = inputs["key_positions"]!.map { Int($0) }
    lengths = inputs["lengths"]!.map { Int($0) }
    totals = inputs["totals"]!.map { Int($0) }
  }
}

/// One row of attention: one head of one token.
private struct AttendedRow {
  let op: Attention
  let cache: AttentionCache
  let rounding: RoundingModel
  /// The first cell of the row's key-value head in k and v.
  let cachedBase: Int
  /// The cells that the row sees.
  let cells: [Int]
  /// Their scores and how far these may be off; the sink's is last.
  let scores: [Double]
  let errors: [Double]
  let whole: SoftmaxSum
  private let bound: AttentionBound?

  init(_ op: Attention, _ cache: AttentionCache, sequence: Int, token: Int, head: Int, rounding: RoundingModel) {
    self.op = op
    self.cache = cache
    self.rounding = rounding
    let set = sequence * op.kvHeads + head / op.group
    let base = set * op.capacity
    let part = op.computedHeads
    let cachedBase = (sequence * part.count + head / op.group - part.lowerBound) * op.capacity
    self.cachedBase = cachedBase
    let query = cache.positions[sequence * op.tokens + token]
    let row = ((sequence * op.tokens + token) * op.heads + head) * op.keySize
    cells =
      query < 0
      ? []
      : (0..<min(op.capacity, cache.lengths[set])).filter { cell in
        let key = cache.keyPositions[base + cell]
        return key >= 0
          && op.mask.isLive(head: head, heads: op.heads, query: query, key: key, length: cache.totals[sequence])
      }
    var scores: [Double] = [], errors: [Double] = []
    for cell in cells {
      let key = cache.k[(cachedBase + cell) * op.keySize..<(cachedBase + cell + 1) * op.keySize]
      let (score, error) = op.score(
        cache.q[row..<row + op.keySize], key, head: head, query: query, key: cache.keyPositions[base + cell],
        rounding: rounding)
      scores.append(score)
      errors.append(error)
    }
    var values = cells.flatMap { cache.v[(cachedBase + $0) * op.valueSize..<(cachedBase + $0 + 1) * op.valueSize] }
    if let sinks = cache.sinks {
      scores.append(sinks[head])
      errors.append(RoundingModel.flush)
      values += Array(repeating: 0, count: op.valueSize)
    }
    self.scores = scores
    self.errors = errors
    whole = SoftmaxSum(scores: scores, values: values, width: op.valueSize)
    bound =
      scores.isEmpty
      ? nil
      : AttentionBound(
        scores: scores, scoreErrors: errors, whole: whole, decodes: !op.valueFormat.isPlain, rounding: rounding)
  }

  var logSumExp: Double { whole.logSumExp }
  var logSumExpBound: Double { bound?.logSumExp ?? 0 }

  func write(to y: inout Evaluated, at start: Int) {
    let value = whole.normalized
    for d in 0..<op.valueSize {
      y.values[start + d] = value[d]
      guard let bound, !cells.isEmpty else { continue }
      var column = cells.map { cache.v[(cachedBase + $0) * op.valueSize + d] }
      if cache.sinks != nil { column.append(0) }
      y.bounds[start + d] = bound.bound(value: value[d], column: column)
    }
  }

  /// Adds the probabilities of the cells, each exp(score − log-sum-exp) with the errors of both and of the exponential.
  func add(to output: inout Evaluated, at start: Int) {
    for (index, cell) in cells.enumerated() {
      let exponent = scores[index] - logSumExp
      let probability = DoubleMath.exponential(exponent)
      let shift = errors[index] + logSumExpBound
      let relative = shift + (abs(exponent) + shift) * 3 * 0x1p-23 + 3 * 0x1p-23
      let grown = DoubleMath.exponential(min(700, exponent + relative))
      output.values[start + cell] += probability
      output.bounds[start + cell] += (grown - probability) + RoundingModel.flush + rounding.output * probability
    }
  }
}

extension Attention {
  /// The score of a key, and how far rounding may take it from the truth.
  func score(
    _ q: ArraySlice<Double>, _ k: ArraySlice<Double>, head: Int, query: Int, key: Int, rounding: RoundingModel
  ) -> (score: Double, error: Double) {
    let unit = rounding.accumulator
    var dot = 0.0, magnitude = 0.0, operands = 0.0
    for (a, b) in zip(q, k) {
      dot += a * b
      magnitude += abs(a * b)
      operands += abs(a) + abs(b)
    }
    var score = Double(scale) * dot, error = 0.0
    // A sum of zeros is exact. Otherwise operands, products and partial sums may each lose a subnormal number. Codes may be
    // multiplied first and by their scale then.
    if magnitude > 0 {
      let flushed = RoundingModel.flush * (operands + 2 * Double(keySize))
      let decoding = keyFormat.isPlain ? 0 : 3 * unit * magnitude
      error =
        (rounding.dotProduct(length: keySize, magnitude: magnitude) + decoding + flushed) * abs(Double(scale))
        + 2 * unit * abs(score) + RoundingModel.flush
    }
    for modification in modifications {
      let before = score
      score = modification.apply(before, head: head, query: query, key: key)
      switch modification {
      case .softCap(let cap):
        // cap − 2·cap / (exp(x) + 1), x = 2·score / cap: the errors of x and of the exponential shrink as the quotient does.
        let x = min(2 * before / Double(cap), 80)
        let e = DoubleMath.exponential(max(x, -700))
        let slope = 2 * Double(cap) * e / ((e + 1) * (e + 1))
        error =
          min(error, 2 * Double(cap)) + slope * (3 + (2 + 4) * abs(x)) * 0x1p-23 + 8 * Double(cap) * 0x1p-23
          + RoundingModel.flush
      case .alibi(let slopes):
        let penalty = Double(slopes[head]) * Double(abs(query - key))
        error += unit * (abs(penalty) + abs(score)) + 2 * RoundingModel.flush
      case .user:
        // How fast a function of the user's changes is measured; its own rounding may be 8 units in the last place.
        let low = modification.apply(before - error, head: head, query: query, key: key)
        let high = modification.apply(before + error, head: head, query: query, key: key)
        error =
          max(abs(low - score), abs(high - score)) + 8 * 0x1p-23 * (abs(before) + abs(score)) + 2 * RoundingModel.flush
      }
    }
    return (score, error)
  }
}

/// A weighted sum by softmax over some keys, not yet divided: what an online softmax carries along, and what a split over
/// the keys leaves behind. Sums over disjoint sets of keys merge into that over their union (Milakov & Gimelshein 2018,
/// "Online normalizer calculation for softmax"; Dao et al. 2022).
public struct SoftmaxSum: Sendable {
  /// The largest score; -∞ without keys.
  public var largest: Double
  /// Σ exp(score − largest).
  public var total: Double
  /// Σ exp(score − largest) · value, per element.
  public var sum: [Double]

  /// - Parameter values: one row of `width` elements for each score.
  public init(scores: [Double], values: [Double], width: Int) {
    let largest = scores.max() ?? -.infinity
    self.largest = largest
    total = 0
    sum = Array(repeating: 0, count: width)
    for (j, score) in scores.enumerated() {
      let weight = DoubleMath.exponential(score - largest)
      total += weight
      for d in 0..<width { sum[d] += weight * values[j * width + d] }
    }
  }

  /// What a row of attention and its log-sum-exp stand for.
  public init(normalized: [Double], logSumExp: Double) {
    largest = logSumExp
    total = 1
    sum = normalized
  }

  /// The sum over the keys of both.
  public func merged(with other: SoftmaxSum) -> SoftmaxSum {
    if other.largest == -.infinity { return self }
    if largest == -.infinity { return other }
    var merged = self
    merged.largest = max(largest, other.largest)
    let mine = DoubleMath.exponential(largest - merged.largest)
    let others = DoubleMath.exponential(other.largest - merged.largest)
    merged.total = mine * total + others * other.total
    for d in sum.indices { merged.sum[d] = mine * sum[d] + others * other.sum[d] }
    return merged
  }

  /// log Σ exp(score); −∞ without keys.
  public var logSumExp: Double { largest == -.infinity ? largest : largest + DoubleMath.logarithm(total) }

  /// The weighted mean; zeros without keys.
  public var normalized: [Double] { sum.map { largest == -.infinity ? 0 : $0 / total } }
}
