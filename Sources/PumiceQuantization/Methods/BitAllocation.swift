/// One choice out of several for each of many matrices, such that the sum of the errors is least while the sum of the sizes
/// stays within a budget: LQ-LoRA's allocation (Guo et al. 2024), a multiple-choice knapsack.
///
/// For a price λ of a byte every matrix picks the choice of the least error + λ · size by itself; the price at which the sizes
/// fit gives a bound that no allocation can be below, and an allocation that is within one choice of the best one. A search
/// over the matrices that is cut off by that bound then closes the gap.
public struct BitAllocation: Hashable, Sendable {
  /// What a choice costs and what error it leaves.
  public struct Choice: Hashable, Sendable {
    public var size: Int
    public var error: Double

    public init(size: Int, error: Double) {
      self.size = size
      self.error = error
    }
  }

  /// The number of each matrix's choice.
  public let chosen: [Int]
  public let size: Int
  public let error: Double
  /// What no allocation within the budget can be below.
  public let bound: Double
  /// Whether the search ended: no allocation within the budget has less error.
  public let isOptimal: Bool

  /// - Parameters:
  ///   - matrices: the choices of each; at least one, with errors that are numbers from 0.
  ///   - budget: the sum of sizes that must not be exceeded.
  ///   - steps: the most partial allocations that the search looks at.
  /// - Throws: `wrongParameter` when even the smallest choices exceed the budget.
  public init(_ matrices: [[Choice]], budget: Int, steps: Int = 200_000) throws(QuantizationError) {
    for (index, choices) in matrices.enumerated() {
      guard !choices.isEmpty, choices.allSatisfy({ $0.error >= 0 && $0.error.isFinite && $0.size >= 0 }) else {
        throw QuantizationError(.wrongParameter, "matrix \(index) has no choice, or one without size and error")
      }
    }
    let least = matrices.reduce(0) { $0 + $1.map(\.size).min()! }
    guard least <= budget else {
      throw QuantizationError(
        .wrongParameter, "the smallest choices take \(least) bytes together, more than the budget of \(budget)")
    }
    let price = Self.price(matrices, budget)
    var search = Search(matrices, budget: budget, price: price, steps: steps)
    search.run()
    chosen = search.best
    size = zip(matrices, search.best).reduce(0) { $0 + $1.0[$1.1].size }
    error = zip(matrices, search.best).reduce(0) { $0 + $1.0[$1.1].error }
    isOptimal = search.steps > 0
    bound = isOptimal ? error : min(search.bound, error)
  }

  /// The choice of the least error + price · size; of equal ones the smaller.
  private static func pick(_ choices: [Choice], _ price: Double) -> Int {
    choices.indices.min {
      let (a, b) = (choices[$0], choices[$1])
      let (x, y) = (a.error + price * Double(a.size), b.error + price * Double(b.size))
      return x != y ? x < y : a.size < b.size
    }!
  }

  /// The lowest price of a byte at which every matrix's own pick fits the budget.
  private static func price(_ matrices: [[Choice]], _ budget: Int) -> Double {
    func fits(_ price: Double) -> Bool {
      matrices.reduce(0) { $0 + $1[pick($1, price)].size } <= budget
    }
    if fits(0) { return 0 }
    // A byte cannot be worth more than the whole error.
    var low = 0.0, high = matrices.reduce(0) { $0 + ($1.map(\.error).max() ?? 0) } + 1
    for _ in 0..<200 {
      let middle = (low + high) / 2
      if fits(middle) { high = middle } else { low = middle }
    }
    return high
  }

  /// Depth-first search, cut off where the bound says that nothing better can follow.
  private struct Search {
    let matrices: [[Choice]]
    let budget: Int
    let price: Double
    var steps: Int
    /// What error + price · size the matrices from each one on have at least, and their smallest sizes.
    private var tails: [Double]
    private var smallest: [Int]
    /// The choices of each matrix in the order of error + price · size.
    private let orders: [[Int]]
    private var current: [Int]
    private(set) var best: [Int]
    private var bestError: Double

    init(_ matrices: [[Choice]], budget: Int, price: Double, steps: Int) {
      self.matrices = matrices
      self.budget = budget
      self.price = price
      self.steps = steps
      orders = matrices.map { choices in
        choices.indices.sorted {
          choices[$0].error + price * Double(choices[$0].size) < choices[$1].error + price * Double(choices[$1].size)
        }
      }
      tails = [0]
      smallest = [0]
      for (choices, order) in zip(matrices, orders).reversed() {
        let cheapest = choices[order[0]]
        tails.append(tails.last! + cheapest.error + price * Double(cheapest.size))
        smallest.append(smallest.last! + choices.map(\.size).min()!)
      }
      tails.reverse()
      smallest.reverse()
      best = matrices.map { BitAllocation.pick($0, price) }
      if zip(matrices, best).reduce(0, { $0 + $1.0[$1.1].size }) > budget {
        best = matrices.map { choices in choices.indices.min { choices[$0].size < choices[$1].size }! }
      }
      current = best
      bestError = 0
      spendTheRest()
      bestError = error(best)
      current = best
    }

    /// The Lagrangian bound of the whole.
    var bound: Double { tails[0] - price * Double(budget) }

    private func error(_ chosen: [Int]) -> Double { zip(matrices, chosen).reduce(0) { $0 + $1.0[$1.1].error } }

    /// Single changes that lower the error within the budget, the best one first.
    private mutating func spendTheRest() {
      var rest = budget - zip(matrices, best).reduce(0) { $0 + $1.0[$1.1].size }
      while true {
        var change: (matrix: Int, choice: Int, gain: Double)?
        for (index, choices) in matrices.enumerated() {
          let present = choices[best[index]]
          for (number, choice) in choices.enumerated() where choice.size - present.size <= rest {
            let gain = present.error - choice.error
            if gain > change?.gain ?? 0 { change = (index, number, gain) }
          }
        }
        guard let change else { return }
        rest -= matrices[change.matrix][change.choice].size - matrices[change.matrix][best[change.matrix]].size
        best[change.matrix] = change.choice
      }
    }

    mutating func run() { visit(0, 0, 0) }

    private mutating func visit(_ index: Int, _ size: Int, _ error: Double) {
      guard steps > 0 else { return }
      steps -= 1
      guard index < matrices.count else {
        if error < bestError { (bestError, best) = (error, current) }
        return
      }
      for number in orders[index] {
        let choice = matrices[index][number]
        let nextSize = size + choice.size, nextError = error + choice.error
        // In this order the bound only grows.
        guard nextError + tails[index + 1] - price * Double(budget - nextSize) < bestError * (1 - 1e-12) else { break }
        guard nextSize + smallest[index + 1] <= budget else { continue }
        current[index] = number
        visit(index + 1, nextSize, nextError)
        guard steps > 0 else { return }
      }
    }
  }
}
