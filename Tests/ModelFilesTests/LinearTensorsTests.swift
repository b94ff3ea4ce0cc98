import PumiceModelFiles
import PumiceTensors
import Testing

/// What a layer's tensors are made of, so that a test can change one thing.
private struct Layer {
  var config: String
  var tensors: [String: (shape: Shape, type: SafetensorsType)]
  /// Bytes of a tensor; zeros where nothing is said.
  var contents: [String: [UInt8]] = [:]

  func file() throws -> SafetensorsFile {
    var writer = SafetensorsWriter()
    for (name, tensor) in tensors.sorted(by: { $0.key < $1.key }) {
      let count = tensor.shape.count * tensor.type.bits / 8
      writer.addTensor(
        "m.\(name)", shape: tensor.shape, type: tensor.type, bytes: contents[name] ?? .init(repeating: 0, count: count))
    }
    return try SafetensorsFile(bytes: writer.bytes(), name: "model.safetensors")
  }

  func read() throws -> LinearTensors {
    try file().linear(named: "m", quantization: QuantizationConfig(bytes: Array(config.utf8)))
  }

  /// The message of the error that reading ends in.
  func message() -> String {
    do { return "read: \(try read())" } catch { return "\(error)" }
  }

  /// The message after a change.
  func message(_ change: (inout Layer) -> Void) -> String {
    var layer = self
    change(&layer)
    return layer.message()
  }

  /// 10 outputs, 192 inputs.
  static func mlx(bits: Int, group: Int = 64, scales: SafetensorsType = .f16) -> Layer {
    Layer(
      config: #"{"quantization": {"bits": \#(bits), "group_size": \#(group)}}"#,
      tensors: [
        "weight": ([10, 6 * bits], .u32), "scales": ([10, 192 / group], scales), "biases": ([10, 192 / group], scales),
      ])
  }

  /// 64 outputs, 256 inputs.
  static func gptq(bits: Int, group: Int = 128, rest: String = "") -> Layer {
    let groups = group < 0 ? 1 : 256 / group
    return Layer(
      config: #"{"quantization_config": {"quant_method": "gptq", "bits": \#(bits), "group_size": \#(group)\#(rest)}}"#,
      tensors: [
        "qweight": ([8 * bits, 64], .i32), "qzeros": ([groups, 2 * bits], .i32), "scales": ([groups, 64], .f16),
        "g_idx": ([256], .i32),
      ],
      contents: ["g_idx": (0..<256).flatMap { raw(Int32($0 / (group < 0 ? 256 : group))) }])
  }

  /// 64 outputs, 256 inputs.
  static let awq = Layer(
    config: #"{"quantization_config": {"quant_method": "awq", "bits": 4, "group_size": 128, "version": "gemm"}}"#,
    tensors: ["qweight": ([256, 8], .i32), "qzeros": ([2, 8], .i32), "scales": ([2, 64], .f16)])
}

@Suite struct LinearTensorsTests {
  @Test(arguments: [2, 3, 4, 5, 6, 8], [32, 64])
  func mlx(bits: Int, group: Int) throws {
    let linear = try Layer.mlx(bits: bits, group: group).read()
    #expect(linear.outputs == 10 && linear.inputs == 192 && linear.bias == nil)
    guard case .mlx(let tensors) = linear.storage else {
      Issue.record("\(linear.storage)")
      return
    }
    #expect(tensors.scheme == .init(bits: bits, group: group, isSymmetric: false))
    // The sections of the format that computes with it.
    let format = try #require(GroupFormat(bits: bits, group: group, offset: .bias))
    let sections = try #require(format.sections(rows: 10, columns: 192))
    #expect(linear.parts.map(\.name) == ["m.weight", "m.scales", "m.biases"])
    #expect(linear.parts.map(\.byteCount) == sections.sizes)
  }

  @Test func mlxOfOtherTypesAndModes() throws {
    var layer = Layer.mlx(bits: 4, scales: .bf16)
    layer.tensors["bias"] = ([10], .bf16)
    #expect(try layer.read().bias?.name == "m.bias")
    layer.config = #"{"quantization": {"pumice_version": 1, "bits": 4, "group_size": -1, "mode": "symmetric"}}"#
    layer.tensors["scales"] = ([10, 1], .f32)
    layer.tensors["biases"] = nil
    #expect(try layer.read().parts.map(\.name) == ["m.weight", "m.scales"])
    // Layers without scales are plain, whatever the others are.
    layer.tensors = ["weight": ([10, 192], .f16)]
    let plain = try layer.read()
    #expect(plain.outputs == 10 && plain.inputs == 192 && plain.parts.map(\.name) == ["m.weight"])
  }

  @Test func mlxThatDoesNotFit() {
    let layer = Layer.mlx(bits: 4)
    #expect(
      layer.message { $0.tensors["biases"] = nil } == "model.safetensors: tensor m.biases: the file does not have it")
    #expect(
      layer.message { $0.tensors["scales"] = nil }
        == "model.safetensors: tensor m.weight: its type U32 is not read, only F16, BF16, F32")
    #expect(
      layer.message { $0.tensors["weight"] = ([10, 25], .u32) }.contains("tensor m.weight: 25 words hold no whole"))
    #expect(layer.message { $0.tensors["weight"] = ([240], .u32) }.contains("tensor m.weight: has the shape 240"))
    #expect(
      layer.message { $0.tensors["weight"] = ([10, 20], .u32) }
        == "model.safetensors: tensor m.weight: groups of 64 do not divide its 160 inputs")
    #expect(
      layer.message { $0.tensors["scales"] = ([10, 4], .f16) }
        == "model.safetensors: tensor m.scales: has the shape 10×4, expected 10×3 for m.weight of 10×24")
    #expect(layer.message { $0.tensors["biases"] = ([3, 10], .f16) }.contains("tensor m.biases: has the shape 3×10"))
    #expect(layer.message { $0.tensors["biases"] = ([10, 3], .f32) }.contains("tensor m.biases: its type F32 is not"))
    #expect(layer.message { $0.tensors["scales"] = ([10, 3], .u8) }.contains("tensor m.scales: its type U8 is not"))
    #expect(
      layer.message { $0.tensors["bias"] = ([11], .f16) }.contains("tensor m.bias: has the shape 11, expected 10"))
    // A width that the weight does not have.
    #expect(layer.message { $0.config = Layer.mlx(bits: 8).config }.contains("tensor m.weight: groups of 64 do not"))
    #expect(
      layer.message { $0.config = #"{"quantization": {"bits": 4, "group_size": 64, "m": false}}"# }
        .contains("tensor m.weight: is quantized, but the configuration says that it is not"))
  }

  @Test(
    arguments: [
      (.f16, [0, 0x7C]), (.f16, [1, 0x7E]), (.f16, [0, 0xFC]), (.bf16, [0x80, 0x7F]), (.bf16, [0xC0, 0xFF]),
      (.f32, [0, 0, 0x80, 0x7F]), (.f32, [0, 0, 0xC0, 0xFF]),
    ] as [(SafetensorsType, [UInt8])])
  func scalesThatAreNoNumbers(type: SafetensorsType, value: [UInt8]) {
    let size = type.bits / 8
    for part in ["scales", "biases"] {
      var layer = Layer.mlx(bits: 4, scales: type)
      layer.contents[part] = [UInt8](repeating: 0x7B, count: 30 * size)
      #expect(layer.message().hasPrefix("read"))
      layer.contents[part]!.replaceSubrange(14 * size..<15 * size, with: value)
      #expect(
        layer.message() == "model.safetensors: tensor m.\(part): its value in row 4, column 2 is NaN or infinite")
    }
    guard type == .f16 else { return }
    for var layer in [Layer.gptq(bits: 4), .awq] {
      layer.contents["scales"] = [UInt8](repeating: 0, count: 256)
      layer.contents["scales"]!.replaceSubrange(254..<256, with: value)
      #expect(layer.message().contains("tensor m.scales: its value in row 1, column 63 is NaN or infinite"))
    }
  }

  @Test(arguments: [2, 3, 4, 8], [32, 128, -1])
  func gptq(bits: Int, group: Int) throws {
    let linear = try Layer.gptq(bits: bits, group: group).read()
    #expect(linear.outputs == 64 && linear.inputs == 256)
    guard case .gptq(let tensors) = linear.storage else {
      Issue.record("\(linear.storage)")
      return
    }
    #expect(tensors.bits == bits && tensors.group == (group < 0 ? nil : group) && tensors.zeroOffset == 1)
    // Groups of neighbours need no table.
    #expect(linear.parts.map(\.name) == ["m.qweight", "m.qzeros", "m.scales"])
  }

  @Test func gptqInOrderOfImportance() throws {
    var layer = Layer.gptq(bits: 4, rest: #", "desc_act": true, "checkpoint_format": "gptq_v2""#)
    #expect(try layer.read().parts.count == 3)
    layer.contents["g_idx"] = (0..<256).flatMap { raw(Int32($0 % 2)) }
    let linear = try layer.read()
    #expect(linear.parts.map(\.name) == ["m.qweight", "m.qzeros", "m.scales", "m.g_idx"])
    guard case .gptq(let tensors) = linear.storage else {
      Issue.record("\(linear.storage)")
      return
    }
    #expect(tensors.zeroOffset == 0)
    for wrong in [-1, 2, Int32.max, .min] as [Int32] {
      #expect(
        layer.message { $0.contents["g_idx"]!.replaceSubrange(40..<44, with: raw(wrong)) }
          == "model.safetensors: tensor m.g_idx: the group of input 10 is \(wrong), but there are 2")
    }
    #expect(layer.message { $0.tensors["g_idx"] = nil }.contains("tensor m.g_idx: the file does not have it"))
    #expect(
      layer.message {
        $0.tensors["g_idx"] = ([255], .i32)
        $0.contents["g_idx"] = nil
      }.contains("tensor m.g_idx: has the shape 255, expected 256"))
  }

  @Test func gptqThatDoesNotFit() {
    let layer = Layer.gptq(bits: 3)
    #expect(layer.message { $0.tensors["qzeros"] = nil }.contains("tensor m.qzeros: the file does not have it"))
    #expect(layer.message { $0.tensors["qweight"] = ([25, 64], .i32) }.contains("tensor m.qweight: 25 words hold no"))
    #expect(
      layer.message { $0.tensors["qweight"] = ([21, 64], .i32) }
        .contains("tensor m.qweight: groups of 128 do not divide its 224 inputs"))
    #expect(
      layer.message { $0.tensors["qweight"] = ([24, 65], .i32) }
        .contains("tensor m.qweight: the zero points of its 65 outputs are no whole number of words"))
    #expect(
      layer.message { $0.tensors["qweight"] = ([24, 64], .f16) }.contains("tensor m.qweight: its type F16 is not"))
    #expect(layer.message { $0.tensors["qzeros"] = ([2, 8], .i32) }.contains("tensor m.qzeros: has the shape 2×8"))
    #expect(layer.message { $0.tensors["scales"] = ([4, 64], .f16) }.contains("tensor m.scales: has the shape 4×64"))
    #expect(
      layer.message { $0.tensors["scales"] = ([2, 64], .bf16) }.contains("tensor m.scales: its type BF16 is not"))
    #expect(
      layer.message { $0.config = "{}" }
        == "model.safetensors: tensor m.qweight: is quantized, but the configuration does not say so")
  }

  @Test func awq() throws {
    let linear = try Layer.awq.read()
    #expect(linear.outputs == 64 && linear.inputs == 256)
    #expect(linear.parts.map(\.name) == ["m.qweight", "m.qzeros", "m.scales"])
    let layer = Layer.awq
    #expect(
      layer.message { $0.tensors["qweight"] = ([250, 8], .i32) }.contains("its 250 inputs are no multiple of 32"))
    #expect(
      layer.message { $0.tensors["qweight"] = ([192, 8], .i32) }
        .contains("tensor m.qweight: groups of 128 do not divide its 192 inputs"))
    #expect(layer.message { $0.tensors["qzeros"] = ([2, 9], .i32) }.contains("tensor m.qzeros: has the shape 2×9"))
    #expect(layer.message { $0.tensors["scales"] = ([2, 8], .f16) }.contains("tensor m.scales: has the shape 2×8"))
    #expect(layer.message { $0.tensors["scales"] = nil }.contains("tensor m.scales: the file does not have it"))
    #expect(layer.message { $0.tensors["qweight"] = nil }.contains("tensor m.weight: the file does not have it"))
  }
}
