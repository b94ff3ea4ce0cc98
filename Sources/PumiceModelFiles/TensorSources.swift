public import PumiceTensors

/// Tensors under GGUF's names: a GGUF file, or a model that is shown as one.
public protocol GGUFSource: Sendable {
  /// For messages.
  var path: String { get }
  var metadata: GGUFMetadata { get }
  var tensors: [GGUFTensor] { get }

  /// The tensor of that name.
  func tensor(named name: String) -> GGUFTensor?

  /// The format to compute with. A model that is shown as a GGUF file may have formats that no such file has.
  ///
  /// - Throws: `unsupportedFormat` when there is none for the tensor's type.
  func format(of tensor: GGUFTensor) throws(ModelFileError) -> TensorFormat

  /// Runs `body` on the bytes of one of the `tensors`; they must not be used after it returns.
  func withBytes<R>(of tensor: GGUFTensor, _ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R

  /// Runs `body` on bytes at the beginning and at the end of what one of the `tensors` is stored in, at most so many each:
  /// what tells two models apart without reading them. They must not be used after it returns.
  func withEnds(of tensor: GGUFTensor, atMost count: Int, _ body: (UnsafeRawBufferPointer) -> Void)
}

extension GGUFSource {
  public func withEnds(of tensor: GGUFTensor, atMost count: Int, _ body: (UnsafeRawBufferPointer) -> Void) {
    withBytes(of: tensor) { bytes in
      body(UnsafeRawBufferPointer(rebasing: bytes.prefix(count)))
      body(UnsafeRawBufferPointer(rebasing: bytes.suffix(count)))
    }
  }
}

/// Tensors under the names of a Hugging Face folder: a safetensors file, or a model that is shown as one.
public protocol SafetensorsTensors: Sendable {
  /// For messages.
  var path: String { get }
  var tensors: [SafetensorsTensor] { get }

  /// Runs `body` on the bytes of one of the `tensors`; they must not be used after it returns.
  func withBytes<R>(of tensor: SafetensorsTensor, _ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R
}

extension GGUFFile: GGUFSource {}
extension SafetensorsFile: SafetensorsTensors {}

extension GGUFSource {
  public func format(of tensor: GGUFTensor) throws(ModelFileError) -> TensorFormat {
    guard let format = tensor.format else {
      let supported = GGMLType.allCases.filter { $0.format != nil }.map(\.name).joined(separator: ", ")
      throw ModelFileError(
        file: path, code: .unsupportedFormat, subject: "tensor \(tensor.name)",
        detail: "its type \(tensor.type) is not supported, only \(supported)")
    }
    return format
  }
}
