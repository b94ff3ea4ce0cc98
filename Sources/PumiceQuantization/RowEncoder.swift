public import PumiceTensors

/// Encodes rows of a tensor in a format whose rows are runs of bytes: plain numbers and GGUF's blocks.
///
/// What is stored decodes to values with the least squared error that the search of scales finds. The error of each
/// element is weighted by the importance of its column.
public struct RowEncoder: Sendable {
  public let format: TensorFormat
  /// Elements of a row.
  public let columns: Int
  /// Bytes of an encoded row.
  public let rowBytes: Int
  private let block: BlockEncoder?
  /// One for each column, of mean 1; nil if all are equal.
  private let importance: [Float]?

  /// The block formats that have an encoder. The others choose points of a lattice.
  public static let blockFormats = BlockFormat.allCases.filter { BlockEncoder($0, isWeighted: false) != nil }

  /// - Parameter importance: the weight of the squared error of each column, not negative; nil for equal ones.
  /// - Throws: `unsupportedFormat`, `wrongShape` or `wrongImportance`.
  public init(_ format: TensorFormat, columns: Int, importance: [Float]? = nil) throws(QuantizationError) {
    guard columns > 0, columns % format.blockLength == 0 else {
      throw QuantizationError(
        .wrongShape, "rows of \(columns) are no whole number of blocks of \(format.blockLength), as \(format) has")
    }
    let encoder: BlockEncoder?
    switch format {
    case .f32, .f16, .bf16: encoder = nil
    case .block(let block): encoder = BlockEncoder(block, isWeighted: importance != nil)
    default: encoder = nil
    }
    let isKnown = format.isPlain || encoder != nil
    guard isKnown, let bytes = format.byteCount(elements: columns) else {
      let known = ["f32", "f16", "bf16"] + Self.blockFormats.map(\.rawValue)
      throw QuantizationError(
        .unsupportedFormat, "\(format) has no encoder for rows, only \(known.joined(separator: ", "))")
    }
    self.importance = try importance.map { (weights) throws(QuantizationError) in
      try normalized(weights, columns: columns)
    }
    self.format = format
    self.columns = columns
    rowBytes = bytes
    block = encoder
  }

  /// Encodes whole rows, on the calling thread.
  ///
  /// - Parameter firstRow: the number of the first row, for messages.
  /// - Throws: `notFinite` or `tooLarge`, with the row and the column.
  /// - Precondition: `values` are whole rows and `bytes` has room for exactly them.
  public func encode(
    _ values: UnsafeBufferPointer<Float>, into bytes: UnsafeMutableRawBufferPointer, firstRow: Int = 0
  ) throws(QuantizationError) {
    let rows = values.count / columns
    precondition(values.count == rows * columns && bytes.count == rows * rowBytes, "\(values.count), \(bytes.count)")
    try check(values, firstRow)
    switch format {
    case .f32: for (i, x) in values.enumerated() { store(x.bitPattern, i, bytes) }
    case .f16: for (i, x) in values.enumerated() { store(Float16(x).bitPattern, i, bytes) }
    case .bf16:
      // Ties to even; the values are finite, so nothing but a carry into the exponent can happen.
      for (i, x) in values.enumerated() {
        store(UInt16((x.bitPattern + 0x7fff + (x.bitPattern >> 16 & 1)) >> 16), i, bytes)
      }
    default: try encodeBlocks(values, into: bytes, firstRow)
    }
  }

  /// Encodes whole rows, on the calling thread.
  ///
  /// - Throws: `notFinite` or `tooLarge`, with the row and the column.
  public func encode(_ values: [Float]) throws(QuantizationError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: values.count / columns * rowBytes)
    let result = values.withUnsafeBufferPointer { values in
      bytes.withUnsafeMutableBytes { bytes in
        Result { () throws(QuantizationError) in try encode(values, into: bytes) }
      }
    }
    try result.get()
    return bytes
  }

  private func store(
    _ bits: some FixedWidthInteger & BitwiseCopyable, _ i: Int, _ bytes: UnsafeMutableRawBufferPointer
  ) {
    bytes.storeBytes(of: bits.littleEndian, toByteOffset: i * bits.bitWidth / 8, as: type(of: bits))
  }

  private func encodeBlocks(
    _ values: UnsafeBufferPointer<Float>, into bytes: UnsafeMutableRawBufferPointer, _ firstRow: Int
  ) throws(QuantizationError) {
    let length = format.blockLength, size = format.blockBytes!, perRow = columns / length
    let elements = LaneBuffer(length), weights = LaneBuffer(importance == nil ? length : columns)
    for i in 0..<weights.length { weights[i] = importance?[i] ?? 1 }
    for index in 0..<values.count / length {
      for i in 0..<length { elements[i] = values[index * length + i] }
      let column = index % perRow * length
      let samples = Samples(
        values: elements.lanes, weights: weights.lanes + (importance == nil ? 0 : column / 8), count: length / 8)
      let target = UnsafeMutableRawBufferPointer(rebasing: bytes[index * size..<(index + 1) * size])
      guard block!(samples, into: target) else {
        throw QuantizationError(
          .tooLarge,
          "the elements of row \(firstRow + index / perRow) from column \(column) are beyond the scales of \(format)")
      }
    }
  }

  private func check(_ values: UnsafeBufferPointer<Float>, _ firstRow: Int) throws(QuantizationError) {
    let limit: Float =
      switch format {
      case .f32: .greatestFiniteMagnitude
      case .f16: Float(65520).nextDown  // what is not rounded to infinity
      case .bf16: Float(bitPattern: 0x7f7f_7fff)
      default: 1e15  // squares add up without overflow
      }
    for (index, value) in values.enumerated() where !(abs(value) <= limit) {
      throw QuantizationError(
        value.isFinite ? .tooLarge : .notFinite,
        "the element in row \(firstRow + index / columns), column \(index % columns) is \(value)"
          + (value.isFinite ? ", beyond the numbers of \(format)" : ""))
    }
  }
}

/// Memory for elements in vectors.
final class LaneBuffer {
  let lanes: UnsafeMutablePointer<Lanes>
  let length: Int

  /// - Precondition: a multiple of 8.
  init(_ length: Int) {
    precondition(length % 8 == 0, "\(length)")
    self.length = length
    lanes = .allocate(capacity: length / 8)
    lanes.initialize(repeating: .zero, count: length / 8)
  }

  deinit { lanes.deallocate() }

  subscript(index: Int) -> Float {
    get { lanes[index / 8][index % 8] }
    set { lanes[index / 8][index % 8] = newValue }
  }
}

/// Weights of errors with mean 1, and none so small that a block of them would have no weight at all.
///
/// - Throws: `wrongImportance`.
func normalized(_ weights: [Float], columns: Int) throws(QuantizationError) -> [Float] {
  guard weights.count == columns else {
    throw QuantizationError(
      .wrongImportance, "there are \(weights.count) weights of errors for \(columns) columns")
  }
  if let column = weights.firstIndex(where: { !($0 >= 0 && $0.isFinite) }) {
    throw QuantizationError(.wrongImportance, "the weight of errors of column \(column) is \(weights[column])")
  }
  let mean = weights.reduce(0.0) { $0 + Double($1) } / Double(columns)
  guard mean > 0 else { throw QuantizationError(.wrongImportance, "all weights of errors are zero") }
  return weights.map { Float(max(Double($0) / mean, 1e-6)) }
}
