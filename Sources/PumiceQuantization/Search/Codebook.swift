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
  /// Of a long table: how many boundaries are surely below each of equal parts of its range; empty for a short one.
  private let starts: [Int]
  /// Parts of the range for a step of one.
  private let parts: Float

  /// - Precondition: ascending, at least two.
  init(_ values: [Float]) {
    precondition(values.count > 1 && zip(values, values.dropFirst()).allSatisfy { $0 < $1 }, "\(values)")
    self.values = values
    boundaries = zip(values, values.dropFirst()).map { (at: ($0 + $1) / 2, step: $1 - $0) }
    let lowest = values[0], range = values[values.count - 1] - lowest, count = 4 * values.count
    let parts = Float(count) / range
    guard values.count > 16, parts.isFinite, parts > 0 else {
      starts = []
      self.parts = 0
      return
    }
    self.parts = parts
    // One part too early, so that rounding does not matter.
    var starts: [Int] = [], index = 0
    for part in 0..<count {
      let edge = lowest + Float(part - 1) / parts
      while index < boundaries.count, boundaries[index].at < edge { index += 1 }
      starts.append(index)
    }
    self.starts = starts
  }

  /// How many boundaries are below a number: the code of the nearest value.
  @inline(__always)
  private func find(_ x: Float) -> Int {
    let part = (x - values[0]) * parts
    var index = part > 0 ? starts[part < Float(starts.count - 1) ? Int(part) : starts.count - 1] : 0
    while index < boundaries.count, x > boundaries[index].at { index += 1 }
    return index
  }

  var lowest: Float { values[0] }
  var highest: Float { values[values.count - 1] }

  @inline(__always)
  func nearest(_ scaled: Lanes) -> Lanes {
    var result = Lanes(repeating: lowest)
    guard starts.isEmpty else {
      for lane in 0..<8 { result[lane] = values[find(scaled[lane])] }
      return result
    }
    for boundary in boundaries {
      result += Lanes.zero.replacing(with: boundary.step, where: scaled .> boundary.at)
    }
    return result
  }

  @inline(__always)
  func code(_ scaled: Lanes) -> Lanes {
    var result = Lanes.zero
    guard starts.isEmpty else {
      for lane in 0..<8 { result[lane] = Float(find(scaled[lane])) }
      return result
    }
    for boundary in boundaries { result += Lanes.zero.replacing(with: 1, where: scaled .> boundary.at) }
    return result
  }
}
