import PumiceGPU
public import PumiceKernels
import PumiceOperators
public import PumiceReference
public import PumiceTensors

/// Runs a model on a device through Vulkan: programs are command lists, recorded once and submitted again and again.
public final class VulkanBackend: Backend {
  /// A tensor in a buffer, or a part of one.
  public struct Tensor {
    let slice: BufferSlice
    let shape: Shape
    let format: TensorFormat
  }

  public let kernels: KernelLibrary

  public init(_ kernels: KernelLibrary) { self.kernels = kernels }

  private var device: Device { kernels.device }

  public var name: String { device.info.name }
  public var driver: String? {
    [device.info.driverName, device.info.driverInfo].filter { !$0.isEmpty }.joined(separator: " ")
  }
  /// What the driver grants, and no more than what the host has left if the two share their memory.
  public var availableMemory: Int {
    let granted = device.memoryBudget - device.memoryInUse
    return device.info.unifiedMemory ? min(granted, HostMemory.available) : granted
  }

  public func byteCount(_ shape: Shape, _ format: TensorFormat) -> Int { Self.storageBytes(shape, format) }

  /// Bytes of a buffer for a tensor: shaders read whole words, up to four at once, and device memory is handed
  /// out in steps of 256.
  static func storageBytes(_ shape: Shape, _ format: TensorFormat) -> Int {
    guard let bytes = format.byteCount(shape), bytes <= .max - 255 else { return .max }
    return (bytes + 255) & ~255
  }

  public func makeTensor(
    _ shape: Shape, _ format: TensorFormat, at residence: Residence, label: String
  ) throws -> Tensor {
    let memory: MemoryKind =
      switch residence {
      case .device: .device
      case .hostWritten: .upload
      case .hostRead: .readback
      }
    let tensor = try makeTensor(shape, format, in: memory, label: label)
    try tensor.slice.buffer.fill(word: 0)
    return tensor
  }

  public func makeTensor(
    _ shape: Shape, _ format: TensorFormat, from bytes: UnsafeRawBufferPointer, label: String
  ) throws -> Tensor {
    let tensor = try makeTensor(shape, format, in: .device, label: label)
    // What shaders may read after the last element is defined.
    let end = tensor.slice.byteCount, tail = bytes.count & ~15
    if tail < end { try tensor.slice.buffer.fill(word: 0, at: tail) }
    try write(bytes, to: tensor)
    return tensor
  }

  private func makeTensor(_ shape: Shape, _ format: TensorFormat, in memory: MemoryKind, label: String) throws -> Tensor
  {
    let buffer = try device.makeBuffer(byteCount: byteCount(shape, format), memory: memory, label: label)
    return Tensor(slice: buffer.whole, shape: shape, format: format)
  }

  public func write(_ bytes: UnsafeRawBufferPointer, to tensor: Tensor) throws {
    try tensor.slice.buffer.write(bytes: bytes, at: tensor.slice.offset)
  }

  public func clear(_ tensor: Tensor) throws {
    try tensor.slice.buffer.fill(word: 0, at: tensor.slice.offset, byteCount: tensor.slice.byteCount)
  }

  public func floats(of tensor: Tensor) throws -> [Float] {
    try tensor.slice.buffer.read(Float.self, count: tensor.shape.count, at: tensor.slice.offset)
  }

  public func integers(of tensor: Tensor) throws -> [Int32] {
    try tensor.slice.buffer.read(Int32.self, count: tensor.shape.count, at: tensor.slice.offset)
  }

  public func part(of tensor: Tensor, from element: Int, _ shape: Shape) throws -> Tensor {
    guard let start = tensor.format.byteCount(elements: element),
      let bytes = tensor.format.byteCount(elements: shape.count)
    else { preconditionFailure("a part of \(tensor.format.name) that splits a block") }
    let slice = try tensor.slice.buffer.slice(offset: tensor.slice.offset + start, byteCount: bytes)
    return Tensor(slice: slice, shape: shape, format: tensor.format)
  }

  public func makeProgram(label: String) throws -> Program {
    Program(try device.makeCommandList(label: label), kernels)
  }

  /// A command list.
  public final class Program: ModelProgram {
    private let list: CommandList
    private let kernels: KernelLibrary

    init(_ list: CommandList, _ kernels: KernelLibrary) {
      self.list = list
      self.kernels = kernels
    }

    public func record<Op: Definition & Dispatchable>(_ op: Op, _ arguments: [String: Tensor]) throws {
      try kernels.record(op, arguments.mapValues(\.slice), into: list)
    }

    public func copy(_ source: Tensor, to target: Tensor) throws {
      let bytes = source.format.byteCount(source.shape)!
      try list.copy(
        from: source.slice.buffer.slice(offset: source.slice.offset, byteCount: bytes),
        to: target.slice.buffer.slice(offset: target.slice.offset, byteCount: bytes))
    }

    public func run() throws { try list.run() }
  }
}
