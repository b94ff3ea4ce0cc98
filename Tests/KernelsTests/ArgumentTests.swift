import PumiceGPU
import PumiceKernels
import PumiceOperators
import PumiceReference
import PumiceTensors
import Testing

/// What `KernelLibrary.record` refuses of its arguments.
@Suite(.serialized) struct ArgumentTests {
  private let op = Attention(tokens: 1, heads: 2, kvHeads: 1, keySize: 8, capacity: 5, keyFormat: .f16)

  /// Every argument in a buffer of its own, one of them `offset` bytes from its start.
  private func record(_ name: String, at offset: Int, on device: Device) throws {
    var slices: [String: BufferSlice] = [:]
    for argument in op.arguments {
      let buffer = try device.makeBuffer(byteCount: argument.storageBytes + offset, label: argument.name)
      slices[argument.name] = try buffer.slice(
        offset: argument.name == name ? offset : 0, byteCount: argument.storageBytes)
    }
    try KernelLibrary(device: device).record(op, slices, into: device.makeCommandList(label: "arguments"))
  }

  /// Shaders that load vectors would read other elements, or nothing, from an address between two vectors.
  @Test(arguments: ["q", "k", "v"]) func vectorsMustBeAligned(_ name: String) throws {
    let device = try Device.open()
    let error = #expect(throws: KernelError.self) { try record(name, at: 8, on: device) }
    guard case .misalignedArgument(_, let argument, let address, let alignment) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(argument == name && address % 16 == 8 && alignment == 16)
    try record(name, at: 16, on: device)
  }

  /// Numbers of the host are stored as the argument's format has them, rounded to nearest.
  @Test(arguments: TensorFormat.plainWeights) func numbersAreStoredInTheFormat(_ format: TensorFormat) throws {
    let kernels = KernelLibrary(device: try Device.open())
    let weight: [Float] = [1, -2.5, 0.1, 1.00390625, 3e4, -7, 0.3333, 12345]
    let y = try kernels.run(
      MatMul(m: 8, n: 1, k: 1, weight: format), inputs: ["weight": weight, "x": [1]])["y"]!
    #expect(y == weight.map { Float(format.rounded(Double($0))) })
  }

  @Test(arguments: [Float.nan, .infinity, 3e9]) func aNumberThatIsNoIntegerIsRefused(_ value: Float) throws {
    let kernels = KernelLibrary(device: try Device.open())
    let error = #expect(throws: KernelError.self) {
      _ = try kernels.run(
        EmbeddingGather(tokens: 1, vocabulary: 2, width: 1, format: .f32),
        inputs: ["table": [1, 2], "tokens": [value]])
    }
    guard case .unrepresentable(_, "tokens", _, "i32") = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }
}
