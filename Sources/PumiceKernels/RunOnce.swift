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
  ///   - inputs: every input and `inout` argument by name, with as many numbers as its shape says. Arguments in `i32` and `i8` are
  ///     rounded to integers. Arguments in a block format take their stored bytes through `stored`.
  ///   - stored: arguments as stored bytes, by name, for any format.
  /// - Returns: every output and `inout` argument in f32 or i32, by name.
  /// - Throws: `KernelError` for a missing argument or a wrong count, or where a score function of the user's made a NaN;
  ///   `OperatorError`, `GPUError`.
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
    try requireNumbers(op, inputs, outputs)
    return outputs
  }

  /// Throws if a function of the user's is to blame for a NaN: it is in an output, and in no operand that was given in numbers.
  private func requireNumbers<Op: Dispatchable>(
    _ op: Op, _ inputs: [String: [Float]], _ outputs: [String: [Float]]
  ) throws(KernelError) {
    guard let function = op.userFunction, !inputs.contains(where: { $0.value.contains(where: \.isNaN) }) else { return }
    for (name, values) in outputs.sorted(by: { $0.key < $1.key }) {
      if let index = values.firstIndex(where: \.isNaN) {
        throw .notANumber(op.description, function: function, argument: name, index: index)
      }
    }
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
    guard values.count == argument.shape.count, argument.format.blockBytes != nil, argument.format.blockLength == 1
    else {
      throw .smallArgument(op.description, argument.name, needs: argument.byteCount, has: values.count * 4)
    }
    func raw<T: BitwiseCopyable>(_ elements: [T]) -> [UInt8] { elements.withUnsafeBytes { Array($0) } }
    func integers<T: FixedWidthInteger>(_ type: T.Type) throws(KernelError) -> [UInt8] {
      var integers: [T] = []
      for value in values {
        guard let integer = T(exactly: value.rounded()) else {
          throw .unrepresentable(op.description, argument.name, value: value, format: argument.format.name)
        }
        integers.append(integer)
      }
      return integers.withUnsafeBytes { Array($0) }
    }
    switch argument.format {
    case .f32: return raw(values)
    case .f16: return raw(values.map { Float16($0) })
    case .bf16: return raw(values.map(\.upperHalf))
    case .i32: return try integers(Int32.self)
    case .i8: return try integers(Int8.self)
    case .block, .group, .normalFloat, .palette, .dualGrained, .gptq, .awq:
      preconditionFailure("\(argument.format.name) stores no single values")
    }
  }
}

extension Float {
  /// The bfloat16 number nearest to this one, ties to even.
  fileprivate var upperHalf: UInt16 {
    let bits = bitPattern
    if isNaN { return UInt16(bits >> 16) | 0x40 }
    return UInt16((bits &+ 0x7fff &+ (bits >> 16 & 1)) >> 16)
  }
}
