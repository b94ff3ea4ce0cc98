/// The values that codes stand for before they are scaled.
protocol Codebook: Sendable {
  /// The value of the lowest code and of the highest.
  var lowest: Float { get }
  var highest: Float { get }

  /// The value that is nearest to each number.
  func nearest(_ scaled: Lanes) -> Lanes
  /// The number of that value, from 0.
  func code(_ scaled: Lanes) -> Lanes
}

/// Neighbouring whole numbers.
struct UniformCodes: Codebook {
  let lowest: Float
  let highest: Float

  init(_ range: ClosedRange<Int>) {
    lowest = Float(range.lowerBound)
    highest = Float(range.upperBound)
  }

  @inline(__always)
  func nearest(_ scaled: Lanes) -> Lanes { scaled.limited(lowest, highest).roundedSmall() }

  @inline(__always)
  func code(_ scaled: Lanes) -> Lanes { nearest(scaled) - lowest }
}

/// Any values, in ascending order.
struct TableCodes: Codebook {
  let values: [Float]
  /// Halfway between neighbours, and how far apart they are.
  private let boundaries: [(at: Float, step: Float)]

  /// - Precondition: ascending, at least two.
  init(_ values: [Float]) {
    precondition(values.count > 1 && zip(values, values.dropFirst()).allSatisfy { $0 < $1 }, "\(values)")
    self.values = values
    boundaries = zip(values, values.dropFirst()).map { (at: ($0 + $1) / 2, step: $1 - $0) }
  }

  var lowest: Float { values[0] }
  var highest: Float { values[values.count - 1] }

  @inline(__always)
  func nearest(_ scaled: Lanes) -> Lanes {
    var result = Lanes(repeating: lowest)
    for boundary in boundaries {
      result += Lanes.zero.replacing(with: boundary.step, where: scaled .> boundary.at)
    }
    return result
  }

  @inline(__always)
  func code(_ scaled: Lanes) -> Lanes {
    var result = Lanes.zero
    for boundary in boundaries { result += Lanes.zero.replacing(with: 1, where: scaled .> boundary.at) }
    return result
  }
}
