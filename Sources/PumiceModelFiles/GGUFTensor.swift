public import PumiceTensors

/// What a file says about one tensor. Its place was checked against the file when the file was opened.
public struct GGUFTensor: Hashable, Sendable {
  public let name: String
  /// Slowest dimension first, the reverse of the order in the file.
  public let shape: Shape
  public let type: GGMLType
  /// Bytes of the tensor's data.
  public let byteCount: Int
  /// Where the data begins, in bytes from the start of the tensor's file.
  public let offset: Int
  /// Which part of a split model holds the tensor; 0 for a single file.
  public let fileIndex: Int

  /// The format to compute with; nil when there is none for this type.
  public var format: TensorFormat? { type.format }

  init(name: String, shape: Shape, type: GGMLType, byteCount: Int, offset: Int, fileIndex: Int) {
    self.name = name
    self.shape = shape
    self.type = type
    self.byteCount = byteCount
    self.offset = offset
    self.fileIndex = fileIndex
  }

  /// A tensor that lies in no GGUF file, of a model that is shown as one.
  ///
  /// - Returns: nil when its rows are no whole number of blocks or its size overflows.
  package init?(name: String, shape: Shape, type: GGMLType) {
    guard let byteCount = type.format?.byteCount(shape) else { return nil }
    self.init(name: name, shape: shape, type: type, byteCount: byteCount, offset: 0, fileIndex: 0)
  }
}
