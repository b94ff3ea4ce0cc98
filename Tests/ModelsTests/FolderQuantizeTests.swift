import Foundation
import PumiceModelFiles
import PumiceModels
import PumiceQuantization
import PumiceReference
import PumiceTensors
import Testing

@Suite struct FolderQuantizeTests {
  private static let layers = ["model.embed_tokens", "model.layers.0.mlp.down_proj", "model.layers.0.self_attn.q_proj"]
  private static let rows = 24, columns = 256

  private static func weights(_ seed: Int) -> [Float] {
    var state = UInt64(seed + 1)
    return (0..<rows * columns).map { index in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let value = Float(Int64(bitPattern: state) >> 40) / 8_388_608
      return Float(Float16(value * value * value * (index % 131 == 0 ? 4 : 1) / Float(seed + 1)))
    }
  }

  /// Writes a folder, quantizes it, and hands both to `body`.
  private static func withFolders(
    _ format: (SafetensorsFile) throws -> FolderPlan, config: String = "{\"hidden_size\": 256}",
    _ body: (_ input: SafetensorsFile, _ output: String) throws -> Void
  ) throws {
    try QuantizeTests.withPath("in") { input in
      try FileManager.default.createDirectory(atPath: input, withIntermediateDirectories: true)
      var writer = SafetensorsWriter()
      for (seed, layer) in layers.enumerated() {
        let halves = weights(seed).map { Float16($0).bitPattern.littleEndian }
        writer.addTensor(
          "\(layer).weight", shape: [rows, columns], type: .f16, bytes: halves.withUnsafeBytes { [UInt8]($0) })
      }
      writer.addTensor("model.norm.weight", shape: [3], type: .f32, bytes: [UInt8](repeating: 7, count: 12))
      let gate = [UInt8](repeating: 1, count: 2 * 64)
      writer.addTensor("model.layers.0.mlp.gate.weight", shape: [2, 32], type: .f16, bytes: gate)
      writer.addTensor("narrow.weight", shape: [2, 16], type: .f32, bytes: gate)
      try writer.write(to: "\(input)/model.safetensors")
      try Data(config.utf8).write(to: URL(fileURLWithPath: "\(input)/config.json"))
      try Data("{}".utf8).write(to: URL(fileURLWithPath: "\(input)/tokenizer.json"))
      let file = try SafetensorsFile(path: input), output = input + "-quantized"
      let quantizer = try FolderQuantizer(folder: input, file, format(file))
      var last = 0.0
      try quantizer.write(to: output) { _, share in last = share }
      #expect(last == 1)
      let written = try SafetensorsFile(path: output)
      #expect(written.tensors.reduce(0) { $0 + $1.byteCount } == quantizer.plan.byteCount)
      try body(file, output)
    }
  }

  /// What a layer's parts stand for, decoded by the reference.
  private static func values(_ layer: LinearTensors, _ file: SafetensorsFile, _ format: GroupFormat) throws -> [Double]
  {
    let sections = try #require(format.sections(rows: layer.outputs, columns: layer.inputs))
    var bytes = [UInt8](repeating: 0, count: sections.byteCount)
    for (part, offset) in zip(layer.parts, sections.offsets) {
      file.withBytes(of: part) { bytes.replaceSubrange(offset..<offset + $0.count, with: $0) }
    }
    return TensorFormat.group(format).decode(bytes, [layer.outputs, layer.inputs])
  }

  @Test(arguments: [
    "g2:64", "g3:128:asym", "g4:32:asym:f32", "g4:64", "g5:64", "g6:128:bf16", "g8:32", "g1:64", "g7:96", "g1:32:asym",
    "g7:row:asym", "g4:row",
  ])
  func whatIsWrittenIsReadAsMLX(_ name: String) throws {
    guard case .group(let format)? = TensorFormat(name: name) else { throw CancellationError() }
    let isDivided = Self.columns % (format.group ?? 32) == 0
    let isMLX = ![1, 7].contains(format.bits) && [32, 64, 128].contains(format.group)
    try Self.withFolders({ try FolderPlan($0, .group(format)) }) { input, output in
      let file = try SafetensorsFile(path: output)
      let config = try #require(try QuantizationConfig(path: output))
      guard case .mlx(let mlx) = config else { throw CancellationError() }
      #expect(mlx.scheme.bits == format.bits && mlx.scheme.group == format.group)
      #expect(mlx.scheme.isSymmetric == (!isMLX && format.offset == .symmetric))
      // In MLX's own layout symmetric codes have offsets.
      let stored = GroupFormat(
        bits: format.bits, group: format.group, offset: mlx.scheme.isSymmetric ? .symmetric : .bias,
        scale: format.scale)!
      for (seed, name) in Self.layers.enumerated() {
        let layer = try file.linear(named: name, quantization: config)
        #expect(layer.outputs == Self.rows && layer.inputs == Self.columns)
        let weights = Self.weights(seed)
        guard isDivided else {
          guard case .plain = layer.storage else { throw CancellationError() }
          continue
        }
        let values = try Self.values(layer, file, stored)
        let expected = TensorFormat.group(format).decode(
          try SectionEncoder(.group(format), columns: Self.columns).encodeTogether(weights), [Self.rows, Self.columns])
        #expect(values == expected)
      }
      for name in ["model.norm.weight", "model.layers.0.mlp.gate.weight", "narrow.weight"] {
        let old = try input.requiredTensor(named: name), new = try file.requiredTensor(named: name)
        #expect(file.withBytes(of: new, Array.init) == input.withBytes(of: old, Array.init))
      }
      #expect(FileManager.default.fileExists(atPath: "\(output)/tokenizer.json"))
      let text = try String(contentsOfFile: "\(output)/config.json", encoding: .utf8)
      #expect(text.contains("\"hidden_size\": 256}") && text.contains("pumice_version") == !isMLX)
    }
  }

  @Test(arguments: ["nf4:64", "nf2:32:bf16", "nf4:64:q8:16:f32", "palette3", "palette4:rows5:f32", "dgq:64"])
  func formatsOfTheExtensionAreReadByName(_ name: String) throws {
    let format = try #require(TensorFormat(name: name))
    try Self.withFolders({ try FolderPlan($0, format) }) { _, output in
      let file = try SafetensorsFile(path: output), config = try #require(try QuantizationConfig(path: output))
      for (seed, name) in Self.layers.enumerated() {
        let layer = try file.linear(named: name, quantization: config)
        #expect(layer.format == format)
        let encoder = try SectionEncoder(format, columns: Self.columns)
        let expected = try encoder.encode(Self.weights(seed))
        #expect(layer.parts.map { file.withBytes(of: $0, Array.init) } == expected)
      }
    }
  }

  @Test func lqLoRAsGridIsAllocated() throws {
    #expect(FolderPlan.normalFloatFormats.count == 432)
    let formats = stride(from: 0, to: 432, by: 9).map { FolderPlan.normalFloatFormats[$0] }
    try Self.withFolders({ file in
      let allocation = try FolderPlan.allocation(file, budget: 3.2, formats: formats) { _, _ in }
      #expect(allocation.bitsPerWeight <= 3.2 && allocation.bitsPerWeight > 2.9)
      return try FolderPlan(file, formats[0]) { allocation.formats[$0.name] }
    }) { _, output in
      let file = try SafetensorsFile(path: output), config = try #require(try QuantizationConfig(path: output))
      let bytes = try Self.layers.reduce(0) { sum, name in
        try file.linear(named: name, quantization: config).parts.reduce(sum) { $0 + $1.byteCount }
      }
      #expect(Double(bytes) * 8 <= 3.2 * Double(Self.layers.count * Self.rows * Self.columns))
    }
  }

  @Test func layersMayDiffer() throws {
    let base = GroupFormat(bits: 2, group: 128, offset: .bias)!, other = GroupFormat(bits: 6, group: 32, offset: .bias)!
    let chosen = "\(Self.layers[1]).weight"
    try Self.withFolders({ try FolderPlan($0, .group(base)) { $0.name == chosen ? .group(other) : nil } }) {
      _, output in
      let config = try #require(try QuantizationConfig(path: output)), file = try SafetensorsFile(path: output)
      guard case .mlx(let mlx) = config else { throw CancellationError() }
      for layer in Self.layers {
        let format = "\(layer).weight" == chosen ? other : base
        #expect(mlx.scheme(of: layer)?.bits == format.bits && mlx.scheme(of: layer)?.group == format.group)
        _ = try Self.values(try file.linear(named: layer, quantization: config), file, format)
      }
    }
  }

  @Test func aBudgetIsKept() throws {
    try Self.withFolders({ file in
      let allocation = try FolderPlan.allocation(file, budget: 4.2) { _, _ in }
      #expect(allocation.bitsPerWeight <= 4.2 && allocation.bitsPerWeight > 3.5 && allocation.isOptimal)
      // The weights of the largest numbers get the most bits.
      let bits = Self.layers.map { allocation.formats["\($0).weight"]!.bitsPerElement }
      #expect(bits[0] >= bits[1] && bits[1] >= bits[2] && bits[0] > bits[2])
      return try FolderPlan(file, FolderPlan.budgetFormats[0]) { allocation.formats[$0.name] }
    }) { _, output in
      _ = try #require(try QuantizationConfig(path: output))
    }
  }

  @Test func groupsMayBeAdaptive() throws {
    let format = GroupFormat(bits: 4, group: 64)!
    try Self.withFolders({ file in
      try FolderPlan(file, .group(format)) { FolderPlan.adaptive($0, of: file, format) }
    }) { input, output in
      let file = try SafetensorsFile(path: output), config = try #require(try QuantizationConfig(path: output))
      for (seed, name) in Self.layers.enumerated() {
        let length = AdaptiveGroups().length(Self.weights(seed), columns: Self.columns)
        let scales = try file.requiredTensor(named: "\(name).scales")
        #expect(scales.shape == [Self.rows, Self.columns / length])
        #expect(try file.linear(named: name, quantization: config).parts.count >= 2)
      }
    }
  }

  @Test func whatCannotBeQuantizedIsAnError() throws {
    let format = GroupFormat(bits: 4, group: 64)!
    for config in ["{\"quantization\": {\"bits\": 4}}", "[]", "{", "{\"quantization_config\": {}}"] {
      #expect(throws: ModelFileError.self) {
        try Self.withFolders({ try FolderPlan($0, .group(format)) }, config: config) { _, _ in }
      }
    }
    // Scales so large that the offsets of symmetric codes leave f16.
    try QuantizeTests.withPath("in") { input in
      try FileManager.default.createDirectory(atPath: input, withIntermediateDirectories: true)
      var writer = SafetensorsWriter()
      let values = (0..<64).map { Float($0 % 2 == 0 ? 4e6 : -4e6).bitPattern.littleEndian }
      writer.addTensor("a.weight", shape: [1, 64], type: .f32, bytes: values.withUnsafeBytes { [UInt8]($0) })
      try writer.write(to: "\(input)/model.safetensors")
      try Data("{}".utf8).write(to: URL(fileURLWithPath: "\(input)/config.json"))
      let file = try SafetensorsFile(path: input)
      let quantizer = try FolderQuantizer(
        folder: input, file, FolderPlan(file, .group(GroupFormat(bits: 8, group: 64)!)))
      let error = #expect(throws: QuantizationError.self) { try quantizer.write(to: input + "-out") { _, _ in } }
      #expect(error?.tensor == "a.weight" && error?.code == .tooLarge)
      #expect(throws: ModelFileError.self) { try quantizer.write(to: input) { _, _ in } }
    }
  }
}
