/// A model file in the GGUF format, or all the parts of a split one: metadata, and tensors mapped from disk.
///
/// Opening checks everything that the file says about itself; after that every tensor's bytes are known to be there.
/// The mapping is private and read-only, and lives as long as the value. The file must not be cut short meanwhile: reading
/// a page that has gone raises SIGBUS. Source: the GGUF specification, versions 2 and 3, little-endian.
public final class GGUFFile: Sendable {
  /// The path as it was given.
  public let path: String
  /// The version of the format: 2 or 3.
  public let version: Int
  /// Keys and values in the order of the file; of a split model, those of the first part.
  public let metadata: GGUFMetadata
  /// The tensors in the order of the file, part after part.
  public let tensors: [GGUFTensor]
  private let positions: [String: Int]
  private let parts: [FileBytes]

  /// Opens a file. A part of a split model (`NAME-00001-of-00003.gguf`) opens all its parts, whichever is given.
  ///
  /// - Throws: what is wrong with the file, and with which key or tensor.
  public convenience init(path: String) throws(ModelFileError) {
    let bytes = try FileBytes(mapping: path)
    let parser = try GGUFParser(file: path, fileIndex: 0, bytes: bytes.buffer)
    guard let split = try SplitModel(path: path, metadata: parser.metadata) else {
      try self.init(path: path, parsers: [parser], parts: [bytes])
      return
    }
    let (parsers, parts) = try split.open()
    try self.init(path: path, parsers: parsers, parts: parts)
  }

  /// Reads a file from memory. Its parts, if it is split, cannot be found.
  ///
  /// - Parameter name: stands for the path in messages.
  /// - Throws: what is wrong with the bytes, and with which key or tensor.
  public convenience init(bytes: some Collection<UInt8>, name: String = "(memory)") throws(ModelFileError) {
    let bytes = FileBytes(copying: bytes)
    let parser = try GGUFParser(file: name, fileIndex: 0, bytes: bytes.buffer)
    try self.init(path: name, parsers: [parser], parts: [bytes])
  }

  private init(path: String, parsers: [GGUFParser], parts: [FileBytes]) throws(ModelFileError) {
    self.path = path
    version = parsers[0].version
    metadata = parsers[0].metadata
    tensors = parsers.flatMap(\.tensors)
    self.parts = parts
    var positions: [String: Int] = [:]
    for (index, tensor) in tensors.enumerated() {
      guard positions.updateValue(index, forKey: tensor.name) == nil else {
        throw ModelFileError(
          file: parsers[tensor.fileIndex].file, code: .duplicate, subject: "tensor \(tensor.name)",
          detail: "also in another part of the model")
      }
    }
    self.positions = positions
  }

  /// The tensor of that name, in constant time.
  public func tensor(named name: String) -> GGUFTensor? { positions[name].map { tensors[$0] } }

  /// Runs `body` on the tensor's bytes in the mapping; they must not be used after it returns.
  ///
  /// The first byte's address is a multiple of the file's alignment (32 unless the file says otherwise; of a file that
  /// was read from memory, of 64 at most). A file may choose an alignment of 1, so load numbers as unaligned.
  /// - Precondition: the tensor is one of this file's `tensors`.
  public func withBytes<R>(of tensor: GGUFTensor, _ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    precondition(self.tensor(named: tensor.name) == tensor, "\(tensor.name) is not a tensor of \(path)")
    let part = parts[tensor.fileIndex]
    return try withExtendedLifetime(part) {
      try body(UnsafeRawBufferPointer(rebasing: part.buffer[tensor.offset..<tensor.offset + tensor.byteCount]))
    }
  }
}
