/// Eight neighbouring elements. Every block and group length is a multiple of it.
typealias Lanes = SIMD8<Float>

extension Lanes {
  /// The nearest whole numbers, ties to even, for magnitudes below 2²²: adding 1.5 · 2²³ leaves no bits for a fraction.
  @inline(__always)
  func roundedSmall() -> Lanes {
    let shift = Lanes(repeating: 12_582_912)
    return (self + shift) - shift
  }

  @inline(__always)
  func limited(_ lowest: Float, _ highest: Float) -> Lanes {
    var result = self
    // Written out so that it becomes two vector instructions.
    for lane in 0..<8 {
      let raised = result[lane] < lowest ? lowest : result[lane]
      result[lane] = raised > highest ? highest : raised
    }
    return result
  }
}

/// Neighbouring elements of a row that share a scale, with the weight of each one's squared error.
///
/// The memory belongs to the caller and outlives the value.
struct Samples {
  let values: UnsafePointer<Lanes>
  /// Not negative, and not all zero.
  let weights: UnsafePointer<Lanes>
  /// Number of vectors.
  let count: Int

  var length: Int { count * 8 }

  /// Samples `start ..< start + length`, both multiples of 8.
  func part(_ start: Int, _ length: Int) -> Samples {
    Samples(values: values + start / 8, weights: weights + start / 8, count: length / 8)
  }

  subscript(index: Int) -> (value: Float, weight: Float) {
    (values[index / 8][index % 8], weights[index / 8][index % 8])
  }

  /// The element of the largest magnitude, with its sign.
  var extreme: Float {
    let (lowest, highest) = range
    return -lowest > highest ? lowest : highest
  }

  var range: (lowest: Float, highest: Float) {
    var low = values[0], high = values[0]
    for i in 1..<max(count, 1) {
      let x = values[i]
      for lane in 0..<8 {
        low[lane] = x[lane] < low[lane] ? x[lane] : low[lane]
        high[lane] = x[lane] > high[lane] ? x[lane] : high[lane]
      }
    }
    return (low.min(), high.max())
  }
}
