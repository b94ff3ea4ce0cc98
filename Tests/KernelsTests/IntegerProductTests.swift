import PumiceGPU
import PumiceKernels
import PumiceOperators
import PumiceReference
import PumiceTensors
import Testing

/// Operators on integers that work together, and what they refuse.
@Suite struct IntegerProductTests {
  private let kernels: KernelLibrary

  init() throws { kernels = KernelLibrary(device: try Device.open()) }

  /// `count` whole numbers of a range, the same in every run.
  private func numbers(_ count: Int, _ range: ClosedRange<Int>, seed: UInt64) -> [Int] {
    var state = seed
    return (0..<count).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return range.lowerBound + Int(state >> 33) % range.count
    }
  }

  /// Planes and sums of values, taken apart on the device.
  private func pack(_ values: [Int], rows: Int, _ planes: BitPlanes) throws -> (planes: [UInt8], sums: [Float]) {
    let width = values.count / rows
    let op = PackBitPlanes(rows: rows, width: width, planes: planes)
    var codes = [UInt8](repeating: 0, count: rows * codeLength(width))
    for (index, value) in values.enumerated() {
      codes[index / width * codeLength(width) + index % width] = UInt8(try #require(planes.code(value)))
    }
    let outputs = try stored(op, ["codes": codes])
    let sums = outputs["sums"]!.withUnsafeBytes { $0.bindMemory(to: Int32.self).map(Float.init) }
    return (outputs["planes"]!, sums)
  }

  /// The stored bytes of every output.
  private func stored<Op: Dispatchable>(
    _ op: Op, _ inputs: [String: [UInt8]], variant: String? = nil
  ) throws -> [String: [UInt8]] {
    var slices: [String: BufferSlice] = [:]
    for argument in op.arguments {
      let buffer = try kernels.device.makeBuffer(byteCount: argument.storageBytes, label: argument.name)
      if let bytes = inputs[argument.name] { try buffer.write(bytes) }
      slices[argument.name] = buffer.whole
    }
    let list = try kernels.device.makeCommandList(label: op.description)
    try kernels.record(op, slices, into: list, variant: variant.map { try kernels.variant($0, of: op) })
    try list.run()
    var outputs: [String: [UInt8]] = [:]
    for argument in op.arguments where argument.role != .input {
      outputs[argument.name] = try slices[argument.name]!.buffer.read(UInt8.self, count: argument.byteCount)
    }
    return outputs
  }

  private func bytes(_ numbers: [Float]) -> [UInt8] { numbers.withUnsafeBytes { Array($0) } }

  // MARK: Bit planes

  /// Packing and multiplying, with zero points, is the product of the differences for every pair of widths.
  @Test(arguments: 1...8) func everyPairOfWidthsIsExact(_ p: Int) throws {
    let (m, n, k) = (9, 3, 70)
    for q in 1...8 {
      for isSigned in [true, false] {
        let weight = isSigned ? BitPlanes.signed(q) : .unsigned(q), x = isSigned ? BitPlanes.signed(p) : .unsigned(p)
        let w = numbers(m * k, weight.least...weight.greatest, seed: UInt64(q))
        let a = numbers(n * k, x.least...x.greatest, seed: UInt64(100 + p))
        let wZeros = numbers(m, weight.least...weight.greatest, seed: 1)
        let xZeros = numbers(n, x.least...x.greatest, seed: 2)
        let (wPlanes, wSums) = try pack(w, rows: m, weight), (xPlanes, xSums) = try pack(a, rows: n, x)
        let y = try kernels.run(
          BitPlaneMatMul(m: m, n: n, k: k, weight: weight, x: x, zeroPoints: true),
          inputs: ["w_zero": wZeros.map(Float.init), "w_sum": wSums, "x_zero": xZeros.map(Float.init), "x_sum": xSums],
          stored: ["weight": wPlanes, "x": xPlanes])["y"]!
        for j in 0..<n {
          for i in 0..<m {
            let expected = (0..<k).reduce(0) { $0 + (w[i * k + $1] - wZeros[i]) * (a[j * k + $1] - xZeros[j]) }
            #expect(y[j * m + i] == Float(expected), "\(weight) × \(x) at \(i), \(j)")
          }
        }
      }
    }
  }

  @Test func balancedWeightsHaveFiveLevels() throws {
    let planes = BitPlanes.balanced
    #expect(Set((0..<8).map(planes.value)) == [-2, -1, 0, 1, 2])
    #expect((-2...2).allSatisfy { value in planes.code(value).map(planes.value) == value })
    #expect(planes.code(3) == nil && planes.least == -2 && planes.greatest == 2)
    let (m, k) = (5, 128)
    let w = numbers(m * k, -2...2, seed: 7), a = numbers(k, -128...127, seed: 8)
    let y = try kernels.run(
      BitPlaneMatMul(m: m, n: 1, k: k, weight: planes, x: .signed(8)),
      stored: ["weight": try pack(w, rows: m, planes).planes, "x": try pack(a, rows: 1, .signed(8)).planes])["y"]!
    #expect(y == (0..<m).map { i in Float((0..<k).reduce(0) { $0 + w[i * k + $1] * a[$1] }) })
  }

  @Test func whatMightNotFit32BitsIsRefused() throws {
    func product(_ k: Int, _ planes: BitPlanes, zeroPoints: Bool) -> BitPlaneMatMul {
      BitPlaneMatMul(m: 1, n: 1, k: k, weight: planes, x: planes, zeroPoints: zeroPoints)
    }
    // 128·128·131,071 is just below 2³¹; 255·255·33,025 is as well.
    try product(131_071, .signed(8), zeroPoints: false).validate()
    #expect(throws: OperatorError.self) { try product(131_072, .signed(8), zeroPoints: false).validate() }
    try product(33_025, .signed(8), zeroPoints: true).validate()
    #expect(throws: OperatorError.self) { try product(33_026, .signed(8), zeroPoints: true).validate() }
    #expect(throws: OperatorError.self) { try product(32, .unsigned(9), zeroPoints: false).validate() }
    #expect(throws: OperatorError.self) { try product(32, BitPlanes(coefficients: []), zeroPoints: false).validate() }
    #expect(throws: OperatorError.self) { try Int8MatMul(m: 1, n: 1, k: 131_072, weight: .int8).validate() }
    #expect(throws: OperatorError.self) {
      try Int8MatMul(m: 1, n: 1, k: 96, weight: .dualGrained(group: 48)).validate()
    }
    #expect(throws: OperatorError.self) {
      try Int8MatMul(m: 1, n: 1, k: 96, weight: .dualGrained(group: 64)).validate()
    }
    #expect(throws: OperatorError.self) {
      try QuantizeActivations(rows: 1, width: 8, bits: 1, symmetric: true).validate()
    }
    try QuantizeActivations(rows: 1, width: 8, bits: 1, symmetric: false).validate()
    #expect(throws: OperatorError.self) { try RMSNorm(rows: 1, width: 8, epsilon: 0, codeBits: 9).validate() }
  }

  /// From numbers to codes to planes to a scaled product: as far from the product of the numbers as half a step of every
  /// number allows.
  @Test(arguments: [(4, true), (8, true), (3, false), (8, false)])
  func quantizedActivationsMultiplyAsTheNumbersDo(_ bits: Int, _ symmetric: Bool) throws {
    let (m, n, k) = (6, 4, 100)
    let x = numbers(n * k, -1000...3000, seed: 3).map { Float($0) / 256 }
    let w = numbers(m * k, -8...7, seed: 4)
    let quantize = QuantizeActivations(rows: n, width: k, bits: bits, symmetric: symmetric)
    let quantized = try stored(quantize, ["x": bytes(x)])
    let packed = try stored(
      PackBitPlanes(rows: n, width: k, planes: .signed(bits)), ["codes": quantized["codes"]!])
    let (weights, weightSums) = try pack(w, rows: m, .signed(4))
    let op = BitPlaneMatMul(m: m, n: n, k: k, weight: .signed(4), x: .signed(bits), zeroPoints: true, scaled: true)
    let y = try stored(
      op,
      [
        "weight": weights, "x": packed["planes"]!, "w_zero": [UInt8](repeating: 0, count: 4 * m),
        "w_sum": weightSums.flatMap { sum in withUnsafeBytes(of: Int32(sum)) { Array($0) } },
        "x_zero": quantized["zero"] ?? [UInt8](repeating: 0, count: 4 * n), "x_sum": packed["sums"]!,
        "w_scale": bytes(Array(repeating: 0.5, count: m)), "x_scale": quantized["scale"]!,
      ])["y"]!.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
    let scales = quantized["scale"]!.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
    for j in 0..<n {
      for i in 0..<m {
        let exact = (0..<k).reduce(Float(0)) { $0 + 0.5 * Float(w[i * k + $1]) * x[j * k + $1] }
        let sizes = (0..<k).reduce(Float(0)) { $0 + 0.5 * Float(abs(w[i * k + $1])) }
        // The zero point is rounded as well, which may clip the ends by half a step more.
        #expect(abs(y[j * m + i] - exact) <= (symmetric ? 0.51 : 1.01) * scales[j] * sizes)
      }
    }
  }

  // MARK: Dual grained weights

  /// The integer product reads the same stored tensor as the product of real numbers, and means the same.
  @Test func dualGrainedWeightsMeanTheSameToBothProducts() throws {
    let (m, n, k, group) = (7, 2, 192, 64)
    let format = TensorFormat.dualGrained(try #require(DualGrainedFormat(group: group)))
    let op = Int8MatMul(m: m, n: n, k: k, weight: .dualGrained(group: group), scaled: true)
    let sections = try #require(op.weightSections)
    #expect(sections.byteCount == format.byteCount([m, k]))
    var stored = numbers(sections.byteCount, 0...255, seed: 11).map { UInt8($0) }
    for at in 0..<sections.sizes[1] { stored[sections.offsets[1] + at] = UInt8(1 + at % 8) }
    for at in 0..<sections.sizes[2] { stored[sections.offsets[2] + at] &= 15 }
    for row in 0..<m {
      let bits = Float16(Float(row + 1) / 64).bitPattern
      stored[sections.offsets[3] + 2 * row] = UInt8(truncatingIfNeeded: bits)
      stored[sections.offsets[3] + 2 * row + 1] = UInt8(bits >> 8)
    }
    let weights = format.decode(stored, [m, k])
    let x = numbers(n * k, -128...127, seed: 12)
    let y = try kernels.run(
      op, inputs: ["x": x.map(Float.init), "x_scale": [0.5, 2]], stored: ["weight": stored])["y"]!
    for j in 0..<n {
      for i in 0..<m {
        let expected = (0..<k).reduce(0) { $0 + weights[i * k + $1] * Double(x[j * k + $1]) } * (j == 0 ? 0.5 : 2)
        // Powers of two and small sums: nothing is rounded.
        #expect(Double(y[j * m + i]) == expected)
      }
    }
  }

  // MARK: Codes from the norm

  /// Step migration: a gain of γ/s gives the codes of the norm divided by s and rounded, bit for bit where s is a power of
  /// two, in every variant.
  @Test(arguments: RMSNorm.variantNames, [false, true])
  func theNormWritesTheCodesOfItsRoundedQuotients(_ variant: String, _ addsResidual: Bool) throws {
    let (rows, width) = (5, 1031)
    var norm = RMSNorm(rows: rows, width: width, epsilon: 1e-5, addsResidual: addsResidual)
    guard RMSNorm.variants.first(where: { $0.name == variant })?.unavailable(norm, on: kernels.device.info) == nil
    else { return }
    let gain = numbers(width, -4000...4000, seed: 5).map { Float($0) / 1024 }
    let steps = numbers(width, -6 ... -1, seed: 6).map { Float(sign: .plus, exponent: $0, significand: 1) }
    var inputs = [
      "x": bytes(numbers(rows * width, -9999...9999, seed: 9).map { Float($0) / 777 }), "gain": bytes(gain),
    ]
    if addsResidual { inputs["addend"] = bytes(numbers(rows * width, -999...999, seed: 10).map { Float($0) / 333 }) }
    let y = try stored(norm, inputs, variant: variant)["y"]!.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
    for bits in [1, 4, 8] {
      norm.codeBits = bits
      inputs["gain"] = bytes(zip(gain, steps).map { $0 / $1 })
      let codes = try stored(norm, inputs, variant: variant)["codes"]!.map { Int(Int8(bitPattern: $0)) }
      let range = try #require(norm.codes)
      let expected = (0..<rows).flatMap { r in
        (0..<codeLength(width)).map { i -> Int in
          if i >= width { return 0 }
          let quotient = (y[r * width + i] / steps[i]).rounded(.toNearestOrEven)
          return Int(min(max(quotient, Float(range.lowerBound)), Float(range.upperBound)))
        }
      }
      #expect(codes == expected, "\(bits) bits")
      // Nearly every code occurs, and both ends do.
      #expect(
        Set(codes).count > range.count * 9 / 10 && codes.min() == range.lowerBound && codes.max() == range.upperBound)
    }
  }
}
