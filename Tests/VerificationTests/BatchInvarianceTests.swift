import PumiceGPU
import PumiceKernels
import PumiceOperators
import PumiceTensors
import Testing

/// A token's numbers must not depend on how many others are computed with it: text would change with the batch size.
@Suite struct BatchInvarianceTests {
  /// Bytes of finite numbers in every format: the top exponent bit of each 16-bit half is cleared, so that binary16 and
  /// binary32 stay below 2.
  private func bytes(_ count: Int, seed: UInt64) -> [UInt8] {
    var state = seed
    return (0..<count).map { index in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return UInt8(truncatingIfNeeded: state >> 56) & (index % 2 == 1 ? 0xBF : 0xFF)
    }
  }

  @Test(arguments: [TensorFormat.f32, .f16, .q8_0, .q4_0])
  func columnsAreIndependent(_ weight: TensorFormat) throws {
    let kernels = KernelLibrary(device: try Device.open())
    // One column, the widths where tiles change their shape, and more than one tile; k is longer than one decoded stretch.
    let sizes = [1, 3, 8, 9, 17, 33, 65]
    let widest = MatMul(m: 37, n: sizes.last!, k: 1056, weight: weight, bias: true)
    var inputs: [String: [UInt8]] = [:]
    for (index, argument) in widest.arguments.enumerated() where argument.role == .input {
      inputs[argument.name] = bytes(argument.byteCount, seed: UInt64(index + 1))
    }
    for variant in MatMul.variants {
      var bits: [Int: [UInt32]] = [:]
      for n in sizes {
        var op = widest
        op.n = n
        if variant.unavailable(op, on: kernels.device.info) != nil { continue }
        var slices: [String: BufferSlice] = [:]
        for argument in op.arguments {
          let buffer = try kernels.device.makeBuffer(
            byteCount: argument.storageBytes, memory: .device, label: argument.name)
          if let bytes = inputs[argument.name] { try buffer.write(Array(bytes.prefix(argument.byteCount))) }
          slices[argument.name] = buffer.whole
        }
        let list = try kernels.device.makeCommandList(label: op.description)
        try kernels.record(op, slices, into: list, variant: variant)
        try list.run()
        bits[n] = try slices["y"]!.buffer.read(UInt32.self, count: n * op.m)
      }
      guard let reference = bits.max(by: { $0.key < $1.key })?.value else { continue }
      for (n, found) in bits {
        #expect(found == Array(reference.prefix(found.count)), "\(variant.name), the first \(n) columns")
      }
      #expect(Set(reference).count > reference.count / 2, "\(variant.name) gives numbers")
    }
  }
}
