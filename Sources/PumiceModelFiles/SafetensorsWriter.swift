public import PumiceTensors

/// Writes safetensors files: a header, then tensors, each produced when its turn comes.
///
/// Tensors are in the order in which they were added if each then lies at a multiple of its element's size, as is usual.
/// Otherwise those of wide elements come first.
public struct SafetensorsWriter {
  /// Takes the next bytes of a tensor.
  public typealias Sink = (UnsafeRawBufferPointer) throws -> Void

  private struct Entry {
    var name: String
    var shape: Shape
    var type: SafetensorsType
    var producer: TensorProducer
  }

  /// What is said about the file, under `__metadata__`: by custom `"format": "pt"`.
  public var metadata: [String: String]
  private var entries: [Entry] = []

  public init(metadata: [String: String] = [:]) { self.metadata = metadata }

  /// Adds a tensor whose bytes are made while the file is written, in pieces of any size, so that a model larger than
  /// memory can be written.
  public mutating func addTensor(
    _ name: String, shape: Shape, type: SafetensorsType, producing produce: @escaping (_ sink: Sink) throws -> Void
  ) {
    entries.append(Entry(name: name, shape: shape, type: type, producer: TensorProducer(produce: produce)))
  }

  /// Adds a tensor from its bytes.
  public mutating func addTensor(_ name: String, shape: Shape, type: SafetensorsType, bytes: [UInt8]) {
    addTensor(name, shape: shape, type: type) { sink in try bytes.withUnsafeBytes(sink) }
  }

  /// The whole file in memory.
  ///
  /// - Throws: `invalidTensor`, `invalidMetadata` or `duplicate` for contents that the format cannot hold, and whatever
  ///   the producers of the tensors throw.
  public func bytes() throws -> [UInt8] {
    var bytes: [UInt8] = []
    try write(name: "(memory)") { bytes.append(contentsOf: $0) }
    return bytes
  }

  /// Writes the file under another name in the same folder and then renames it, so that `path` is never half a model.
  ///
  /// - Throws: `inputOutput` when the system refuses, `invalidTensor`, `invalidMetadata` or `duplicate` for contents that
  ///   the format cannot hold, and whatever the producers of the tensors throw. `path` is then as it was before.
  public func write(to path: String) throws {
    let file = try NewFile(path: path)
    try write(name: path) { try file.append($0) }
    try file.commit()
  }

  private func write(name file: String, to sink: Sink) throws {
    let sorted = aligned()
    let (header, sizes) = try encodeHeader(sorted, file: file)
    try header.withUnsafeBytes(sink)
    for (entry, size) in zip(sorted, sizes) {
      try entry.producer.write(size, of: "\(entry.shape) \(entry.type)", to: sink) { invalid(file, entry, $0) }
    }
  }

  /// The tensors in an order in which readers that load elements in place find them aligned. Sizes that cannot be are
  /// refused later.
  private func aligned() -> [Entry] {
    var offset = 0
    for entry in entries {
      guard offset % max(1, entry.type.bits / 8) == 0 else {
        let widths = Dictionary(grouping: entries, by: \.type.bits)
        return widths.keys.sorted(by: >).flatMap { widths[$0]! }
      }
      offset &+= entry.type.byteCount(entry.shape) ?? 0
    }
    return entries
  }

  private func invalid(_ file: String, _ entry: Entry, _ detail: String) -> ModelFileError {
    ModelFileError(file: file, code: .invalidTensor, subject: "tensor \(entry.name)", detail: detail)
  }

  /// The length and the JSON, filled up with spaces to a multiple of 8 bytes, and the size of each tensor.
  private func encodeHeader(_ entries: [Entry], file: String) throws(ModelFileError) -> ([UInt8], sizes: [Int]) {
    var members: [String] = []
    if !metadata.isEmpty {
      let pairs = metadata.sorted { $0.key < $1.key }.map { "\(jsonString($0.key)):\(jsonString($0.value))" }
      members.append("\(jsonString(SafetensorsParser.metadataName)):{\(pairs.joined(separator: ","))}")
    }
    var names: Set<String> = []
    var sizes: [Int] = []
    var offset = 0
    for entry in entries {
      guard names.insert(entry.name).inserted else {
        throw ModelFileError(file: file, code: .duplicate, subject: "tensor \(entry.name)", detail: "is added twice")
      }
      guard !entry.name.isEmpty, entry.name != SafetensorsParser.metadataName else {
        throw invalid(file, entry, "a tensor cannot have that name")
      }
      guard let size = entry.type.byteCount(entry.shape),
        case let (end, overflow) = offset.addingReportingOverflow(size),
        !overflow
      else { throw invalid(file, entry, "\(entry.shape) of \(entry.type) cannot be stored") }
      let extents = entry.shape.dimensions.map(String.init).joined(separator: ",")
      members.append(
        "\(jsonString(entry.name)):{\"dtype\":\"\(entry.type)\",\"shape\":[\(extents)],"
          + "\"data_offsets\":[\(offset),\(end)]}")
      sizes.append(size)
      offset = end
    }
    var text = Array("{\(members.joined(separator: ","))}".utf8)
    text += [UInt8](repeating: UInt8(ascii: " "), count: (8 - text.count % 8) % 8)
    guard text.count <= SafetensorsParser.maximumHeaderBytes else {
      throw ModelFileError(
        file: file, code: .invalidMetadata,
        detail: "its header would have \(text.count) bytes, more than \(SafetensorsParser.maximumHeaderBytes)")
    }
    var header = ByteWriter()
    header.append(UInt64(text.count))
    header.append(text)
    return (header.bytes, sizes)
  }
}

/// `text` as JSON writes it, with its quotation marks.
package func jsonString(_ text: String) -> String {
  var result = "\""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\"", "\\": result += "\\\(scalar)"
    case "\u{0}"..<"\u{20}":
      let digits = String(scalar.value, radix: 16)
      result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    default: result.unicodeScalars.append(scalar)
    }
  }
  return result + "\""
}
