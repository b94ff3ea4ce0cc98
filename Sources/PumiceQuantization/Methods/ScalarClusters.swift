/// The k numbers that stand for many with the least weighted squared error: k-means in one dimension, solved exactly.
///
/// In one dimension clusters are runs of the sorted numbers, so dynamic programming finds the best ones: the best first k runs
/// that end before i are the best k − 1 that end before some j, and one from j to i. The best j never falls while i grows,
/// which bounds the work of each layer by n log n (Wang & Song 2011; Grønlund et al. 2017).
public struct ScalarClusters: Sendable {
  /// The means of the clusters, ascending; fewer than asked for if there are fewer different numbers.
  public let centers: [Float]
  /// Σ w (x − nearest center)²
  public let error: Double

  /// - Parameters:
  ///   - values: finite, at least one.
  ///   - weights: of the squared errors, positive; nil for equal ones.
  ///   - count: of centers, at least one.
  ///   - limit: when there are more values than this, those that are the same number in binary16 are first replaced by their
  ///     mean; what the clusters are then the best for differs from the values by half a unit of binary16 at most.
  /// - Complexity: O(count · n log n) in time and O(count · n) in memory, where n is the number of different values.
  public init(_ values: [Float], weights: [Float]? = nil, count: Int, limit: Int = .max) {
    precondition(!values.isEmpty && count > 0 && (weights?.count ?? values.count) == values.count)
    let points = values.count > limit ? Self.merged(values, weights) : Self.distinct(values, weights)
    let sums = RunSums(points)
    guard points.count > count else {
      centers = points.map(\.value)
      error = 0
      return
    }
    // The error of the best runs that cover the first i points, and where the last of them begins, layer after layer.
    var errors = (0...points.count).map { $0 == 0 ? 0 : sums.error(0, $0) }
    var starts: [[Int32]] = []
    for clusters in 1..<count {
      var layer = Layer(previous: errors, sums: sums, clusters: clusters)
      layer.fill()
      errors = layer.errors
      starts.append(layer.starts)
    }
    var centers: [Float] = [], end = points.count
    for layer in starts.reversed() {
      let start = Int(layer[end])
      centers.append(Float(sums.mean(start, end)))
      end = start
    }
    centers.append(Float(sums.mean(0, end)))
    self.centers = centers.reversed()
    error = max(errors[points.count], 0)
  }

  /// One layer of the dynamic program.
  private struct Layer {
    let previous: [Double]
    let sums: RunSums
    /// How many clusters lie before the one that this layer adds.
    let clusters: Int
    var errors: [Double]
    var starts: [Int32]

    init(previous: [Double], sums: RunSums, clusters: Int) {
      self.previous = previous
      self.sums = sums
      self.clusters = clusters
      errors = previous
      starts = previous.indices.map { Int32($0) }
    }

    mutating func fill() { fill(clusters + 1, errors.count - 1, clusters, errors.count - 2) }

    /// Fills `low ... high`, whose best starts lie in `first ... last`.
    private mutating func fill(_ low: Int, _ high: Int, _ first: Int, _ last: Int) {
      guard low <= high else { return }
      let end = (low + high) / 2
      var best = Double.infinity, start = first
      for candidate in first...min(last, end - 1) {
        let error = previous[candidate] + sums.error(candidate, end)
        if error < best { (best, start) = (error, candidate) }
      }
      errors[end] = best
      starts[end] = Int32(start)
      fill(low, end - 1, first, start)
      fill(end + 1, high, start, last)
    }
  }

  /// The means of the values that are the same number in binary16, in order, with the sum of the weights of each.
  private static func merged(_ values: [Float], _ weights: [Float]?) -> [(value: Float, weight: Double)] {
    var sums = [(product: Double, weight: Double)](repeating: (0, 0), count: 1 << 16)
    for (index, value) in values.enumerated() {
      let pattern = Int(Float16(value).bitPattern), weight = Double(weights?[index] ?? 1)
      // In the order of the numbers: negative ones downward, then positive ones.
      let place = pattern < 0x8000 ? pattern + 0x8000 : 0xffff - pattern
      sums[place].product += weight * Double(value)
      sums[place].weight += weight
    }
    return sums.filter { $0.weight > 0 }.map { (Float($0.product / $0.weight), $0.weight) }
  }

  /// The different values in order, with the sum of the weights of each.
  private static func distinct(_ values: [Float], _ weights: [Float]?) -> [(value: Float, weight: Double)] {
    var points: [(value: Float, weight: Double)] = []
    for index in values.indices.sorted(by: { values[$0] < values[$1] }) {
      let weight = Double(weights?[index] ?? 1)
      if let last = points.last, last.value == values[index] {
        points[points.count - 1].weight += weight
      } else {
        points.append((values[index], weight))
      }
    }
    return points
  }
}

/// Sums over runs of sorted points, in constant time.
private struct RunSums {
  private var weights: [Double] = [0]
  private var products: [Double] = [0]
  private var squares: [Double] = [0]
  /// What is subtracted from all points, so that squares are small.
  private let center: Double

  init(_ points: [(value: Float, weight: Double)]) {
    center = points.reduce(0) { $0 + Double($1.value) * $1.weight } / points.reduce(0) { $0 + $1.weight }
    for (value, weight) in points {
      let x = Double(value) - center
      weights.append(weights.last! + weight)
      products.append(products.last! + weight * x)
      squares.append(squares.last! + weight * x * x)
    }
  }

  func mean(_ start: Int, _ end: Int) -> Double {
    center + (products[end] - products[start]) / (weights[end] - weights[start])
  }

  /// Σ w (x − mean)²
  func error(_ start: Int, _ end: Int) -> Double {
    let product = products[end] - products[start]
    return squares[end] - squares[start] - product * product / (weights[end] - weights[start])
  }
}
