import PumiceOperators
import PumiceGPU
import PumiceTensors

extension KernelLibrary {
  /// Runs one operator on numbers of the host and gives its outputs: the short way, for trying things out.
  ///
  /// Every call uploads and downloads; a program that repeats itself keeps its own buffers and uses `record`.
  ///
  /// - Parameters:
  ///   - op: the operator.
  ///   - inputs: every input and `inout` argument by name, with as many numbers as its shape says. Arguments in `i32` are
  ///     rounded to integers. Arguments in a block format take their stored bytes through `stored`.
  ///   - stored: arguments as stored bytes, by name, for any format.
  /// - Returns: every output and `inout` argument in f32 or i32, by name.
  /// - Throws: `KernelError` for a missing argument or a wrong count, `OperatorError`, `GPUError`.
  public func run<Op: Dispatchable>(
    _ op: Op, inputs: [String: [Float]] = [:], stored: [String: [UInt8]] = [:]
  ) throws -> [String: [Float]] {
    try op.validate()
    var slices: [String: BufferSlice] = [:]
    for argument in op.arguments {
      let buffer = try device.makeBuffer(byteCount: argument.storageBytes, memory: .device, label: argument.name)
      if argument.role != .output {
        try buffer.write(bytes(argument, of: op, inputs: inputs, stored: stored))
      }
      slices[argument.name] = buffer.whole
    }
    let list = try device.makeCommandList(label: op.description)
    try record(op, slices, into: list)
    try list.run()
    var outputs: [String: [Float]] = [:]
    for argument in op.arguments where argument.role != .input {
      let buffer = slices[argument.name]!.buffer
      let count = argument.shape.count
      switch argument.format {
      case .f32: outputs[argument.name] = try buffer.read(Float.self, count: count)
      case .f16: outputs[argument.name] = try buffer.read(Float16.self, count: count).map(Float.init)
      case .i32: outputs[argument.name] = try buffer.read(Int32.self, count: count).map(Float.init)
      case .i8: outputs[argument.name] = try buffer.read(Int8.self, count: count).map(Float.init)
      case .bf16, .block, .group, .normalFloat, .palette, .dualGrained, .gptq, .awq:
        preconditionFailure("no operator writes \(argument.format.name)")
      }
    }
    return outputs
  }

  private func bytes<Op: Operator>(
    _ argument: Argument, of op: Op, inputs: [String: [Float]], stored: [String: [UInt8]]
  ) throws(KernelError) -> [UInt8] {
    if let bytes = stored[argument.name] {
      guard bytes.count == argument.byteCount else {
        throw .smallArgument(op.description, argument.name, needs: argument.byteCount, has: bytes.count)
      }
      return bytes
    }
    guard let values = inputs[argument.name] else { throw .missingArgument(op.description, argument.name) }
    guard values.count == argument.shape.count, argument.format.blockLength == 1 else {
      throw .smallArgument(op.description, argument.name, needs: argument.byteCount, has: values.count * 4)
    }
    func raw<T: BitwiseCopyable>(_ elements: [T]) -> [UInt8] { elements.withUnsafeBytes { Array($0) } }
    return switch argument.format {
    case .f16: raw(values.map { Float16($0) })
    case .i32: raw(values.map { Int32($0) })
    case .i8: raw(values.map { Int8($0) })
    default: raw(values)
    }
  }
}
