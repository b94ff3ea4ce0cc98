import PumiceOperators
public import PumiceTensors

/// Rows of a stored tensor that are encoded anew, where more than one encoding may be right; every other byte must stay.
public struct EncodedRows: Sendable {
  public let format: TensorFormat
  public let shape: Shape
  /// What the rows hold before they are encoded.
  public private(set) var numbers: [Int: [Double]] = [:]
  /// How; nil for plain numbers.
  private let encoding: CacheEncoding?

  init(_ format: TensorFormat, _ shape: Shape) {
    self.format = format
    self.shape = shape
    encoding = CacheEncoding(format, rowLength: shape.rowLength)
  }

  /// Takes a row in.
  ///
  /// - Returns: the values that it should have.
  mutating func encode(_ row: Int, _ new: ArraySlice<Double>) -> [Double] {
    numbers[row] = Array(new)
    guard let encoding else { return new.map(format.rounded) }
    return stride(from: new.startIndex, to: new.endIndex, by: encoding.length).flatMap {
      encoding.values(new[$0..<$0 + encoding.length])
    }
  }

  /// What is to be said of an element that is not as it should be.
  public struct Fault: Sendable {
    public let element: Int
    public let reason: String
  }

  /// How far the bytes that a device left are from right, as a share of what is allowed, and the first fault.
  ///
  /// - Parameter before: the bytes that the tensor had.
  public func judge(_ found: [UInt8], before: [UInt8]) -> (worstShare: Double, fault: Fault?) {
    if let byte = firstChange(found, before) {
      return (.infinity, Fault(element: 0, reason: "lost byte \(byte) of the tensor, which is in no row to be written"))
    }
    var worst = 0.0
    let rows = numbers.keys.sorted()
    guard let encoding else {
      let values = format.decode(rows: rows, of: found, shape)
      for (index, row) in rows.enumerated() {
        for (column, number) in numbers[row]!.enumerated() {
          let value = values[index * shape.rowLength + column], expected = format.rounded(number)
          let isSame = value == expected || value.isNaN && expected.isNaN
          let isRight = isSame && value.sign == expected.sign
          if !isRight {
            let reason = "is \(value), expected \(expected)"
            return (.infinity, Fault(element: row * shape.rowLength + column, reason: reason))
          }
        }
      }
      return (0, nil)
    }
    let levels = levels(rows, of: found, encoding)
    for (index, row) in rows.enumerated() {
      for group in 0..<shape.rowLength / encoding.length {
        let columns = group * encoding.length..<(group + 1) * encoding.length
        let (share, fault) = judge(
          numbers[row]![columns].map(CacheEncoding.usable),
          levels[index * shape.rowLength + columns.lowerBound..<index * shape.rowLength + columns.upperBound],
          stored(row, group, of: found, encoding), encoding)
        worst = max(worst, share)
        if let fault {
          let element = row * shape.rowLength + columns.lowerBound + fault.element
          return (.infinity, Fault(element: element, reason: fault.reason))
        }
      }
    }
    return (worst, nil)
  }

  /// Judges the numbers that share a scale.
  private func judge(
    _ numbers: [Double], _ levels: ArraySlice<Double>, _ stored: [Double], _ encoding: CacheEncoding
  ) -> (worstShare: Double, fault: Fault?) {
    let exact = encoding.parameters(of: numbers)
    let scale = stored[0], offset = stored.count > 1 ? stored[1] : 0
    guard encoding.admits(scale: scale, for: exact.scale) else {
      return (.infinity, Fault(element: 0, reason: "has the scale \(scale), which should be \(exact.scale)"))
    }
    guard encoding.admits(offset: offset, for: exact.offset) else {
      return (.infinity, Fault(element: 0, reason: "has the offset \(offset), which should be \(exact.offset)"))
    }
    var worst = 0.0
    for (i, (number, level)) in zip(numbers, levels).enumerated() {
      let share = encoding.excess(of: level, for: number, scale, offset)
      if !(share <= 1) {
        return (
          .infinity,
          Fault(element: i, reason: "is \(number) at the level \(level), \(scale) apart from the offset \(offset)")
        )
      }
      worst = max(worst, share)
    }
    return (worst, nil)
  }

  // MARK: Bytes

  private var sections: TensorSections? {
    format.sectioned?.sections(rows: shape.rows, columns: shape.rowLength)
  }

  /// The first byte outside of the rows that is not as it was.
  private func firstChange(_ found: [UInt8], _ before: [UInt8]) -> Int? {
    var expected = before
    for row in numbers.keys { for range in bytes(of: row) { expected[range] = found[range] } }
    return expected == found ? nil : found.indices.first { expected[$0] != found[$0] }
  }

  /// Where a row lies: every section has the same share for each.
  private func bytes(of row: Int) -> [Range<Int>] {
    guard let sections else {
      let size = format.byteCount(elements: shape.rowLength)!
      return [row * size..<(row + 1) * size]
    }
    return zip(sections.offsets, sections.sizes).map { offset, size in
      offset + size / shape.rows * row..<offset + size / shape.rows * (row + 1)
    }
  }

  /// Where scale and offset lie.
  private func places(_ row: Int, _ group: Int, _ encoding: CacheEncoding) -> [Int] {
    let index = row * (shape.rowLength / encoding.length) + group
    if case .block(let block) = format { return block.halfOffsets.map { index * block.byteCount + $0 } }
    return sections!.offsets.dropFirst().map { $0 + index * encoding.number.byteCount }
  }

  private func stored(_ row: Int, _ group: Int, of bytes: [UInt8], _ encoding: CacheEncoding) -> [Double] {
    bytes.withUnsafeBytes { bytes in
      places(row, group, encoding).map { place in
        switch encoding.number {
        case .f16: bytes.float16(at: place)
        case .bf16: bytes.bfloat16(at: place)
        case .f32: Double(bytes.loadUnaligned(fromByteOffset: place, as: Float.self))
        }
      }
    }
  }

  /// The levels in some rows: their values with 1 for all scales and 0 for all offsets.
  private func levels(_ rows: [Int], of bytes: [UInt8], _ encoding: CacheEncoding) -> [Double] {
    var bytes = bytes
    bytes.withUnsafeMutableBytes { bytes in
      for row in rows {
        for group in 0..<shape.rowLength / encoding.length {
          for (place, number) in zip(places(row, group, encoding), [Float(1), 0]) {
            switch encoding.number {
            case .f16: bytes.storeBytes(of: Float16(number).bitPattern, toByteOffset: place, as: UInt16.self)
            case .bf16: bytes.storeBytes(of: UInt16(number.bitPattern >> 16), toByteOffset: place, as: UInt16.self)
            case .f32: bytes.storeBytes(of: number.bitPattern, toByteOffset: place, as: UInt32.self)
            }
          }
        }
      }
    }
    return format.decode(rows: rows, of: bytes, shape)
  }
}
