public import PumiceKernels
import PumiceOperators
public import PumiceReference
public import PumiceTensors

/// Where a model runs: makes tensors, and programs of operators over them.
///
/// A forward pass is written once, as straight-line code that records operators into a program; what a program is (a
/// command list of a device, or a list of definitions to evaluate) is the backend's affair.
public protocol Backend: AnyObject {
  associatedtype Tensor
  associatedtype Program: ModelProgram where Program.Tensor == Tensor

  /// What runs the model, for people: a device and its driver.
  var name: String { get }
  /// The driver's name and version; nil where there is none.
  var driver: String? { get }
  /// Bytes that a model may take.
  var availableMemory: Int { get }

  /// Bytes that a tensor of `count` elements takes.
  func byteCount(_ shape: Shape, _ format: TensorFormat) -> Int

  /// A tensor of zeros.
  func makeTensor(_ shape: Shape, _ format: TensorFormat, at residence: Residence, label: String) throws -> Tensor

  /// A tensor with contents, on the device.
  func makeTensor(_ shape: Shape, _ format: TensorFormat, from bytes: UnsafeRawBufferPointer, label: String) throws
    -> Tensor

  /// Fills a tensor, or the front of it, from bytes in its format.
  func write(_ bytes: UnsafeRawBufferPointer, to tensor: Tensor) throws

  /// Sets all elements to zero.
  func clear(_ tensor: Tensor) throws

  /// The elements of an f32 tensor. Programs that write it must have run.
  func floats(of tensor: Tensor) throws -> [Float]

  /// The elements of an i32 tensor.
  func integers(of tensor: Tensor) throws -> [Int32]

  /// The part of a tensor that is `shape`, beginning at an element: some of its leading rows, or its last row.
  func part(of tensor: Tensor, from element: Int, _ shape: Shape) throws -> Tensor

  /// An empty program.
  func makeProgram(label: String) throws -> Program
}

/// Who reads and writes a tensor outside of programs.
public enum Residence: Sendable, Hashable {
  /// Nobody: the device alone, but for a first filling.
  case device
  /// The host writes it before a program runs.
  case hostWritten
  /// The host reads it after a program has run.
  case hostRead
}

/// Operators in order, recorded once and run as often as wanted.
public protocol ModelProgram: AnyObject {
  associatedtype Tensor

  /// Appends an operator. Tensors must be as large as its arguments, or larger.
  func record<Op: Definition & Dispatchable>(_ op: Op, _ arguments: [String: Tensor]) throws

  /// Appends a copy between tensors of the same shape and format.
  func copy(_ source: Tensor, to target: Tensor) throws

  /// Runs everything and waits for it.
  func run() throws
}

extension Backend {
  func makeTensor<T: BitwiseCopyable>(
    _ shape: Shape, _ format: TensorFormat, from values: [T], label: String
  ) throws -> Tensor {
    try values.withUnsafeBytes { try makeTensor(shape, format, from: $0, label: label) }
  }

  func write<T: BitwiseCopyable>(_ values: [T], to tensor: Tensor) throws {
    try values.withUnsafeBytes { try write($0, to: tensor) }
  }
}
