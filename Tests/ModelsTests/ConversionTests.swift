import Foundation
import PumiceModelFiles
import PumiceModels
import PumiceQuantization
import PumiceReference
import PumiceTensors
import PumiceTokenizers
import Testing

/// GGUF files to Hugging Face folders and back.
@Suite struct ConversionTests {
  /// Converts a GGUF file to a folder, and hands its path to `body`.
  private static func withFolder(
    _ file: GGUFFile, _ name: String, options: FolderQuantizer.Options = .init(),
    _ body: (String) throws -> Void
  ) throws {
    try QuantizeTests.withPath("model") { path in
      let model = try GGUFAsFolder(file), encoding = try #require(WeightEncoding(name: name))
      let plan = try FolderPlan(model, encoding.format, isBalanced: encoding.isBalanced)
      try FolderQuantizer(model, plan, options).write(to: path) { _, _ in }
      try body(path)
    }
  }

  /// The demo model as a folder, made once.
  private static let demoFolder = Result {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("pumice-\(UUID().uuidString)").path
    let model = try GGUFAsFolder(try DemoModel.open())
    try FolderQuantizer(model, FolderPlan(model, TensorFormat(name: "g8:64")!)).write(to: path) { _, _ in }
    // Read now, so that nothing is left behind.
    defer { try? FileManager.default.removeItem(atPath: path) }
    let names = try FileManager.default.contentsOfDirectory(atPath: path)
    return try names.map { ($0, try Data(contentsOf: URL(fileURLWithPath: "\(path)/\($0)"))) }
  }

  /// A copy of it to be changed.
  private static func withDemoFolder(_ body: (String) throws -> Void) throws {
    try QuantizeTests.withPath("model") { path in
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      for (name, data) in try demoFolder.get() { try data.write(to: URL(fileURLWithPath: "\(path)/\(name)")) }
      try body(path)
    }
  }

  /// Converts a folder to a GGUF file.
  private static func gguf(_ folder: String, _ format: TensorFormat) throws -> GGUFFile {
    try QuantizeTests.withPath("back.gguf") { path in
      let model = try FolderAsGGUF(folder: folder)
      try ModelQuantizer(model, QuantizationPlan(model, .init(format))).write(to: path) { _, _ in }
      return try GGUFFile(path: path)
    }
  }

  private static func values(_ file: GGUFFile, _ name: String) throws -> [Double] {
    let tensor = try file.requiredTensor(named: name), format = try file.format(of: tensor)
    return file.withBytes(of: tensor) { format.decode($0, tensor.shape) }
  }

  @Test(arguments: ["g4:64", "g7:32:asym", "nf3:64", "dgq:64", "g2b:64"])
  func theDemoModelComesBack(_ name: String) throws {
    let demo = try DemoModel.open(), encoding = try #require(WeightEncoding(name: name))
    try Self.withFolder(demo, name) { folder in
      let back = try Self.gguf(folder, .f32)
      #expect(Set(back.tensors.map(\.name)) == Set(demo.tensors.map(\.name)))
      for tensor in demo.tensors {
        let original = try Self.values(demo, tensor.name), values = try Self.values(back, tensor.name)
        guard tensor.shape.rank == 2 else {
          #expect(values == original)
          continue
        }
        // Rows are encoded by themselves, so their order in the folder changes nothing.
        let encoded = try encoding.encode(original.map { Float($0) }, columns: tensor.shape.rowLength)
        #expect(values == encoding.format.decode(encoded, tensor.shape), "\(tensor.name)")
      }
      let configurations = try [demo, back].map { try ModelConfiguration($0) }
      #expect(configurations[0] == configurations[1])
      let tokenizers = try [demo, back].map { try Tokenizers.load(from: $0) }
      for text in [DemoModel.prompt, "Grandpa's 42  dogs,\n\n naïve <|endoftext|> 東京!", ""] {
        let tokens = try tokenizers.map { try $0.encode(text, addSpecial: true, parseSpecial: true) }
        #expect(tokens[0] == tokens[1])
      }
      #expect(tokenizers[0].endOfGenerationTokens == tokenizers[1].endOfGenerationTokens)
      let format = encoding.format
      let linear = try SafetensorsFile(path: folder).linear(
        named: "model.layers.1.mlp.up_proj", quantization: try QuantizationConfig(path: folder))
      #expect(name.hasPrefix("g4") || name.hasPrefix("g2b") || linear.format == format)
    }
  }

  /// Half and half, where GGUF has pairs: transformers turns element j with element j + size / 2.
  @Test func queriesAndKeysAreInTheOrderOfFolders() throws {
    let demo = try DemoModel.open(), model = try GGUFAsFolder(demo), size = 64
    for (name, stored) in [("q_proj", "attn_q"), ("k_proj", "attn_k"), ("v_proj", "attn_v")] {
      let shown = try #require(model.tensors.first { $0.name == "model.layers.2.self_attn.\(name).weight" })
      let values = model.withBytes(of: shown) { TensorFormat.f32.decode($0) }
      let original = try Self.values(demo, "blk.2.\(stored).weight"), columns = shown.shape[1]
      for head in 0..<shown.shape[0] / size {
        for half in 0..<2 {
          for j in 0..<size / 2 {
            let row = head * size + half * size / 2 + j
            let source = name == "v_proj" ? row : head * size + 2 * j + half
            #expect(values[row * columns..<(row + 1) * columns] == original[source * columns..<(source + 1) * columns])
          }
        }
      }
    }
  }

  @Test func scaledPositionsAndTiedEmbeddingsComeBack() throws {
    let file = try Fixture(name: "f16").open()
    try Self.withFolder(file, "g8:32") { folder in
      let back = try Self.gguf(folder, .f32)
      #expect(try ModelConfiguration(back) == ModelConfiguration(file))
      #expect(try ModelConfiguration(back).ropeScale != 1 && back.tensor(named: "output.weight") == nil)
      let config = try String(contentsOfFile: "\(folder)/config.json", encoding: .utf8)
      #expect(config.contains("\"rope_type\": \"linear\"") && config.contains("\"tie_word_embeddings\": true"))
      // Eight bits are near enough for nearly the same predictions.
      let golden = try Fixture(name: "f16").golden(), session = try TestBackend.reference.session(back, exactOptions())
      let logits = try session.logits(appending: golden.tokens)
      #expect(normalizedError(logits, golden.logits) < 1e-3)
    }
  }

  @Test func llama3sFactorsComeBack() throws {
    var writer = try Fixture(name: "f16").writer(setting: [
      "llama.rope.scaling.type": nil, "llama.rope.scaling.factor": nil, "llama.rope.freq_base": .float32(500_000),
    ])
    // transformers' rule for factor 32, low 1, high 4, 8192 positions, written out for heads of 16 elements.
    let file = try Fixture(name: "f16").open(), half = try ModelConfiguration(file).headSize / 2
    let factors = (0..<half).map { index -> Float in
      let frequency = pow(500_000, -Double(index) / Double(half)), turns = 8192 * frequency / (2 * Double.pi)
      if turns > 4 { return 1 }
      if turns < 1 { return 32 }
      let smooth = (turns - 1) / 3
      return Float(frequency / ((1 - smooth) * frequency / 32 + smooth * frequency))
    }
    #expect(Set(factors).count > 2)
    writer.addTensor("rope_freqs.weight", shape: [half], floats: factors)
    try Self.withFolder(try GGUFFile(bytes: writer.bytes()), "g8:32") { folder in
      let config = try String(contentsOfFile: "\(folder)/config.json", encoding: .utf8)
      #expect(config.contains("\"rope_type\": \"llama3\", \"factor\": 32.0"))
      let found = try Self.values(try Self.gguf(folder, .f16), "rope_freqs.weight")
      #expect(zip(found, factors).allSatisfy { abs($0 - Double($1)) < 1e-5 * $0 })
    }
  }

  /// A model with one layer, one of whose matrices is packed as AutoGPTQ packs it.
  @Test func quantizedLayersAreDecodedForGGUF() throws {
    let width = 64, vocabulary = 32
    var codes: [[Int]] = []
    for output in 0..<width { codes.append((0..<width).map { (output * 7 + $0 * 5 + output * $0) % 16 }) }
    let scales = (0..<width).map { Float16($0 + 1) / 512 }, zeros = (0..<width).map { 1 + $0 % 15 }
    try QuantizeTests.withPath("folder") { folder in
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      var writer = SafetensorsWriter()
      func bytes<T: BitwiseCopyable>(_ values: [T]) -> [UInt8] { values.withUnsafeBytes { [UInt8]($0) } }
      func add(_ name: String, _ shape: Shape) {
        let values = (0..<shape.count).map { Float16($0 % 97) / 64 }
        writer.addTensor(name, shape: shape, type: .f16, bytes: bytes(values.map(\.bitPattern)))
      }
      add("model.embed_tokens.weight", [vocabulary, width])
      add("model.norm.weight", [width])
      let layer = "model.layers.0"
      for name in ["input_layernorm", "post_attention_layernorm"] { add("\(layer).\(name).weight", [width]) }
      for name in ["self_attn.q_proj", "self_attn.o_proj", "mlp.gate_proj", "mlp.up_proj"] {
        add("\(layer).\(name).weight", [width, width])
      }
      for name in ["k_proj", "v_proj"] { add("\(layer).self_attn.\(name).weight", [width / 2, width]) }
      let columns = codes.map { PublishedLayoutTests.gptqWords($0, bits: 4) }
      let down = "\(layer).mlp.down_proj"
      writer.addTensor(
        "\(down).qweight", shape: [width / 8, width], type: .i32,
        bytes: bytes(columns[0].indices.flatMap { word in columns.map { $0[word] } }))
      writer.addTensor(
        "\(down).qzeros", shape: [1, width / 8], type: .i32,
        bytes: bytes(PublishedLayoutTests.gptqWords(zeros.map { $0 - 1 }, bits: 4)))
      writer.addTensor("\(down).scales", shape: [1, width], type: .f16, bytes: bytes(scales.map(\.bitPattern)))
      try writer.write(to: "\(folder)/model.safetensors")
      let config = """
        {"model_type": "llama", "hidden_size": 64, "num_attention_heads": 2, "num_key_value_heads": 1,
         "num_hidden_layers": 1, "intermediate_size": 64, "vocab_size": 32, "max_position_embeddings": 128,
         "rms_norm_eps": 1e-6, "tie_word_embeddings": true, "rope_parameters": {"rope_theta": 5e5},
         "quantization_config": {"quant_method": "gptq", "bits": 4, "group_size": 64, "desc_act": false}}
        """
      try Data(config.utf8).write(to: URL(fileURLWithPath: "\(folder)/config.json"))
      let file = try Self.gguf(folder, .f32)
      #expect(try ModelConfiguration(file).ropeBase == 500_000)
      let expected = (0..<width).flatMap { o in
        (0..<width).map { Double(Float(scales[o]) * Float(codes[o][$0] - zeros[o])) }
      }
      #expect(try Self.values(file, "blk.0.ffn_down.weight") == expected)
      // As it is, it is the same model, with its codes on the device.
      let logits = try TestBackend.reference.session(file, exactOptions()).logits(appending: [1, 2, 3])
      let folder = try FolderAsGGUF(folder: folder, for: .running)
      let tensor = try #require(folder.tensor(named: "blk.0.ffn_down.weight"))
      #expect(folder.format(of: tensor).name == "gptq4:64")
      let found = try TestBackend.vulkan.session(folder, exactOptions()).logits(appending: [1, 2, 3])
      #expect(normalizedError(found, logits.map { $0.map(Double.init) }) <= 1e-9)
    }
  }

  // MARK: Errors

  @Test func whatFoldersCannotHoldIsNamed() throws {
    // It has scales of products.
    let full = #expect(throws: ModelFileError.self) { try GGUFAsFolder(try Fixture.f32.open()) }
    #expect(full?.code == .unsupportedModel && full?.subject?.hasPrefix("tensor ") == true)
    let plain = Fixture(name: "f16")
    let other = try GGUFFile(bytes: plain.writer(setting: ["general.architecture": .string("rwkv7")]).bytes())
    let error = #expect(throws: ModelFileError.self) { try GGUFAsFolder(other) }
    #expect(error?.code.rawValue == "unknownArchitecture")
    var odd = try plain.writer(setting: ["llama.rope.scaling.type": nil, "llama.rope.scaling.factor": nil])
    let half = try ModelConfiguration(try plain.open()).headSize / 2
    odd.addTensor("rope_freqs.weight", shape: [half], floats: (0..<half).map { 1 + Float($0 * $0) })
    let factors = #expect(throws: ModelFileError.self) { try GGUFAsFolder(try GGUFFile(bytes: odd.bytes())) }
    #expect(factors?.subject == "tensor rope_freqs.weight")
  }

  @Test(
    arguments: [
      ("config.json", "\"model_type\": \"llama\"", "\"model_type\": \"bart\"", "key model_type"),
      ("config.json", "\"hidden_size\": 256", "\"hidden_size\": 512", "tensor"),
      ("config.json", "\"num_hidden_layers\": 4", "\"num_hidden_layers\": 5", "tensor blk.4.attn_norm.weight"),
      ("config.json", "\"num_hidden_layers\": 4", "\"num_hidden_layers\": 3", "tensor blk.3."),
      ("config.json", "\"num_hidden_layers\": 4", "\"layers\": 4", "key num_hidden_layers"),
      (
        "config.json", "\"rope_scaling\": null",
        "\"rope_scaling\": {\"rope_type\": \"yarn\", \"factor\": 4, \"truncate\": false}", "rope_scaling.truncate"
      ),
      ("config.json", "\"hidden_act\": \"silu\"", "\"hidden_act\": \"gelu\"", "key hidden_act"),
      ("config.json", "\"num_attention_heads\": 4", "\"num_attention_heads\": \"4\"", "key num_attention_heads"),
      ("config.json", "\"head_dim\": 64", "\"head_dim\": 63", "key head_dim"),
      ("tokenizer.json", "\"type\": \"BPE\"", "\"type\": \"Unigram\"", "key model.type"),
      ("tokenizer.json", "\"use_regex\": true", "\"use_regex\": false", "key pre_tokenizer"),
      (
        "tokenizer.json", "\"pre_tokenizer\": {\"type\": \"ByteLevel\"", "\"pre_tokenizer\": {\"type\": \"Digits\"",
        "Digits"
      ),
      ("tokenizer.json", "\"merges\": [", "\"merges\": [7, ", "key model.merges"),
      ("tokenizer.json", "{", "[", "tokenizer.json"),
    ] as [(String, String, String, String)])
  func foldersThatCannotBeConverted(file: String, part: String, other: String, named: String) throws {
    try Self.withDemoFolder { folder in
      let url = URL(fileURLWithPath: "\(folder)/\(file)")
      var text = try String(contentsOf: url, encoding: .utf8)
      let range = try #require(text.range(of: part))
      text.replaceSubrange(range, with: other)
      try Data(text.utf8).write(to: url)
      let error = #expect(throws: ModelFileError.self) { try FolderAsGGUF(folder: folder) }
      #expect("\(error!)".contains(named), "\(error!)")
    }
  }

  @Test func aTokenizerInAnotherFileIsNotOverlooked() throws {
    try Self.withDemoFolder { folder in
      let manager = FileManager.default
      try manager.moveItem(atPath: "\(folder)/tokenizer.json", toPath: "\(folder)/tokenizer.model")
      let error = #expect(throws: ModelFileError.self) { try FolderAsGGUF(folder: folder) }
      #expect(error?.code == .notFound && error?.file.hasSuffix("tokenizer.json") == true)
    }
  }
}
