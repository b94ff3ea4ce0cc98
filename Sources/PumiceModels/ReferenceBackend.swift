public import PumiceKernels
import PumiceOperators
public import PumiceReference
public import PumiceTensors

/// Runs a model on the definitions of its operators: every value in `Double`, weights decoded exactly, nothing rounded but
/// what is stored in the key-value cache. Slow, and the measure of all other backends.
public final class ReferenceBackend: Backend {
  /// Numbers that views share.
  final class Storage {
    var values: [Double]
    init(count: Int) { values = Array(repeating: 0, count: count) }
  }

  /// A tensor, or a contiguous part of one.
  public struct Tensor {
    let storage: Storage
    let offset: Int
    let shape: Shape
    let format: TensorFormat
  }

  public init() {}

  public var name: String { "reference (CPU, float64)" }
  public var driver: String? { nil }
  public var availableMemory: Int { HostMemory.available }

  public func byteCount(_ shape: Shape, _ format: TensorFormat) -> Int {
    let (bytes, overflow) = shape.count.multipliedReportingOverflow(by: MemoryLayout<Double>.stride)
    return overflow ? .max : bytes
  }

  public func makeTensor(_ shape: Shape, _ format: TensorFormat, at residence: Residence, label: String) -> Tensor {
    Tensor(storage: Storage(count: shape.count), offset: 0, shape: shape, format: format)
  }

  public func makeTensor(
    _ shape: Shape, _ format: TensorFormat, from bytes: UnsafeRawBufferPointer, label: String
  ) -> Tensor {
    let tensor = makeTensor(shape, format, at: .device, label: label)
    write(bytes, to: tensor)
    return tensor
  }

  public func write(_ bytes: UnsafeRawBufferPointer, to tensor: Tensor) {
    tensor.replace(
      tensor.format.blockBytes == nil ? tensor.format.decode(bytes, tensor.shape) : tensor.format.decode(bytes))
  }

  public func clear(_ tensor: Tensor) { tensor.replace(Array(repeating: 0, count: tensor.shape.count)) }

  public func floats(of tensor: Tensor) -> [Float] { tensor.values(tensor.shape.count).map(Float.init) }
  public func integers(of tensor: Tensor) -> [Int32] { tensor.values(tensor.shape.count).map { Int32($0) } }

  public func part(of tensor: Tensor, from element: Int, _ shape: Shape) -> Tensor {
    precondition(
      element >= 0 && element + shape.count <= tensor.shape.count, "\(shape) from \(element) of \(tensor.shape)")
    return Tensor(storage: tensor.storage, offset: tensor.offset + element, shape: shape, format: tensor.format)
  }

  public func makeProgram(label: String) -> Program { Program() }

  /// Evaluations to come.
  public final class Program: ModelProgram {
    private var steps: [() -> Void] = []

    public func record<Op: Definition & Dispatchable>(_ op: Op, _ arguments: [String: Tensor]) throws {
      try op.validate()
      let wanted = op.arguments
      steps.append {
        var inputs: [String: [Double]] = [:]
        for argument in wanted where argument.role != .output {
          inputs[argument.name] = arguments[argument.name]!.values(argument.shape.count)
        }
        let results = op.evaluate(inputs)
        for argument in wanted where argument.role != .input {
          arguments[argument.name]!.replace(results[argument.name]!)
        }
      }
    }

    public func copy(_ source: Tensor, to target: Tensor) {
      steps.append { target.replace(source.values(source.shape.count)) }
    }

    public func run() {
      for step in steps { step() }
    }
  }
}

extension ReferenceBackend.Tensor {
  /// The first `count` elements; without a copy if these are all of the storage.
  fileprivate func values(_ count: Int) -> [Double] {
    precondition(count <= shape.count, "\(count) elements of a tensor of \(shape)")
    if offset == 0 && count == storage.values.count { return storage.values }
    return Array(storage.values[offset..<offset + count])
  }

  fileprivate func replace(_ new: [Double]) {
    precondition(new.count <= shape.count, "\(new.count) elements for a tensor of \(shape)")
    if offset == 0 && new.count == storage.values.count {
      storage.values = new
    } else {
      storage.values.replaceSubrange(offset..<offset + new.count, with: new)
    }
  }
}
