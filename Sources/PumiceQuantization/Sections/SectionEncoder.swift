import Dispatch
public import PumiceTensors
import Synchronization

/// Encodes whole tensors in formats whose tensors have sections: codes of any width with scales for groups, normal floats,
/// palettes, and DGQ's two grains.
///
/// What is stored decodes to values with the least squared error that the searches find, each column's error weighted by its
/// importance; palettes of single values are the best there are.
public struct SectionEncoder: Sendable {
  public let format: TensorFormat
  public let columns: Int
  let importance: [Float]?
  let isBalanced: Bool

  /// Whether tensors of that format can be encoded.
  public static func supports(_ format: TensorFormat) -> Bool {
    switch format {
    case .group, .normalFloat, .palette, .dualGrained: true
    default: false
    }
  }

  /// - Parameters:
  ///   - importance: the weight of the squared error of each column, not negative; nil for equal ones.
  ///   - isBalanced: whether only the levels of ABQ's bit balance are used; see `WeightEncoding`.
  /// - Throws: `unsupportedFormat`, `wrongShape` or `wrongImportance`.
  public init(
    _ format: TensorFormat, columns: Int, importance: [Float]? = nil, isBalanced: Bool = false
  ) throws(QuantizationError) {
    guard Self.supports(format), let sectioned = format.sectioned else {
      throw QuantizationError(.unsupportedFormat, "\(format) has no encoder for tensors")
    }
    guard columns > 0, columns % 32 == 0, columns % sectioned.rowMultiple == 0 else {
      throw QuantizationError(
        .wrongShape, "rows of \(columns) are no whole number of groups of \(sectioned.rowMultiple), as \(format) has")
    }
    self.importance = try importance.map { (weights) throws(QuantizationError) in
      try normalized(weights, columns: columns)
    }
    if isBalanced, !WeightEncoding.canBalance(format) {
      throw QuantizationError(.unsupportedFormat, "\(format) has no levels to balance")
    }
    self.format = format
    self.columns = columns
    self.isBalanced = isBalanced
  }

  /// Encodes a tensor, on all cores.
  ///
  /// - Parameter values: row after row.
  /// - Returns: the bytes of each section, without the gaps that `TensorSections` leaves between them.
  /// - Throws: `notFinite` or `tooLarge`, with the row and the column.
  public func encode(_ values: [Float]) throws(QuantizationError) -> [[UInt8]] {
    guard !values.isEmpty, values.count % columns == 0 else {
      throw QuantizationError(.wrongShape, "\(values.count) elements are no whole number of rows of \(columns)")
    }
    for (index, value) in values.enumerated() where !(abs(value) <= 1e15) {
      throw QuantizationError(
        value.isFinite ? .tooLarge : .notFinite,
        "the element in row \(index / columns), column \(index % columns) is \(value)")
    }
    switch format {
    case .group(let group): return try encode(values, as: group)
    case .normalFloat(let normal): return try encode(values, as: normal)
    case .palette(let palette): return try encode(values, as: palette)
    case .dualGrained(let grained): return try encode(values, as: grained)
    default: preconditionFailure("\(format) was refused")
    }
  }

  /// Encodes a tensor to one run of bytes with all sections, as the reference and the kernels take it.
  public func encodeTogether(_ values: [Float]) throws(QuantizationError) -> [UInt8] {
    let parts = try encode(values)
    let sections = format.sectioned!.sections(rows: values.count / columns, columns: columns)!
    var bytes = [UInt8](repeating: 0, count: sections.byteCount)
    for (part, offset) in zip(parts, sections.offsets) {
      bytes.replaceSubrange(offset..<offset + part.count, with: part)
    }
    return bytes
  }

  /// Runs `body` for ranges of rows on all cores, and puts what it gives together in order, section by section.
  func byRows(
    _ rows: Int, _ body: @Sendable (Range<Int>) throws(QuantizationError) -> [[UInt8]]
  ) throws(QuantizationError) -> [[UInt8]] {
    let step = max((1 << 15) / columns, 1), tasks = (rows + step - 1) / step
    let results = Mutex<[Result<[[UInt8]], QuantizationError>?]>(.init(repeating: nil, count: tasks))
    withoutActuallyEscaping(body) { body in
      DispatchQueue.concurrentPerform(iterations: tasks) { task in
        let result = Result { () throws(QuantizationError) in try body(task * step..<min((task + 1) * step, rows)) }
        results.withLock { $0[task] = result }
      }
    }
    var sections: [[UInt8]] = []
    for result in results.withLock({ $0 }) {
      let parts = try result!.get()
      if sections.isEmpty { sections = parts.map { _ in [] } }
      for (index, part) in parts.enumerated() { sections[index] += part }
    }
    return sections
  }

  /// The elements and the weights of a group in vectors, for the length of `body`.
  func withSamples<R>(_ values: [Float], _ row: Int, _ start: Int, _ length: Int, _ body: (Samples) -> R) -> R {
    let vectors = length / 8
    return withUnsafeTemporaryAllocation(of: Lanes.self, capacity: 2 * vectors) { memory in
      memory.initialize(repeating: Lanes(repeating: 1))
      for i in 0..<length {
        memory[i / 8][i % 8] = values[row * columns + start + i]
        if let importance { memory[vectors + i / 8][i % 8] = importance[start + i] }
      }
      let first = UnsafePointer(memory.baseAddress!)
      return body(Samples(values: first, weights: first + vectors, count: vectors))
    }
  }
}
