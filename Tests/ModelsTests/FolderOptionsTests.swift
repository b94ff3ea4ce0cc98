import Foundation
import PumiceModelFiles
import PumiceModels
import PumiceQuantization
import PumiceReference
import PumiceTensors
import Testing

/// What else folders are quantized with: importance, low-rank pairs, several files.
@Suite struct FolderOptionsTests {
  private static let weight = "model.layers.1.mlp.down_proj"

  /// Quantizes a model, by default the demo model, to a folder with some options.
  private static func withFolder(
    _ name: String, _ options: FolderQuantizer.Options, of file: GGUFFile? = nil,
    _ body: (_ model: GGUFAsFolder, _ folder: String) throws -> Void
  ) throws {
    try QuantizeTests.withPath("model") { path in
      let model = try GGUFAsFolder(file ?? DemoModel.open()), format = try #require(TensorFormat(name: name))
      let quantizer = try FolderQuantizer(model, FolderPlan(model, format), options)
      try quantizer.write(to: path) { _, _ in }
      try body(model, path)
    }
  }

  /// A layer's weight, as it was and as a folder has it.
  private static func values(
    _ layer: String, _ model: GGUFAsFolder, _ folder: String
  ) throws -> (original: [Double], quantized: [Double], columns: Int) {
    let tensor = try #require(model.tensors.first { $0.name == "\(layer).weight" })
    let original = model.withBytes(of: tensor) { (tensor.format ?? .f32).decode($0) }
    let file = try SafetensorsFile(path: folder)
    let linear = try file.linear(named: layer, quantization: QuantizationConfig(path: folder))
    let format = try #require(linear.format)
    let sections = try #require(format.sectioned?.sections(rows: linear.outputs, columns: linear.inputs))
    var bytes = [UInt8](repeating: 0, count: sections.byteCount)
    for (part, offset) in zip(linear.parts, sections.offsets) {
      file.withBytes(of: part) { bytes.replaceSubrange(offset..<offset + $0.count, with: $0) }
    }
    return (original, format.decode(bytes, tensor.shape), tensor.shape.rowLength)
  }

  /// Σ w (x − y)²
  private static func error(_ x: [Double], _ y: [Double], columns: Int, weights: (Int) -> Double = { _ in 1 }) -> Double
  {
    x.indices.reduce(0) { $0 + weights($1 % columns) * (x[$1] - y[$1]) * (x[$1] - y[$1]) }
  }

  // MARK: Importance

  private static func importance(extra: Int = 0, _ value: (Int) -> Float) throws -> ImportanceMatrix {
    var writer = GGUFWriter()
    writer.metadata["general.type"] = .string("imatrix")
    for tensor in try DemoModel.open().tensors where tensor.shape.rank == 2 && tensor.name != "token_embd.weight" {
      let columns = tensor.shape.rowLength + extra
      writer.addTensor("\(tensor.name).in_sum2", shape: [columns], floats: (0..<columns).map { 3 * value($0) })
      writer.addTensor("\(tensor.name).counts", shape: [1], floats: [3])
    }
    return try ImportanceMatrix(try GGUFFile(bytes: writer.bytes()))
  }

  @Test(arguments: ["g2:64", "g3:64:asym", "nf3:64", "palette3", "palette4:pairs", "dgq:64"])
  func importanceWeightsTheErrors(_ name: String) throws {
    let value: (Int) -> Float = { $0 % 3 == 0 ? 20 : 0.1 }
    let matrix = try Self.importance(value)
    var found: [[Double]] = [], errors: [Double] = []
    for importance in [nil, matrix] {
      try Self.withFolder(name, .init(importance: importance)) { model, folder in
        let (original, quantized, columns) = try Self.values(Self.weight, model, folder)
        found.append(quantized)
        errors.append(Self.error(original, quantized, columns: columns) { Double(value($0)) })
      }
    }
    #expect(found[0] != found[1])
    // One table for a matrix can do little for single columns.
    #expect(errors[1] < (name == "palette3" ? 1 : 0.9) * errors[0], "\(errors)")
  }

  @Test func importanceThatDoesNotFitIsNamed() throws {
    let model = try GGUFAsFolder(try DemoModel.open()), plan = try FolderPlan(model, TensorFormat(name: "g4:64")!)
    let matrix = try Self.importance(extra: 32) { _ in 1 }
    let error = #expect(throws: ModelFileError.self) { try FolderQuantizer(model, plan, .init(importance: matrix)) }
    #expect(error?.subject?.hasSuffix(".weight.in_sum2") == true)
    let known = try FolderQuantizer(model, plan, .init(importance: try Self.importance { _ in 1 }))
    #expect(known.unknownToImportance == ["model.embed_tokens.weight"])
  }

  // MARK: LoftQ

  @Test func lowRankPairsMakeUpForErrors() throws {
    let rank = 8, tiny = try Fixture(name: "f16").open()
    var plain = 0.0
    try Self.withFolder("nf2:32", .init(), of: tiny) { model, folder in
      let (original, quantized, columns) = try Self.values(Self.weight, model, folder)
      plain = Self.error(original, quantized, columns: columns)
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/adapter_config.json"))
    }
    try Self.withFolder("nf2:32", .init(rank: rank), of: tiny) { model, folder in
      let adapter = try SafetensorsFile(path: "\(folder)/adapter_model.safetensors")
      // Seven layers in each of two blocks, and no embedding.
      #expect(adapter.tensors.count == 2 * 7 * 2)
      let name = "base_model.model.\(Self.weight)"
      let a = try adapter.requiredTensor(named: "\(name).lora_A.weight")
      let b = try adapter.requiredTensor(named: "\(name).lora_B.weight")
      let (original, quantized, columns) = try Self.values(Self.weight, model, folder)
      let rows = original.count / columns
      #expect(a.shape == [rank, columns] && b.shape == [rows, rank])
      let x = adapter.withBytes(of: a) { TensorFormat.f32.decode($0) }
      let y = adapter.withBytes(of: b) { TensorFormat.f32.decode($0) }
      var sum = quantized
      for row in 0..<rows {
        for r in 0..<rank {
          for column in 0..<columns { sum[row * columns + column] += y[row * rank + r] * x[r * columns + column] }
        }
      }
      #expect(Self.error(original, sum, columns: columns) < 0.9 * plain)
      let data = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/adapter_config.json"))
      let config = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
      #expect(config["peft_type"] as? String == "LORA" && config["r"] as? Int == rank)
      #expect(config["lora_alpha"] as? Int == rank)
      #expect(
        config["target_modules"] as? [String]
          == ["down_proj", "gate_proj", "k_proj", "o_proj", "q_proj", "up_proj", "v_proj"])
    }
  }

  // MARK: Several files

  @Test func largeModelsAreWrittenInParts() throws {
    var whole: [String: [UInt8]] = [:]
    func contents(_ file: SafetensorsFile) -> [String: [UInt8]] {
      Dictionary(uniqueKeysWithValues: file.tensors.map { ($0.name, file.withBytes(of: $0, Array.init)) })
    }
    try Self.withFolder("g4:64", .init()) { _, folder in whole = contents(try SafetensorsFile(path: folder)) }
    try Self.withFolder("g4:64", .init(shardBytes: 300_000)) { _, folder in
      let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".safetensors") }
      #expect(names.count > 3 && names.contains("model-00001-of-0000\(names.count).safetensors"))
      for name in names {
        let size = try SafetensorsFile(path: "\(folder)/\(name)").tensors.reduce(0) { $0 + $1.byteCount }
        #expect(size <= 300_000)
      }
      let data = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/model.safetensors.index.json"))
      let index = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
      let map = try #require(index["weight_map"] as? [String: String])
      #expect(Set(map.keys) == Set(whole.keys) && Set(map.values) == Set(names))
      #expect((index["metadata"] as? [String: Int])?["total_size"] == whole.values.reduce(0) { $0 + $1.count })
      // Reading checks that each tensor is in the file that the index says.
      #expect(contents(try SafetensorsFile(path: folder)) == whole)
    }
  }

  // MARK: Interruption

  @Test func whatEndsEarlyLeavesNothing() throws {
    struct Stop: Error {}
    try QuantizeTests.withPath("model") { path in
      let model = try GGUFAsFolder(try DemoModel.open())
      let quantizer = try FolderQuantizer(model, FolderPlan(model, TensorFormat(name: "g4:64")!))
      #expect(throws: Stop.self) { try quantizer.write(to: path) { _, share in if share > 0.5 { throw Stop() } } }
      let parent = URL(fileURLWithPath: path).deletingLastPathComponent().path
      #expect(try FileManager.default.contentsOfDirectory(atPath: parent).isEmpty)
      // An empty folder may be there before, a full one not.
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      try quantizer.write(to: path) { _, _ in }
      #expect(throws: ModelFileError.self) { try quantizer.write(to: path) { _, _ in } }
      #expect(try FileManager.default.contentsOfDirectory(atPath: parent) == ["model"])
    }
  }
}
