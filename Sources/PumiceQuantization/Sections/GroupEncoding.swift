import PumiceTensors

extension SectionEncoder {
  func encode(_ values: [Float], as group: GroupFormat) throws(QuantizationError) -> [[UInt8]] {
    let length = group.group ?? columns
    let search = GroupSearch(group, length: length, isWeighted: importance != nil, isBalanced: isBalanced)
    return try byRows(values.count / columns) { (rows) throws(QuantizationError) in
      var codes = WordString(bits: group.bits), scales: [UInt8] = [], offsets: [UInt8] = []
      var result = [UInt8](repeating: 0, count: length)
      for row in rows {
        for start in stride(from: 0, to: columns, by: length) {
          let (scale, offset) = withSamples(values, row, start, length) { search.encode($0, into: &result) }
          guard scale.isFinite, offset.isFinite else {
            throw QuantizationError(
              .tooLarge, "the elements of row \(row) from column \(start) are beyond \(group.scale.rawValue)")
          }
          codes.append(result)
          scales += group.scale.bytes(scale)
          if group.offset == .bias { offsets += group.scale.bytes(offset) }
        }
      }
      return [codes.bytes, scales] + (group.offset == .bias ? [offsets] : [])
    }
  }
}

/// The codes of one group, with its scale and offset as they are stored.
struct GroupSearch: Sendable {
  private let format: GroupFormat
  private let symmetric: ScaleSearch<UniformCodes>
  private let affine: AffineSearch
  /// What is added to the numbers of the levels to make codes.
  private let shift: UInt8

  init(_ format: GroupFormat, length: Int, isWeighted: Bool, isBalanced: Bool) {
    self.format = format
    let half = 1 << (format.bits - 1)
    let levels = isBalanced ? BitBalance(bits: format.bits - 1).levels : -half...max(half - 1, 1)
    symmetric = ScaleSearch(UniformCodes(levels), length: length, isWeighted: isWeighted)
    shift = UInt8(levels.lowerBound + half)
    affine = AffineSearch(
      highest: 1 << format.bits - 1, length: length, isOffsetNegative: false, isWeighted: isWeighted)
  }

  /// - Returns: scale and offset; infinite if the format has no such numbers.
  func encode(_ samples: Samples, into codes: inout [UInt8]) -> (scale: Float, offset: Float) {
    switch (format.offset, format.bits) {
    case (.symmetric, 1):
      // Plus or minus: the mean magnitude is the best scale.
      let scale = format.scale.nearest(samples.meanMagnitude)
      for i in 0..<samples.length { codes[i] = samples[i].value >= 0 ? 1 : 0 }
      return (scale, 0)
    case (.symmetric, _):
      let scale = format.scale.nearest(symmetric.bestScale(samples))
      store(symmetric.codes, samples, scale, 0, into: &codes)
      if shift > 0 { for i in codes.indices { codes[i] += shift } }
      return (scale, 0)
    case (.bias, 1):
      // Two values: the best there are.
      let centers = ScalarClusters(
        (0..<samples.length).map { samples[$0].value }, weights: (0..<samples.length).map { samples[$0].weight },
        count: 2
      ).centers
      let offset = format.scale.nearest(centers[0])
      let scale = format.scale.nearest(centers[centers.count - 1] - offset)
      store(affine.codes, samples, scale, offset, into: &codes)
      return (scale, offset)
    case (.bias, _):
      let fit = affine.best(samples)
      let scale = format.scale.nearest(fit.scale)
      guard scale.isFinite else { return (scale, 0) }
      let offset = format.scale.nearest(affine.offset(samples, scale: scale, near: fit.offset))
      store(affine.codes, samples, scale, offset, into: &codes)
      return (scale, offset)
    }
  }

  private func store(
    _ book: UniformCodes, _ samples: Samples, _ scale: Float, _ offset: Float, into codes: inout [UInt8]
  ) {
    guard scale.isFinite, offset.isFinite else { return }
    codes.withUnsafeMutableBufferPointer {
      book.encode(samples, scale: scale, offset: offset, into: $0.baseAddress!)
    }
  }
}

/// A string of codes of some bits each, least significant bit first, that is appended to 32 codes at a time.
struct WordString {
  let bits: Int
  private(set) var bytes: [UInt8] = []

  init(bits: Int) { self.bits = bits }

  /// - Precondition: a multiple of 8 codes below 2^bits.
  mutating func append(_ codes: [UInt8]) {
    for start in stride(from: 0, to: codes.count, by: 8) {
      var word: UInt64 = 0
      for i in 0..<8 { word |= UInt64(codes[start + i]) << UInt64(i * bits) }
      for byte in 0..<bits { bytes.append(UInt8(truncatingIfNeeded: word >> UInt64(8 * byte))) }
    }
  }
}
