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
}
