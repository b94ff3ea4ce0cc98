import Testing

@testable import PumiceQuantization

@Suite struct ClusterTests {
  /// All ways to cut 9 sorted numbers into runs.
  @Test(arguments: 1...5) func clustersAreTheBest(_ count: Int) {
    let values = seededWeights(9), weights = (0..<9).map { Float(1 + $0 * 7 % 4) }
    let found = ScalarClusters(values, weights: weights, count: count)
    let order = values.indices.sorted { values[$0] < values[$1] }
    var best = Double.infinity
    for cuts in 0..<256 where cuts.nonzeroBitCount == count - 1 {
      var error = 0.0, run: [Int] = []
      for (place, index) in order.enumerated() {
        run.append(index)
        guard place == 8 || cuts >> place & 1 == 1 else { continue }
        let weight = run.reduce(0) { $0 + Double(weights[$1]) }
        let mean = run.reduce(0) { $0 + Double(weights[$1] * values[$1]) } / weight
        error += run.reduce(0) { $0 + Double(weights[$1]) * (Double(values[$1]) - mean) * (Double(values[$1]) - mean) }
        run = []
      }
      best = min(best, error)
    }
    #expect(abs(found.error - best) <= 1e-9 * best + 1e-15)
    #expect(found.centers.count == count && zip(found.centers, found.centers.dropFirst()).allSatisfy { $0 < $1 })
    #expect(abs(error(values, weights, found.centers) - found.error) <= 1e-6 * best + 1e-12)
  }

  @Test(arguments: [2, 4, 8, 16, 256]) func neverWorseThanLloyd(_ count: Int) {
    let values = seededWeights(2000), weights = (0..<2000).map { 0.1 + Float($0 % 13) }
    let found = ScalarClusters(values, weights: weights, count: count)
    let own = error(values, weights, found.centers)
    #expect(abs(own - found.error) <= 1e-4 * own + 1e-9)
    // Lloyd's algorithm from quantiles and from a grid.
    let sorted = values.sorted()
    let starts = [
      (0..<count).map { sorted[(2 * $0 + 1) * 1000 / count] },
      (0..<count).map { sorted[0] + (sorted[1999] - sorted[0]) * (Float($0) + 0.5) / Float(count) },
    ]
    for start in starts {
      var centers = start
      for _ in 0..<30 {
        var products = [Double](repeating: 0, count: count), sums = products
        for (value, weight) in zip(values, weights) {
          let nearest = centers.indices.min { abs(centers[$0] - value) < abs(centers[$1] - value) }!
          products[nearest] += Double(value * weight)
          sums[nearest] += Double(weight)
        }
        for i in 0..<count where sums[i] > 0 { centers[i] = Float(products[i] / sums[i]) }
      }
      #expect(own <= error(values, weights, centers) * (1 + 1e-5))
    }
  }

  @Test func fewValuesAreHeldWithoutLoss() {
    let levels: [Float] = [-2, -0.5, 0, 1e-3, 0.25, 3, 7, 1e4]
    let values = (0..<500).map { levels[$0 * $0 % 8] } + levels
    let found = ScalarClusters(values, count: 8)
    #expect(found.centers == levels && found.error == 0)
    #expect(ScalarClusters(values, count: 16).centers == levels)
    #expect(ScalarClusters([3, 3, 3], count: 2).centers == [3])
  }

  private func error(_ values: [Float], _ weights: [Float], _ centers: [Float]) -> Double {
    zip(values, weights).reduce(0) { sum, point in
      sum + Double(point.1) * centers.map { Double($0 - point.0) * Double($0 - point.0) }.min()!
    }
  }
}
