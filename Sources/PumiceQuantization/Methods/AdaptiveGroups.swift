/// How long the groups of one matrix should be, from its weights alone: FineQuant's adaptive choice (Kim et al. 2023).
///
/// The paper fixes the principle (one scale per row at first, then groups half as long while that narrows the ranges that
/// the scales must cover), not the threshold. The rule here is our own: groups are halved as long as the ranges of the
/// halves are on average below `threshold` times the range of the whole.
public struct AdaptiveGroups: Sendable {
  /// The share of a group's range that its halves must stay below, between 0 and 1.
  public var threshold: Double
  /// The shortest group, a multiple of 32.
  public var shortest: Int

  public init(threshold: Double = 0.9, shortest: Int = 64) {
    precondition(shortest > 0 && shortest % 32 == 0)
    self.threshold = threshold
    self.shortest = shortest
  }

  /// The length of groups for a matrix, which divides its columns; `columns` itself for one scale per row.
  ///
  /// - Parameter values: rows of `columns` elements.
  public func length(_ values: [Float], columns: Int) -> Int {
    precondition(columns > 0 && values.count % columns == 0)
    var length = columns
    var ranges = magnitudes(values, length)
    while length % 64 == 0, length / 2 >= shortest {
      let halves = magnitudes(values, length / 2)
      var sum = 0.0, count = 0
      for (group, range) in ranges.enumerated() where range > 0 {
        sum += Double(halves[2 * group] + halves[2 * group + 1]) / Double(2 * range)
        count += 1
      }
      guard count > 0, sum / Double(count) < threshold else { break }
      length /= 2
      ranges = halves
    }
    return length
  }

  /// The largest magnitude of each group.
  private func magnitudes(_ values: [Float], _ length: Int) -> [Float] {
    stride(from: 0, to: values.count, by: length).map { start in
      values[start..<start + length].reduce(0) { max($0, abs($1)) }
    }
  }
}
