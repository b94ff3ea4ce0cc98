import PumiceOperators
import PumiceTensors

// The encoding of a cache's rows, in exact arithmetic but for what is stored.

extension CacheEncoding {
  /// How far the scale may be from the exact one before it is rounded to its type, as a share: a difference, a product with
  /// a reciprocal and that reciprocal, each rounded, take 2.5 units.
  static let scaleSlack = 4 * 0x1p-23
  /// How far (x − offset) / scale may be from what it should be before the nearest level is chosen: a difference, a
  /// reciprocal (2.5 units) and a product, with a factor of two.
  static func slack(_ steps: Double) -> Double { 9 * 0x1p-23 * abs(steps) + 0x1p-24 }

  /// The values that `numbers` have in the cache.
  func values(_ numbers: ArraySlice<Double>) -> [Double] {
    let numbers = numbers.map(Self.usable)
    let parameters = parameters(of: numbers)
    let scale = storedScale(parameters.scale), offset = stored(parameters.offset)
    return numbers.map { x in
      let steps = steps(x, scale, offset)
      return Double(Float(scale) * Float(nearestLevel(to: steps)) + Float(offset))
    }
  }

  /// What counts for a number.
  static func usable(_ number: Double) -> Double {
    number.isNaN ? 0 : max(-Double(largest), min(Double(largest), number))
  }

  /// Scale and offset before they are rounded.
  func parameters(of numbers: [Double]) -> (scale: Double, offset: Double) {
    switch scale {
    case .extreme(let level):
      let extreme = numbers.dropFirst().reduce(numbers[0]) { abs($1) > abs($0) ? $1 : $0 }
      return (extreme / Double(level), 0)
    case .magnitude(let level): return (numbers.map(abs).max()! / Double(level), 0)
    case .range(let level):
      let least = numbers.min()!
      return ((numbers.max()! - least) / Double(level), least)
    }
  }

  /// The scale as it is stored.
  func storedScale(_ scale: Double) -> Double { abs(scale) < Double(Self.leastScale) ? 0 : stored(scale) }

  /// The nearest number of the type, or its largest.
  func stored(_ value: Double) -> Double {
    switch number {
    case .f32: return TensorFormat.f32.rounded(value)
    case .bf16: return TensorFormat.bf16.rounded(value)
    case .f16:
      let limit = Double(Float16.greatestFiniteMagnitude)
      return max(-limit, min(limit, TensorFormat.f16.rounded(value)))
    }
  }

  /// How many scales a number is from the offset, no farther than beyond the last levels.
  func steps(_ number: Double, _ scale: Double, _ offset: Double) -> Double {
    let steps = scale == 0 ? 0 : (number - offset) / scale
    return max(Double(levels.first!) - 1, min(Double(levels.last!) + 1, steps))
  }

  /// The level that is nearest to a number of scales, of two the lower.
  private func nearestLevel(to steps: Double) -> Double {
    // The first level that is not below, and the one before.
    var low = 0, high = levels.count - 1
    while low < high {
      let middle = (low + high) / 2
      if Double(levels[middle]) < steps { low = middle + 1 } else { high = middle }
    }
    let above = Double(levels[low]), below = Double(levels[max(0, low - 1)])
    return abs(below - steps) <= abs(above - steps) ? below : above
  }

  // MARK: What else is right

  /// Whether a device may store `found` for a scale that is exactly `scale`.
  func admits(scale found: Double, for scale: Double) -> Bool {
    let ends = [storedScale(scale * (1 - Self.scaleSlack)), storedScale(scale * (1 + Self.scaleSlack))]
    return ends.min()! <= found && found <= ends.max()!
  }

  /// Whether a device may store `found` for `offset`, which it may take for zero where that is subnormal.
  func admits(offset found: Double, for offset: Double) -> Bool {
    found == stored(offset) || found == 0 && abs(offset) < 0x1p-126
  }

  /// How much farther the level `found` is from a number than the nearest, as a share of what is allowed.
  func excess(of found: Double, for number: Double, _ scale: Double, _ offset: Double) -> Double {
    let steps = steps(number, scale, offset)
    // An error of the steps takes from one distance what it adds to the other.
    return (abs(found - steps) - abs(nearestLevel(to: steps) - steps)) / (2 * Self.slack(steps))
  }
}
