import Foundation
import PumiceGPU
import PumiceKernels
import PumiceModelFiles
import PumiceOperators
import PumiceReference
import PumiceTensors
import Testing

/// Layers packed by hand as MLX, AutoGPTQ and AutoAWQ document it, through files and the device: the product is that of the
/// matrix which the packed numbers stand for.
@Suite(.serialized) struct PublishedLayoutTests {
  private static let outputs = 64, inputs = 256, group = 64, groups = 4

  /// Numbers that look like nothing in particular; the same on every machine.
  private struct Noise {
    var state: UInt64
    mutating func below(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
    /// An f16 number from −1 to 1.
    mutating func half() -> Float16 { Float16(below(4001) - 2000) / 2000 }
  }

  private var noise = Noise(state: 3)

  /// Codes by output and input, scales and zeros (or offsets) by output and group.
  private struct Layer {
    var codes: [[Int]]
    var scales: [[Float16]]
    var zeros: [[Int]]
    var offsets: [[Float16]]
  }

  private mutating func layer(bits: Int, groups: Int = Self.groups) -> Layer {
    Layer(
      codes: (0..<Self.outputs).map { _ in (0..<Self.inputs).map { _ in noise.below(1 << bits) } },
      scales: (0..<Self.outputs).map { _ in (0..<groups).map { _ in noise.half() / 16 } },
      // What AutoGPTQ stores is one less, and must not be below zero.
      zeros: (0..<Self.outputs).map { _ in (0..<groups).map { _ in 1 + noise.below(1 << bits - 1) } },
      offsets: (0..<Self.outputs).map { _ in (0..<groups).map { _ in noise.half() } })
  }

  private static func bytes<T: BitwiseCopyable>(_ values: [T]) -> [UInt8] { values.withUnsafeBytes { [UInt8]($0) } }

  /// Transposed, as GPTQ and AWQ store numbers of groups.
  private static func byGroup(_ values: [[Float16]]) -> [UInt8] {
    bytes(values[0].indices.flatMap { group in values.map { $0[group].bitPattern } })
  }

  /// Writes a folder with the tensors and the configuration, reads the layer, and checks values and products.
  private mutating func check(
    _ config: String, _ tensors: [(name: String, shape: Shape, type: SafetensorsType, bytes: [UInt8])],
    format name: String, _ value: (Int, Int) -> Float
  ) throws {
    let expected = (0..<Self.outputs).flatMap { o in (0..<Self.inputs).map { i in Double(value(o, i)) } }
    let x = (0..<5 * Self.inputs).map { _ in Float(noise.half()) }
    try QuantizeTests.withPath("model") { folder in
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      var writer = SafetensorsWriter()
      for tensor in tensors {
        writer.addTensor("m.\(tensor.name)", shape: tensor.shape, type: tensor.type, bytes: tensor.bytes)
      }
      try writer.write(to: "\(folder)/model.safetensors")
      try Data(config.utf8).write(to: URL(fileURLWithPath: "\(folder)/config.json"))

      let file = try SafetensorsFile(path: folder)
      let layer = try file.linear(named: "m", quantization: QuantizationConfig(path: folder))
      let format = try #require(layer.format)
      #expect(format.name == name && layer.outputs == Self.outputs && layer.inputs == Self.inputs)
      let sections = try #require(format.sectioned?.sections(rows: Self.outputs, columns: Self.inputs))
      var stored = [UInt8](repeating: 0, count: sections.byteCount)
      for (part, offset) in zip(layer.parts, sections.offsets) {
        file.withBytes(of: part) { stored.replaceSubrange(offset..<offset + $0.count, with: $0) }
      }
      #expect(format.decode(stored, [Self.outputs, Self.inputs]) == expected)
      // A vector and a matrix: other variants.
      for columns in [1, 5] {
        let op = MatMul(m: Self.outputs, n: columns, k: Self.inputs, weight: format)
        let inputs = Array(x.prefix(columns * Self.inputs))
        let found = try kernels.get().run(op, inputs: ["x": inputs], stored: ["weight": stored])["y"]!
        let reference = op.evaluate(
          ["weight": expected, "x": inputs.map(Double.init)], rounding: .f32, elements: .all)["y"]!
        #expect(reference.values.contains { abs($0) > 0.1 })
        let wrong = found.indices.filter { !(abs(Double(found[$0]) - reference.values[$0]) <= reference.bounds[$0]) }
        #expect(wrong.isEmpty, "\(name), n \(columns): \(wrong.prefix(3))")
      }
    }
  }

  /// MLX: words of 32 / bits codes; of 3 and 5 bits eight codes in as many bytes, of 6 bits four codes in three bytes.
  private static func mlxRow(_ codes: [Int], bits: Int) -> [UInt8] {
    let (count, size) = bits == 3 || bits == 5 ? (8, bits) : bits == 6 ? (4, 3) : (32 / bits, 4)
    return stride(from: 0, to: codes.count, by: count).flatMap { start in
      let packed = (0..<count).reduce(UInt64(0)) { $0 | UInt64(codes[start + $1]) << UInt64($1 * bits) }
      return (0..<size).map { UInt8(packed >> UInt64(8 * $0) & 255) }
    }
  }

  @Test(arguments: [2, 3, 4, 5, 6, 8]) mutating func mlx(bits: Int) throws {
    let layer = layer(bits: bits)
    let shape: Shape = [Self.outputs, Self.groups]
    try check(
      #"{"quantization": {"bits": \#(bits), "group_size": \#(Self.group)}}"#,
      [
        (
          "weight", [Self.outputs, Self.inputs * bits / 32], .u32,
          layer.codes.flatMap { Self.mlxRow($0, bits: bits) }
        ),
        ("scales", shape, .f16, Self.bytes(layer.scales.flatMap { $0.map(\.bitPattern) })),
        ("biases", shape, .f16, Self.bytes(layer.offsets.flatMap { $0.map(\.bitPattern) })),
      ], format: "g\(bits):\(Self.group):asym"
    ) { o, i in
      Float(layer.scales[o][i / Self.group]) * Float(layer.codes[o][i]) + Float(layer.offsets[o][i / Self.group])
    }
  }

  /// AutoGPTQ: 32 codes of 3 bits lie in three words, the 11th and the 22nd across two of them; others fill words.
  static func gptqWords(_ codes: [Int], bits: Int) -> [UInt32] {
    guard bits == 3 else {
      let count = 32 / bits
      return stride(from: 0, to: codes.count, by: count).map { start in
        (0..<count).reduce(0) { $0 | UInt32(codes[start + $1]) << UInt32(bits * $1) }
      }
    }
    return stride(from: 0, to: codes.count, by: 32).flatMap { start -> [UInt32] in
      let q = codes[start..<start + 32].map { UInt32($0) }
      var words: [UInt32] = [0, 0, 0]
      for j in 0..<10 { words[0] |= q[j] << UInt32(3 * j) }
      words[0] |= q[10] << 30
      words[1] |= q[10] >> 2 & 1
      for j in 0..<10 { words[1] |= q[11 + j] << UInt32(3 * j + 1) }
      words[1] |= q[21] << 31
      words[2] |= q[21] >> 1 & 3
      for j in 0..<10 { words[2] |= q[22 + j] << UInt32(3 * j + 2) }
      return words
    }
  }

  @Test(arguments: [2, 3, 4, 8], [false, true]) mutating func gptq(bits: Int, isOrdered: Bool) throws {
    let layer = layer(bits: bits)
    // With act-order an input belongs to any group.
    var order = (0..<Self.inputs).map { Int32($0 / Self.group) }
    if isOrdered { for i in stride(from: Self.inputs - 1, to: 0, by: -1) { order.swapAt(i, noise.below(i + 1)) } }
    let columns = layer.codes.map { Self.gptqWords($0, bits: bits) }
    let words = columns[0].indices.flatMap { word in columns.map { $0[word] } }
    let zeros = (0..<Self.groups).flatMap { group in
      Self.gptqWords(layer.zeros.map { $0[group] - 1 }, bits: bits)
    }
    try check(
      #"{"quantization_config": {"quant_method": "gptq", "bits": \#(bits), "group_size": \#(Self.group), "#
        + #""desc_act": \#(isOrdered), "sym": false}}"#,
      [
        ("qweight", [Self.inputs / 32 * bits, Self.outputs], .i32, Self.bytes(words)),
        ("qzeros", [Self.groups, Self.outputs * bits / 32], .i32, Self.bytes(zeros)),
        ("scales", [Self.groups, Self.outputs], .f16, Self.byGroup(layer.scales)),
        ("g_idx", [Self.inputs], .i32, Self.bytes(order)),
      ], format: "gptq\(bits):\(Self.group)\(isOrdered ? ":ordered" : "")"
    ) { o, i in
      let group = Int(order[i])
      return Float(layer.scales[o][group]) * Float(layer.codes[o][i] - layer.zeros[o][group])
    }
  }

  @Test mutating func awq() throws {
    let layer = layer(bits: 4)
    /// AutoAWQ: the codes of eight outputs in a word, in this order.
    func words(_ codes: [Int]) -> [UInt32] {
      stride(from: 0, to: codes.count, by: 8).map { start in
        [0, 2, 4, 6, 1, 3, 5, 7].enumerated().reduce(0) {
          $0 | UInt32(codes[start + $1.element]) << UInt32(4 * $1.offset)
        }
      }
    }
    try check(
      #"{"quantization_config": {"quant_method": "awq", "bits": 4, "group_size": \#(Self.group), "version": "gemm"}}"#,
      [
        (
          "qweight", [Self.inputs, Self.outputs / 8], .i32,
          Self.bytes((0..<Self.inputs).flatMap { i in words(layer.codes.map { $0[i] }) })
        ),
        (
          "qzeros", [Self.groups, Self.outputs / 8], .i32,
          Self.bytes((0..<Self.groups).flatMap { g in words(layer.zeros.map { $0[g] }) })
        ),
        ("scales", [Self.groups, Self.outputs], .f16, Self.byGroup(layer.scales)),
      ], format: "awq4:\(Self.group)"
    ) { o, i in
      Float(layer.scales[o][i / Self.group]) * Float(layer.codes[o][i] - layer.zeros[o][i / Self.group])
    }
  }
}
