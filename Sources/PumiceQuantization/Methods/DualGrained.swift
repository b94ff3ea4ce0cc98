/// Weights of 4 bits whose groups are scaled by whole numbers and whose rows by one: DGQ's two-phase search (Zhang et al. 2023).
///
/// The value is (q − z) · r · s with codes q and zero points z from 0 to 15, ratios r from 1 to 127, and |(q − z) · r| ≤ 127,
/// so that (q − z) · r is an operand of an 8-bit integer product.
public struct DualGrained: Sendable {
  /// Elements of a group.
  public let group: Int

  public init(group: Int = 128) {
    precondition(group > 0)
    self.group = group
  }

  /// One encoded row.
  public struct Row: Hashable, Sendable {
    public let scale: Float
    /// Of each group.
    public let ratios: [Int]
    public let zeros: [Int]
    public let codes: [UInt8]
    /// How far the second phase narrowed the row's range: one of `DualGrained.rowShares`.
    public let share: Float

    /// (q − z) · r
    public func integers(group: Int) -> [Int] {
      codes.indices.map { (Int(codes[$0]) - zeros[$0 / group]) * ratios[$0 / group] }
    }

    public func values(group: Int) -> [Float] { integers(group: group).map { Float($0) * scale } }
  }

  /// Shares of each group's range that the first phase tries, and of the row's largest magnitude that the second tries.
  public static let groupShares: [Float] = (0..<20).map { 1.02 - 0.22 * Float($0 + 1) / 20 }
  public static let rowShares: [Float] = (0..<80).map { 1.02 - 0.82 * Float($0 + 1) / 80 }

  /// What errors are measured on: inputs that the row is multiplied by.
  public struct Inputs: Sendable {
    /// Samples × columns; nil to measure the weights themselves.
    let samples: [[Float]]?
    /// The weight of the error of each column, where there are no samples; nil for equal ones.
    let importance: [Float]?

    /// The weights themselves.
    public static let none = Inputs(importance: nil)

    /// - Parameter samples: inputs of the matrix, each as long as a row.
    public init(_ samples: [[Float]]) {
      self.samples = samples
      importance = nil
    }

    /// - Parameter importance: the mean square of each column's inputs; nil for equal ones.
    public init(importance: [Float]?) {
      samples = nil
      self.importance = importance
    }

    fileprivate func fits(_ columns: Int) -> Bool {
      samples?.allSatisfy { $0.count == columns } ?? true && importance.map { $0.count == columns } ?? true
    }

    /// Σ (x · e)² over the samples or Σ w e², for an error e of columns that begin at `first`.
    func error(_ rest: [Float], first: Int) -> Double {
      guard let samples else {
        return rest.indices.reduce(0) {
          $0 + Double(importance?[first + $1] ?? 1) * Double(rest[$1]) * Double(rest[$1])
        }
      }
      return samples.reduce(0) { sum, sample in
        var product = 0.0
        for (i, e) in rest.enumerated() { product += Double(sample[first + i]) * Double(e) }
        return sum + product * product
      }
    }
  }

  /// - Throws: `wrongShape`, `notFinite`, or `tooLarge` for a row that f16 scales cannot hold.
  public func encode(_ row: [Float], inputs: Inputs = .none) throws(QuantizationError) -> Row {
    guard row.count % group == 0, !row.isEmpty, inputs.fits(row.count) else {
      throw QuantizationError(
        .wrongShape, "rows of \(row.count) are no whole number of groups of \(group), or the inputs have another length"
      )
    }
    if let index = row.firstIndex(where: { !$0.isFinite }) {
      throw QuantizationError(.notFinite, "the element in column \(index) is \(row[index])")
    }
    let groups = stride(from: 0, to: row.count, by: group).map { start in
      firstPhase(Array(row[start..<start + group]), first: start, inputs)
    }
    let largest = row.reduce(0) { max($0, abs($1)) }
    var best: (error: Double, row: Row)?
    for share in Self.rowShares {
      let scale = half(largest * share / 127)
      guard scale.isFinite else { continue }
      let candidate = encode(row, groups, scale: scale, share: share)
      let error = inputs.error(zip(row, candidate.values(group: group)).map { $0 - $1 }, first: 0)
      if error < best?.error ?? .infinity { best = (error, candidate) }
    }
    guard let best else { throw QuantizationError(.tooLarge, "the row is beyond the scales of f16") }
    return best.row
  }

  /// The scale and zero point of a group: of narrowed ranges, with zero among them, the one of the least output error.
  func firstPhase(_ values: [Float], first: Int, _ inputs: Inputs) -> (scale: Float, zero: Int) {
    let low = min(values.min()!, 0), high = max(values.max()!, 0)
    guard high > low else { return (0, 0) }
    var best: (error: Double, scale: Float, zero: Int) = (.infinity, 0, 0)
    for share in Self.groupShares {
      let scale = (high - low) * share / 15
      guard scale > 0 else { continue }
      let zero = min(max((-low * share / scale).rounded(), 0), 15)
      let rest = values.map { $0 - (min(max(($0 / scale).rounded() + zero, 0), 15) - zero) * scale }
      let error = inputs.error(rest, first: first)
      if error < best.error { best = (error, scale, Int(zero)) }
    }
    return (best.scale, best.zero)
  }

  /// The codes at a scale of the row: ratios are the nearest whole numbers, and codes use what they really amount to.
  func encode(_ row: [Float], _ groups: [(scale: Float, zero: Int)], scale: Float, share: Float) -> Row {
    let inverse = scale > 0 ? 1 / scale : 0
    let ratios = groups.map { min(max(Int(min($0.scale * inverse, 127).rounded()), 1), 127) }
    let codes = row.enumerated().map { index, value in
      let (ratio, zero) = (ratios[index / group], groups[index / group].zero)
      // (q − z) · r must fit into 8 bits.
      let most = 127 / ratio
      let limited = min(max(value * inverse, -127), 127)
      let code = Int((limited / Float(ratio)).rounded()) + zero
      return UInt8(min(max(code, max(0, zero - most)), min(15, zero + most)))
    }
    return Row(scale: scale, ratios: ratios, zeros: groups.map(\.zero), codes: codes, share: share)
  }
}
