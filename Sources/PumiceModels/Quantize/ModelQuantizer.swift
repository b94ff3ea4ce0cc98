import Dispatch
public import PumiceModelFiles
import PumiceQuantization
import PumiceReference
import PumiceTensors
import Synchronization

/// Writes a model as GGUF with its weights in another type, tensor after tensor, a piece at a time on all cores.
public struct ModelQuantizer {
  private let file: any GGUFSource
  public let plan: QuantizationPlan
  private let importance: ImportanceMatrix?

  /// Elements that one task encodes, and tasks between two writes to the file.
  private static let taskElements = 1 << 16, tasksPerPiece = 64

  /// - Throws: `invalidTensor` when the importance matrix does not fit the model.
  public init(_ file: any GGUFSource, _ plan: QuantizationPlan, importance: ImportanceMatrix? = nil) throws {
    self.file = file
    self.plan = plan
    self.importance = importance
    for entry in plan.entries where !entry.isCopied { try importance?.check(entry.tensor.name, entry.tensor.shape) }
  }

  /// The weights that are encoded without what the importance matrix knows, because it knows nothing about them.
  public var unknownToImportance: [String] {
    guard let importance else { return [] }
    return plan.entries.filter { !$0.isCopied && $0.type.blockLength > 1 && !importance.contains($0.tensor.name) }
      .map(\.tensor.name)
  }

  /// Bytes of all tensors when written.
  public var byteCount: Int {
    plan.entries.reduce(0) { $0 + $1.tensor.shape.count / $1.type.blockLength * $1.type.blockBytes }
  }

  /// Writes the model. What was at `path` stays until the whole file is there.
  ///
  /// - Parameter progress: is told the tensor and the share of all elements that are done; what it throws ends the work.
  /// - Throws: `QuantizationError` with the tensor's name, and what the writer throws.
  public func write(to path: String, progress: @escaping (_ tensor: String, _ share: Double) throws -> Void) throws {
    var writer = GGUFWriter(metadata: metadata())
    let total = Double(plan.entries.reduce(0) { $0 + $1.tensor.shape.count })
    var done = 0
    for entry in plan.entries {
      writer.addTensor(entry.tensor.name, shape: entry.tensor.shape, type: entry.type) { sink in
        try file.withBytes(of: entry.tensor) { bytes in
          guard !entry.isCopied else { return try sink(bytes) }
          try encode(entry, bytes) { piece, elements in
            try sink(piece)
            try progress(entry.tensor.name, (Double(done + elements)) / total)
          }
        }
        done += entry.tensor.shape.count
        try progress(entry.tensor.name, Double(done) / total)
      }
    }
    try writer.write(to: path)
  }

  private func metadata() -> GGUFMetadata {
    // A split model becomes one file.
    var metadata = GGUFMetadata(file.metadata.filter { !$0.key.hasPrefix("split.") }.map { ($0.key, $0.value) })
    // A mixture has no number.
    let type = plan.request.chosen.isEmpty ? QuantizationPlan.fileType(plan.request.type) : nil
    metadata["general.file_type"] = type.map { .uint32($0) }
    metadata["general.quantization_version"] = .uint32(2)
    if let importance {
      metadata["quantize.imatrix.file"] = .string(importance.path)
      metadata["quantize.imatrix.dataset"] = importance.datasets.first.map { .string($0) }
      metadata["quantize.imatrix.entries_count"] = .uint32(UInt32(clamping: importance.count))
      metadata["quantize.imatrix.chunks_count"] = importance.chunks.map { .uint32(UInt32(clamping: $0)) }
    }
    return metadata
  }

  /// Encodes a tensor in pieces of rows.
  ///
  /// - Parameter give: takes each piece, and how many elements are done with it.
  private func encode(
    _ entry: QuantizationPlan.Entry, _ bytes: UnsafeRawBufferPointer,
    _ give: (UnsafeRawBufferPointer, _ elements: Int) throws -> Void
  ) throws {
    let tensor = entry.tensor, columns = tensor.shape.rowLength
    let source = try file.format(of: tensor)
    guard let target = entry.type.format, let sourceRowBytes = source.byteCount(elements: columns) else {
      throw QuantizationError(.unsupportedFormat, tensor: tensor.name, "\(source) cannot be read by rows")
    }
    // Each matrix of a stack of experts has its own importance.
    let matrixRows = tensor.shape.rank > 2 ? tensor.shape[tensor.shape.rank - 2] : tensor.shape.rows
    let taskRows = max(Self.taskElements / columns, 1)
    for matrix in 0..<tensor.shape.rows / matrixRows {
      let weights = importance?.columns(of: tensor.name, matrix: matrix)
      let encoder: RowEncoder
      do throws(QuantizationError) {
        encoder = try RowEncoder(target, columns: columns, importance: weights)
      } catch {
        throw error.about(tensor.name)
      }
      for start in stride(from: 0, to: matrixRows, by: taskRows * Self.tasksPerPiece) {
        let rows = min(taskRows * Self.tasksPerPiece, matrixRows - start)
        let first = matrix * matrixRows + start
        let input = UnsafeRawBufferPointer(
          rebasing: bytes[first * sourceRowBytes..<(first + rows) * sourceRowBytes])
        let output = UnsafeMutableRawBufferPointer.allocate(byteCount: rows * encoder.rowBytes, alignment: 16)
        defer { output.deallocate() }
        let piece = Piece(
          source: source, input: input, encoder: encoder, output: output, firstRow: first, rows: rows,
          taskRows: taskRows)
        do throws(QuantizationError) { try piece.encode() } catch { throw error.about(tensor.name) }
        try give(UnsafeRawBufferPointer(output), (first + rows) * columns)
      }
    }
  }

  /// Rows that are encoded together. Tasks write to rows of their own.
  private struct Piece: @unchecked Sendable {
    let source: TensorFormat
    let input: UnsafeRawBufferPointer
    let encoder: RowEncoder
    let output: UnsafeMutableRawBufferPointer
    /// In the tensor, for messages.
    let firstRow: Int
    let rows: Int
    let taskRows: Int

    func encode() throws(QuantizationError) {
      let failure = Mutex<QuantizationError?>(nil)
      DispatchQueue.concurrentPerform(iterations: (rows + taskRows - 1) / taskRows) { task in
        guard failure.withLock({ $0 == nil }) else { return }
        do throws(QuantizationError) {
          try encode(task * taskRows..<min((task + 1) * taskRows, rows))
        } catch {
          failure.withLock { $0 = $0 ?? error }
        }
      }
      if let error = failure.withLock({ $0 }) { throw error }
    }

    private func encode(_ range: Range<Int>) throws(QuantizationError) {
      let rowBytes = input.count / rows
      let values = source.decode(
        UnsafeRawBufferPointer(rebasing: input[range.lowerBound * rowBytes..<range.upperBound * rowBytes])
      ).map { Float($0) }
      let target = UnsafeMutableRawBufferPointer(
        rebasing: output[range.lowerBound * encoder.rowBytes..<range.upperBound * encoder.rowBytes])
      let result = values.withUnsafeBufferPointer { values in
        Result { () throws(QuantizationError) in
          try encoder.encode(values, into: target, firstRow: firstRow + range.lowerBound)
        }
      }
      try result.get()
    }
  }
}
