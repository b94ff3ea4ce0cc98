public import PumiceTensors

/// Writes GGUF files, version 3: metadata, then tensors, each produced when its turn comes.
///
/// ```swift
/// var writer = GGUFWriter()
/// writer.metadata["general.architecture"] = .string("llama")
/// writer.addTensor("output_norm.weight", shape: [64], type: .f32, bytes: gains)
/// try writer.write(to: "tiny.gguf")
/// ```
public struct GGUFWriter {
  /// Takes the next bytes of a tensor.
  public typealias Sink = (UnsafeRawBufferPointer) throws -> Void

  private struct Entry {
    var name: String
    var shape: Shape
    var type: GGMLType
    var producer: TensorProducer
  }

  /// Keys and values in the order of the file. The writer itself sets `general.alignment` where it is needed.
  public var metadata: GGUFMetadata
  /// The number of bytes that every tensor's place is a multiple of.
  public let alignment: Int
  private var entries: [Entry] = []

  /// - Precondition: `alignment` is a power of two below 2³¹.
  public init(metadata: GGUFMetadata = GGUFMetadata(), alignment: Int = 32) {
    precondition(alignment > 0 && alignment < 1 << 31 && alignment.nonzeroBitCount == 1, "\(alignment)")
    self.metadata = metadata
    self.alignment = alignment
  }

  /// Adds a tensor whose bytes are made while the file is written, in pieces of any size, so that a model larger than
  /// memory can be written.
  public mutating func addTensor(
    _ name: String, shape: Shape, type: GGMLType, producing produce: @escaping (_ sink: Sink) throws -> Void
  ) {
    entries.append(Entry(name: name, shape: shape, type: type, producer: TensorProducer(produce: produce)))
  }

  /// Adds a tensor from its bytes.
  public mutating func addTensor(_ name: String, shape: Shape, type: GGMLType, bytes: [UInt8]) {
    addTensor(name, shape: shape, type: type) { sink in try bytes.withUnsafeBytes(sink) }
  }

  /// Adds a tensor of 32-bit floats.
  public mutating func addTensor(_ name: String, shape: Shape, floats: [Float]) {
    addTensor(name, shape: shape, type: .f32) { sink in
      try floats.map(\.bitPattern.littleEndian).withUnsafeBytes(sink)
    }
  }

  /// The whole file in memory.
  ///
  /// - Throws: `invalidTensor`, `invalidMetadata` or `duplicate` for contents that GGUF cannot hold, and whatever the
  ///   producers of the tensors throw.
  public func bytes() throws -> [UInt8] {
    var bytes: [UInt8] = []
    try write(name: "(memory)") { bytes.append(contentsOf: $0) }
    return bytes
  }

  /// Writes the file under another name in the same folder and then renames it, so that `path` is never half a model.
  ///
  /// - Throws: `inputOutput` when the system refuses, `invalidTensor`, `invalidMetadata` or `duplicate` for contents that
  ///   GGUF cannot hold, and whatever the producers of the tensors throw. `path` is then as it was before.
  public func write(to path: String) throws {
    let file = try NewFile(path: path)
    try write(name: path) { try file.append($0) }
    try file.commit()
  }

  private func write(name file: String, to sink: Sink) throws {
    let (header, sizes) = try encodeHeader(file: file)
    try header.bytes.withUnsafeBytes(sink)
    let padding = [UInt8](repeating: 0, count: alignment)
    for (entry, size) in zip(entries, sizes) {
      try entry.producer.write(size, of: "\(entry.shape) \(entry.type)", to: sink) { invalid(file, entry, $0) }
      try padding.prefix((alignment - size % alignment) % alignment).withUnsafeBytes(sink)
    }
  }

  private func invalid(_ file: String, _ entry: Entry, _ detail: String) -> ModelFileError {
    ModelFileError(file: file, code: .invalidTensor, subject: "tensor \(entry.name)", detail: detail)
  }

  /// Everything before the data, with its padding, and the size of each tensor.
  private func encodeHeader(file: String) throws(ModelFileError) -> (ByteWriter, sizes: [Int]) {
    var metadata = metadata
    if alignment != GGUFParser.defaultAlignment || metadata["general.alignment"] != nil {
      metadata["general.alignment"] = .uint32(UInt32(alignment))
    }
    var output = ByteWriter()
    output.append(GGUFParser.magic)
    output.append(3 as UInt32)
    output.append(UInt64(entries.count))
    output.append(UInt64(metadata.count))
    for (key, value) in metadata {
      guard (1...GGUFParser.maximumKeyBytes).contains(key.utf8.count) else {
        throw ModelFileError(
          file: file, code: .invalidMetadata, subject: "key \(key)", detail: "has \(key.utf8.count) bytes")
      }
      output.append(key)
      output.append(value.type.rawValue)
      output.append(value)
    }
    var names: Set<String> = []
    var sizes: [Int] = []
    var offset = 0
    for entry in entries {
      guard names.insert(entry.name).inserted else {
        throw ModelFileError(file: file, code: .duplicate, subject: "tensor \(entry.name)", detail: "is added twice")
      }
      guard let size = byteCount(entry), let next = roundUp(size, to: alignment),
        case let (end, overflow) = offset.addingReportingOverflow(next), !overflow
      else {
        throw invalid(file, entry, "\(entry.shape) of \(entry.type) cannot be stored")
      }
      output.append(entry.name)
      output.append(UInt32(entry.shape.rank))
      for extent in entry.shape.dimensions.reversed() { output.append(UInt64(extent)) }
      output.append(entry.type.rawValue)
      output.append(UInt64(offset))
      sizes.append(size)
      offset = end
    }
    output.pad(to: alignment)
    return (output, sizes)
  }

  /// The bytes of a tensor, or nil when GGUF cannot hold it.
  private func byteCount(_ entry: Entry) -> Int? {
    let (shape, type) = (entry.shape, entry.type)
    guard !entry.name.isEmpty, shape.rank <= GGUFParser.maximumRank, shape.dimensions.allSatisfy({ $0 > 0 }) else {
      return nil
    }
    return type.byteCount(shape)
  }
}
