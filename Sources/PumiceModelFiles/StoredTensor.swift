public import PumiceTensors

/// The element types that a file format can name.
public protocol StoredType: Hashable, Sendable, CustomStringConvertible {
  /// The format to compute with; nil when there is none for this type.
  var format: TensorFormat? { get }

  /// Bytes of a tensor of that shape; nil if there can be none.
  func byteCount(_ shape: Shape) -> Int?
}

/// What a file says about one tensor. Its place was checked against the file when the file was opened.
public struct StoredTensor<ElementType: StoredType>: Hashable, Sendable {
  public let name: String
  /// Slowest dimension first; GGUF files have the reverse of this order.
  public let shape: Shape
  public let type: ElementType
  /// Bytes of the tensor's data.
  public let byteCount: Int
  /// Where the data begins, in bytes from the start of the tensor's file.
  public let offset: Int
  /// Which file of a model in several holds the tensor; 0 for a single file.
  public let fileIndex: Int

  /// The format to compute with; nil when there is none for this type.
  public var format: TensorFormat? { type.format }

  init(name: String, shape: Shape, type: ElementType, byteCount: Int, offset: Int, fileIndex: Int) {
    self.name = name
    self.shape = shape
    self.type = type
    self.byteCount = byteCount
    self.offset = offset
    self.fileIndex = fileIndex
  }

  /// A tensor that lies in no file, of a model that is shown as one.
  ///
  /// - Returns: nil when its type has no such shape or its size overflows.
  package init?(name: String, shape: Shape, type: ElementType) {
    guard let byteCount = type.byteCount(shape) else { return nil }
    self.init(name: name, shape: shape, type: type, byteCount: byteCount, offset: 0, fileIndex: 0)
  }
}

public typealias GGUFTensor = StoredTensor<GGMLType>
public typealias SafetensorsTensor = StoredTensor<SafetensorsType>
