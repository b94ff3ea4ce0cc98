/// Codes with one level more than their bits have, so that they lie evenly around zero: W2* of ABQ-LLM (Zeng et al. 2024).
///
/// With n bits there are 2ⁿ + 1 levels, −2ⁿ⁻¹ … 2ⁿ⁻¹. They are stored in n + 1 bit planes, worth 1, 1, 2, 4 … 2ⁿ⁻² and
/// −2ⁿ⁻¹.
public struct BitBalance: Sendable {
  /// 2 to 7.
  public let bits: Int

  /// - Precondition: 2 to 7 bits.
  public init(bits: Int) {
    precondition(2...7 ~= bits, "\(bits)")
    self.bits = bits
  }

  public var levels: ClosedRange<Int> { -(1 << (bits - 1))...1 << (bits - 1) }

  /// What the set bits of a code are worth.
  public var coefficients: [Int] { [1] + (0..<bits - 1).map { 1 << $0 } + [-(1 << (bits - 1))] }

  /// The code of a level: the bits whose coefficients add up to it.
  public func code(_ level: Int) -> UInt8 {
    precondition(levels ~= level, "\(level)")
    let sign = 1 << bits
    let rest = level < 0 ? level + (1 << (bits - 1)) : level
    // Of the two ones the first is needed only for the highest level, which has all others as well.
    let positive = rest == 1 << (bits - 1) ? sign - 1 : rest << 1
    return UInt8(positive | (level < 0 ? sign : 0))
  }

  public func level(_ code: UInt8) -> Int {
    coefficients.indices.reduce(0) { code >> UInt8($1) & 1 == 1 ? $0 + coefficients[$1] : $0 }
  }

  /// Quantizes elements that share a scale.
  ///
  /// - Parameter values: finite, a multiple of 8.
  /// - Returns: the scale and the levels with the least squared error that the search finds.
  public func quantize(_ values: [Float]) -> (scale: Float, levels: [Int]) {
    let codes = UniformCodes(levels)
    let search = ScaleSearch(codes, length: values.count)
    let elements = LaneBuffer(values.count), weights = LaneBuffer(values.count)
    for (i, value) in values.enumerated() {
      elements[i] = value
      weights[i] = 1
    }
    return withExtendedLifetime((elements, weights)) {
      let samples = Samples(values: elements.lanes, weights: weights.lanes, count: values.count / 8)
      let scale = search.bestScale(samples)
      var result = [UInt8](repeating: 0, count: values.count)
      result.withUnsafeMutableBufferPointer { codes.encode(samples, scale: scale, into: $0.baseAddress!) }
      return (scale, result.map { Int($0) + levels.lowerBound })
    }
  }
}
