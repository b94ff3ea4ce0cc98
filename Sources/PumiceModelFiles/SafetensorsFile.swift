/// A model's weights in the safetensors format: one file, or the files that an index lists, mapped from disk.
///
/// Opening checks everything that the files say about themselves; after that every tensor's bytes are known to be there.
/// The mappings are private and read-only, and live as long as the value. The files must not be cut short meanwhile:
/// reading a page that has gone raises SIGBUS.
public final class SafetensorsFile: Sendable {
  /// The path as it was given.
  public let path: String
  /// What the files say under `__metadata__`; where two say different things, the first file's.
  public let metadata: [String: String]
  /// The tensors in the order of the headers, file after file.
  public let tensors: [SafetensorsTensor]
  private let positions: [String: Int]
  private let parts: [(path: String, bytes: FileBytes)]

  /// Opens a `.safetensors` file, an index of several (`model.safetensors.index.json`), or a folder with either.
  ///
  /// - Throws: what is wrong with the file, and with which tensor; `splitMismatch` for an index that the files contradict.
  public convenience init(path: String) throws(ModelFileError) {
    let source = try SafetensorsSource(path: path)
    let parts = try source.open()
    let parsers = try Self.parse(parts)
    try source.check(parsers)
    try self.init(path: path, parsers: parsers, parts: parts)
  }

  /// Reads a single file from memory.
  ///
  /// - Parameter name: stands for the path in messages.
  /// - Throws: what is wrong with the bytes, and with which tensor.
  public convenience init(bytes: some Collection<UInt8>, name: String = "(memory)") throws(ModelFileError) {
    let parts = [(path: name, bytes: FileBytes(copying: bytes))]
    try self.init(path: name, parsers: Self.parse(parts), parts: parts)
  }

  private static func parse(
    _ parts: [(path: String, bytes: FileBytes)]
  ) throws(ModelFileError) -> [SafetensorsParser] {
    var parsers: [SafetensorsParser] = []
    for (index, part) in parts.enumerated() {
      parsers.append(try SafetensorsParser(file: part.path, fileIndex: index, bytes: part.bytes.buffer))
    }
    return parsers
  }

  private init(
    path: String, parsers: [SafetensorsParser], parts: [(path: String, bytes: FileBytes)]
  ) throws(ModelFileError) {
    self.path = path
    self.parts = parts
    metadata = parsers.reduce(into: [:]) { $0.merge($1.metadata) { first, _ in first } }
    tensors = parsers.flatMap(\.tensors)
    var positions: [String: Int] = [:]
    for (index, tensor) in tensors.enumerated() {
      guard positions.updateValue(index, forKey: tensor.name) == nil else {
        throw ModelFileError(
          file: parts[tensor.fileIndex].path, code: .duplicate, subject: "tensor \(tensor.name)",
          detail: "also in another file of the model")
      }
    }
    self.positions = positions
  }

  /// The tensor of that name, in constant time.
  public func tensor(named name: String) -> SafetensorsTensor? { positions[name].map { tensors[$0] } }

  /// The tensor of that name.
  ///
  /// - Throws: `missingTensor`.
  public func requiredTensor(named name: String) throws(ModelFileError) -> SafetensorsTensor {
    guard let tensor = tensor(named: name) else {
      throw ModelFileError(
        file: path, code: .missingTensor, subject: "tensor \(name)", detail: "the file does not have it")
    }
    return tensor
  }

  /// An error about a tensor that names the file that holds it.
  public func error(_ code: ModelFileError.Code, _ tensor: SafetensorsTensor, _ detail: String) -> ModelFileError {
    ModelFileError(file: parts[tensor.fileIndex].path, code: code, subject: "tensor \(tensor.name)", detail: detail)
  }

  /// Runs `body` on the tensor's bytes in the mapping; they must not be used after it returns.
  ///
  /// The format promises no alignment, so load numbers as unaligned.
  /// - Precondition: the tensor is one of this file's `tensors`.
  public func withBytes<R>(of tensor: SafetensorsTensor, _ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    precondition(self.tensor(named: tensor.name) == tensor, "\(tensor.name) is not a tensor of \(path)")
    let bytes = parts[tensor.fileIndex].bytes
    return try withExtendedLifetime(bytes) {
      try body(UnsafeRawBufferPointer(rebasing: bytes.buffer[tensor.offset..<tensor.offset + tensor.byteCount]))
    }
  }
}
