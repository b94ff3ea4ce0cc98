import Foundation
import PumiceModelFiles
import PumiceModels
import PumiceTensors
import Testing

/// Folders of every family, against transformers: see `Tests/Fixtures/Folders/make.py`.
@Suite struct FolderFamilyTests {
  /// A tiny model: its configuration, in the forms of several versions of transformers, and its tensors.
  struct Model: Decodable {
    struct Tensor: Decodable {
      var name: String
      var shape: [Int]
      var kind: Kind

      enum Kind: Int, Decodable {
        case weights
        /// Numbers around 1.
        case gains
        /// Bytes of MXFP4: codes, or exponents.
        case codes
      }

      init(_ name: String, _ shape: [Int], _ kind: Kind) {
        (self.name, self.shape, self.kind) = (name, shape, kind)
      }

      /// Bits that follow from the name.
      private var bits: [UInt32] {
        var seed: UInt32 = 2_166_136_261
        for byte in name.utf8 { seed = (seed ^ UInt32(byte)) &* 16_777_619 }
        return (0..<shape.reduce(1, *)).map { index in
          var x = UInt32(truncatingIfNeeded: index) &* 0x9E37_79B9 &+ seed
          x = (x ^ (x >> 16)) &* 0x7FEB_352D
          x = (x ^ (x >> 15)) &* 0x846C_A68B
          return x ^ (x >> 16)
        }
      }

      /// Numbers that follow from the name, exact in bfloat16; of codes, the bytes. The same as in `make.py`.
      var values: [Float] {
        bits.map { x in
          let k = Float(x >> 25)
          return switch kind {
          case .weights: (2 * k - 127) / 512
          case .gains: 1 + (k - 64) / 128
          case .codes: name.hasSuffix("_scales") ? Float(120 + (x >> 30)) : Float(x >> 24)
          }
        }
      }
    }

    /// Tensors that differ in numbers alone, which stand for the stars in their name.
    struct Tensors: Decodable {
      var all: [Tensor]

      init(from decoder: any Decoder) throws {
        var list = try decoder.unkeyedContainer()
        var names = [try list.decode(String.self)]
        let shape = try list.decode([Int].self), kind = try list.decode(Tensor.Kind.self)
        while !list.isAtEnd {
          let numbers = try list.decode([Int].self)
          names = names.flatMap { name in
            let star = name.firstIndex(of: "*")!
            return numbers.map { "\(name[..<star])\($0)\(name[name.index(after: star)...])" }
          }
        }
        all = names.map { Tensor($0, shape, kind) }
      }
    }

    var tensors: [Tensor]
    /// After each of the last tokens.
    var logits: [[Double]]
    /// The texts of `config.json`.
    var configs: [String] = []

    enum CodingKeys: CodingKey { case tensors, logits }

    init(from decoder: any Decoder) throws {
      let values = try decoder.container(keyedBy: CodingKeys.self)
      tensors = try values.decode([Tensors].self, forKey: .tensors).flatMap(\.all)
      logits = try values.decode([[Double]].self, forKey: .logits)
    }
  }

  static let tokens: [Int32] = (0..<16).map { (7 * $0 + 3) % 48 }

  static let models = Result {
    let path = URL(fileURLWithPath: Fixture.folder).deletingLastPathComponent().appendingPathComponent("Folders")
    let data = try Data(contentsOf: path.appendingPathComponent("families.json"))
    var models = try JSONDecoder().decode([String: Model].self, from: data)
    let raw = try JSONSerialization.jsonObject(with: data) as? [String: [String: Any]]
    for (name, model) in raw ?? [:] {
      var config = model["config"] as? [String: Any] ?? [:]
      func add() throws {
        let data = try JSONSerialization.data(withJSONObject: config)
        models[name]!.configs.append(String(decoding: data, as: UTF8.self))
      }
      try add()
      // The same for an older version of transformers, as what differs.
      guard let older = model["older"] as? [String: Any] else { continue }
      for key in older["without"] as? [String] ?? [] { config[key] = nil }
      config.merge(older["values"] as? [String: Any] ?? [:]) { $1 }
      try add()
    }
    return models
  }

  static let names = (try? models.get().keys.sorted()) ?? []

  /// Writes a model to a folder, which `body` may change, and hands over its path.
  static func withFolder<R>(
    _ model: Model, config: String, type: SafetensorsType = .f32, _ body: (String) throws -> R
  ) throws -> R {
    try QuantizeTests.withPath("model") { path in
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      try Data(config.utf8).write(to: URL(fileURLWithPath: "\(path)/config.json"))
      var writer = RawSafetensors()
      for tensor in model.tensors {
        writer.add(tensor.name, tensor.shape, tensor.values, as: tensor.kind == .codes ? .u8 : type)
      }
      try writer.data().write(to: URL(fileURLWithPath: "\(path)/model.safetensors"))
      return try body(path)
    }
  }

  /// The logits after each token, or the vectors of encoders.
  private static func results(
    _ file: any GGUFSource, on backend: TestBackend, context: Int = 64
  ) throws -> [[Float]] {
    if try ModelConfiguration(file).architecture.encoder != nil {
      let options = EmbeddingOptions(pooling: TextPooling.none, normalizes: false, longestText: tokens.count)
      return try backend.embedder(file, options).vectors(of: [tokens])[0]
    }
    return try backend.session(file, exactOptions(context: context)).logits(appending: tokens)
  }

  private static func error(
    _ file: any GGUFSource, _ model: Model, on backend: TestBackend, context: Int = 64
  ) throws -> Double {
    let results = try results(file, on: backend, context: context)
    return normalizedError(Array(results.suffix(model.logits.count)), model.logits)
  }

  @Test func thereAreAllFamilies() throws { #expect(Self.names.count >= 93) }

  @Test(arguments: names)
  func logitsAreThoseOfTransformers(name: String) throws {
    let model = try #require(try Self.models.get()[name])
    for (index, config) in model.configs.enumerated() {
      try Self.withFolder(model, config: config, type: [.bf16, .f16][index % 2]) { folder in
        let file = try FolderAsGGUF(folder: folder, for: .running)
        // Weights are used as they are stored.
        let matrix = try #require(
          file.tensors.last { tensor in
            ["ffn_down", "ffn_down_exps", "ssm_out"].contains { tensor.name.hasSuffix("\($0).weight") }
          })
        let isMXFP4 = name.hasSuffix("mxfp4")
        #expect(file.format(of: matrix) == (isMXFP4 ? .block(.mxfp4) : index % 2 == 0 ? .bf16 : .f16))
        // Of two tables of factors the short one holds up to 16 tokens.
        let context = name == "phi3 short" ? 16 : 64
        let error = try Self.error(file, model, on: index == 0 ? .vulkan : .reference, context: context)
        #expect(error <= (index == 0 ? 1e-10 : 1e-13), "normalized mean squared error \(error) with \(config)")
      }
    }
  }

  /// What GGUF cannot hold is refused, all else is the same model.
  @Test(arguments: names)
  func foldersAreConverted(name: String) throws {
    let model = try #require(try Self.models.get()[name])
    try Self.withFolder(model, config: model.configs[0]) { folder in
      let refused: Set = [
        "exaone4", "gemma2", "gemma3", "falcon_h1 multiplied", "llama4 chunks", "qwen2_moe weighted",
      ]
      guard !refused.contains(name) else {
        let error = #expect(throws: ModelFileError.self) { try FolderAsGGUF(folder: folder) }
        #expect(error?.code == .unsupportedModel)
        return
      }
      let file = try FolderAsGGUF(folder: folder)
      try QuantizeTests.withPath("model.gguf") { path in
        try ModelQuantizer(file, QuantizationPlan(file, .init(.f32))).write(to: path) { _, _ in }
        let written = try GGUFFile(path: path), configuration = try ModelConfiguration(written)
        // A context that was cut to the window takes fewer tokens.
        guard configuration.contextLength >= Self.tokens.count else {
          #expect(configuration.contextLength == 5)
          return
        }
        let error = try Self.error(written, model, on: .reference, context: name == "phi3 short" ? 16 : 64)
        // The exact GELU has no place in these files.
        let isGELU = model.configs[0].contains("\"gelu\"") && !["bloom"].contains(name) || name == "mpt"
        // Nor has a second ε.
        let bounds = [
          "falcon_mamba": 1e-6, "minicpm3": 1e-11, "qwen3_next": 1e-9, "qwen3_5": 1e-9, "qwen3_5_moe": 1e-9,
          "kimi_linear": 1e-9,
        ]
        let bound = bounds[name] ?? (isGELU ? 1e-4 : 1e-13)
        #expect(error <= bound, "normalized mean squared error \(error)")
      }
    }
  }
}

/// Quantized layers run in their own formats.
extension FolderFamilyTests {
  /// Formats of MLX, and of Pumice's extension; of families with fused matrices, whose rows are taken apart.
  @Test(arguments: [
    ("llama", "g4:32:asym", true), ("phi3", "g4:32:asym", true), ("gpt_neox", "g8:32:asym", true),
    ("qwen3", "g3:32:asym", true), ("mistral", "palette4", true), ("qwen2", "nf4:32", true),
    ("phi3", "palette4", false), ("qwen3_moe", "g4:32:asym", true), ("deepseek_v2", "palette4", true),
    ("falcon_h1", "g4:32:asym", true), ("jamba", "g4:32:asym", true), ("qwen3_next", "g4:32:asym", true),
  ])
  func quantizedFoldersRun(name: String, format: String, isItsOwn: Bool) throws {
    let model = try #require(try Self.models.get()[name])
    try Self.withFolder(model, config: model.configs[0]) { plain in
      try QuantizeTests.withPath("quantized") { folder in
        let file = try SafetensorsFile(path: plain), wanted = try #require(TensorFormat(name: format))
        try FolderQuantizer(folder: plain, file, FolderPlan(file, wanted)).write(to: folder) { _, _ in }
        let quantized = try FolderAsGGUF(folder: folder, for: .running)
        let tensor = try #require(quantized.tensor(named: "blk.1.attn_q.weight"))
        #expect(quantized.format(of: tensor) == (isItsOwn ? wanted : .f32))
        let logits = try [TestBackend.vulkan, .reference].map { backend in
          try backend.session(quantized, exactOptions()).logits(appending: Self.tokens)
        }
        #expect(normalizedError(logits[0], logits[1].map { $0.map(Double.init) }) <= 1e-9)
        // Decoded, it is the same model.
        try QuantizeTests.withPath("model.gguf") { path in
          let shown = try FolderAsGGUF(folder: folder)
          try ModelQuantizer(shown, QuantizationPlan(shown, .init(.f32))).write(to: path) { _, _ in }
          let decoded = try GGUFFile(path: path)
          guard try ModelConfiguration(decoded).contextLength >= Self.tokens.count else { return }
          let others = try TestBackend.reference.session(decoded, exactOptions()).logits(appending: Self.tokens)
          // The exact GELU has no place in files, nor has a second ε.
          let bound = ["gpt_neox": 1e-4, "qwen3_next": 1e-9][name] ?? 1e-12
          #expect(normalizedError(logits[1], others.map { $0.map(Double.init) }) <= bound)
        }
      }
    }
  }

  /// Folders in MLX's layout have the experts of a layer in one tensor of codes, one of scales and one of biases.
  @Test(arguments: ["qwen3_moe", "mixtral"])
  func codesOfAllExpertsRun(name: String) throws {
    let model = try #require(try Self.models.get()[name])
    try Self.withFolder(model, config: model.configs[0]) { plain in
      try QuantizeTests.withPath("quantized") { folder in
        let file = try SafetensorsFile(path: plain), format = try #require(TensorFormat(name: "g4:32:asym"))
        try FolderQuantizer(folder: plain, file, FolderPlan(file, format)).write(to: folder) { _, _ in }
        func logits() throws -> [[Float]] {
          let shown = try FolderAsGGUF(folder: folder, for: .running)
          for part in ["gate", "up"] {
            let tensor = try #require(shown.tensor(named: "blk.1.ffn_\(part)_exps.weight"))
            #expect(shown.format(of: tensor) == format)
          }
          return try TestBackend.vulkan.session(shown, exactOptions()).logits(appending: Self.tokens)
        }
        let apart = try logits()
        try Self.stackExperts(of: folder)
        #expect(try logits() == apart)
      }
    }
  }

  /// Writes the tensors of experts anew, those of a layer as one.
  private static func stackExperts(of folder: String) throws {
    let file = try SafetensorsFile(path: folder)
    var writer = SafetensorsWriter(),
      stacks: [String: (shape: Shape, type: SafetensorsType, parts: [Int: [UInt8]])] = [:]
    let parts = ["w1": "gate_proj", "w2": "down_proj", "w3": "up_proj"]
    for tensor in file.tensors {
      let bytes = file.withBytes(of: tensor) { [UInt8]($0) }
      var words = tensor.name.split(separator: ".").map(String.init)
      guard let index = words.firstIndex(of: "experts") else {
        writer.addTensor(tensor.name, shape: tensor.shape, type: tensor.type, bytes: bytes)
        continue
      }
      let expert = try #require(Int(words.remove(at: index + 1)))
      words[index] = "switch_mlp"
      words[index + 1] = parts[words[index + 1]] ?? words[index + 1]
      stacks[words.joined(separator: "."), default: (tensor.shape, tensor.type, [:])].parts[expert] = bytes
    }
    for (name, stack) in stacks {
      let shape = Shape([stack.parts.count] + stack.shape.dimensions)
      let bytes = stack.parts.sorted { $0.key < $1.key }.flatMap(\.value)
      writer.addTensor(name, shape: shape, type: stack.type, bytes: bytes)
    }
    let path = "\(folder)/model.safetensors"
    try FileManager.default.removeItem(atPath: path)
    try writer.write(to: path)
  }

  @Test(
    arguments: [
      ("llama", "\"model_type\":\"llama\"", "\"model_type\":\"llamas\"", "model_type"),
      ("llama", "\"hidden_act\":\"silu\"", "\"hidden_act\":\"snake\"", "snake"),
      ("llama", "\"hidden_size\":32", "\"hidden_size\":32,\"num_local_experts\":8", "num_local_experts"),
      ("llama", "\"hidden_size\":32", "\"hidden_size\":32,\"attn_logit_softcapping\":30.0", "attn_logit_softcapping"),
      ("llama linear", "\"rope_type\":\"linear\"", "\"rope_type\":\"spiral\"", "spiral"),
      ("falcon 7b", "\"alibi\":false", "\"alibi\":true", "alibi"),
      ("bloom", "\"n_head\":4", "\"n_head\":3", "num_attention_heads"),
      ("olmo3", "\"sliding_attention\",", "\"chunked_attention\",", "layer_types"),
      ("olmoe", "\"clip_qkv\":null", "\"clip_qkv\":0.5", "clip_qkv"),
      ("gpt_oss", "\"swiglu_limit\":7", "\"swiglu_limit\":8", "swiglu_limit"),
      ("deepseek_v2 yarn", "\"mscale_all_dim\":0.707", "\"mscale_all_dim\":1.5", "mscale"),
      ("deepseek_v2", "\"n_group\":null", "\"n_group\":2,\"topk_method\":\"group_limited_greedy\"", "topk_method"),
      ("deepseek_v3", "\"rope_interleave\":true", "\"rope_interleave\":false", "rope_interleave"),
      ("deepseek_v3", "\"n_routed_experts\":8", "\"scoring_func\":\"max\",\"n_routed_experts\":8", "scoring_func"),
      ("dbrx", "\"moe_normalize_expert_weights\":1", "\"moe_normalize_expert_weights\":2", "moe_normalize"),
      ("hunyuan_v1_moe", "\"head_dim\":8", "\"head_dim\":8,\"use_cla\":true", "use_cla"),
      ("hunyuan_v1_moe", "\"moe_topk\":2", "\"moe_topk\":[2,1]", "moe_topk"),
      ("llama4", "\"no_rope_layers\":[1,1,1,0]", "\"no_rope_layers\":[1,0,1,0]", "no_rope_layers"),
      ("mamba2", "\"time_step_limit\":[0", "\"time_step_limit\":[0.5", "time_step_limit"),
      ("falcon_h1 multiplied", "\"mamba_norm_before_gate\":false", "\"mamba_norm_before_gate\":true", "norm_before"),
      ("nemotron_h experts", "\"moe_latent_size\":null", "\"moe_latent_size\":16", "moe_latent_size"),
      ("qwen3_next", "\"linear_attention\",", "\"chunked_attention\",", "layer_types"),
      ("lfm2", "\"block_ffn_dim_multiplier\":1", "\"block_ffn_dim_multiplier\":1e30", "block_ffn_dim_multiplier"),
      ("falcon_h1 multiplied", "\"key_multiplier\":1.5", "\"key_multiplier\":1e300", "key_multiplier"),
      ("minicpm3", "\"scale_emb\":12", "\"scale_emb\":1e300", "scale_emb"),
      ("qwen3_next", "\"linear_num_key_heads\":2", "\"linear_num_key_heads\":3", "groups"),
      ("jamba", "\"num_attention_heads\"", "\"num_heads\"", "num_attention_heads"),
    ] as [(String, String, String, String)])
  func whatCannotBeRunIsRefusedByName(name: String, part: String, other: String, named: String) throws {
    let model = try #require(try Self.models.get()[name])
    let config = model.configs[0]
    #expect(config.contains(part))
    try Self.withFolder(model, config: config.replacingOccurrences(of: part, with: other)) { folder in
      let error = #expect(throws: ModelFileError.self) { try FolderAsGGUF(folder: folder, for: .running) }
      #expect(error.map { "\($0)".contains(named) } == true, "\(String(describing: error))")
    }
  }

  /// Layers that predict tokens further ahead are left out, and others are not.
  @Test(arguments: [("deepseek_v3", 1), ("glm4_moe", 1), ("deepseek_v3", 0)])
  func layersBehindTheLastAreLeftOut(name: String, count: Int) throws {
    var model = try #require(try Self.models.get()[name])
    model.tensors.append(Model.Tensor("model.layers.2.eh_proj.weight", [32, 64], .weights))
    let config = model.configs[0].replacingOccurrences(
      of: "\"num_nextn_predict_layers\":1", with: "\"num_nextn_predict_layers\":\(count)")
    try Self.withFolder(model, config: config) { folder in
      guard count == 0 else {
        let file = try FolderAsGGUF(folder: folder, for: .running)
        #expect(file.tensors.allSatisfy { !$0.name.hasPrefix("blk.2.") })
        return
      }
      let error = #expect(throws: ModelFileError.self) { try FolderAsGGUF(folder: folder, for: .running) }
      #expect(error.map { "\($0)".contains("eh_proj") } == true)
    }
  }

  /// Baichuan 2 makes the rows of the output's matrix as long as 1, as no Baichuan 1 does; transformers has no code of either.
  @Test func outputsOfBaichuan2AreNormalized() throws {
    var model = try #require(try Self.models.get()["llama linear"])
    let vocabulary = 125_696
    for (index, tensor) in model.tensors.enumerated() where !tensor.name.contains("layers") && tensor.shape.count == 2 {
      model.tensors[index].shape = [vocabulary, 32]
    }
    for layer in 0..<2 {
      let prefix = "model.layers.\(layer).self_attn."
      model.tensors.removeAll { ["q", "k", "v"].map { "\(prefix)\($0)_proj.weight" }.contains($0.name) }
      model.tensors.append(Model.Tensor("\(prefix)W_pack.weight", [96, 32], .weights))
    }
    let config = try #require(model.configs.first)
      .replacingOccurrences(of: "\"model_type\":\"llama\"", with: "\"model_type\":\"baichuan\"")
      .replacingOccurrences(of: "\"num_key_value_heads\":2", with: "\"num_key_value_heads\":4")
      .replacingOccurrences(of: "\"vocab_size\":48", with: "\"vocab_size\":\(vocabulary)")
    func weights(_ config: String) throws -> [Float] {
      try Self.withFolder(model, config: config) { folder in
        let file = try FolderAsGGUF(folder: folder, for: .running)
        let tensor = try #require(file.tensor(named: "output.weight"))
        return file.withBytes(of: tensor) { [Float]($0.bindMemory(to: Float.self)) }
      }
    }
    let found = try weights(config)
    let plain = try weights(config.replacingOccurrences(of: "\(vocabulary)", with: "\(vocabulary + 64)"))
    for row in stride(from: 0, to: vocabulary, by: 997) {
      let values = plain[32 * row..<32 * row + 32].map(Double.init)
      let length = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
      #expect(Array(found[32 * row..<32 * row + 32]) == values.map { Float($0 / length) })
    }
  }

  /// Published configurations have a word that JSON does not have.
  @Test func stepsWithoutBoundAreRun() throws {
    let model = try #require(try Self.models.get()["mamba2"]), config = model.configs[0]
    let bound = "{\"__float__\":\"Infinity\"}"
    #expect(config.contains(bound))
    try Self.withFolder(model, config: config.replacingOccurrences(of: bound, with: "Infinity")) { folder in
      let error = try Self.error(try FolderAsGGUF(folder: folder, for: .running), model, on: .reference)
      #expect(error <= 1e-13)
    }
  }

  @Test(
    arguments: [
      ("gpt_oss mxfp4", [4, 16, 1, 16], "_scales"), ("dbrx", [62, 32], "mlp.w1"),
      ("granitemoe", [4, 33, 32], "input_linear"), ("qwen3_moe", [16, 32], "ffn_gate_exps"),
    ] as [(String, [Int], String)])
  func expertsOfAWrongShapeAreNamed(name: String, shape: [Int], named: String) throws {
    var model = try #require(try Self.models.get()[name])
    if named == "ffn_gate_exps" {
      model.tensors.removeAll { $0.name.hasSuffix("layers.0.mlp.experts.2.gate_proj.weight") }
    } else {
      let changed = named == "_scales" ? "_blocks" : named
      let index = try #require(model.tensors.firstIndex { $0.name.contains(changed) })
      model.tensors[index].shape = shape
    }
    try Self.withFolder(model, config: model.configs[0]) { folder in
      let error = #expect(throws: ModelFileError.self) { try FolderAsGGUF(folder: folder, for: .running) }
      #expect(error?.code == .invalidTensor)
      #expect(error.map { "\($0)".contains(named) } == true, "\(String(describing: error))")
    }
  }

  @Test func aTensorWithoutAPlaceIsRefusedByName() throws {
    var model = try #require(try Self.models.get()["llama"])
    model.tensors[3].name = "model.layers.0.self_attn.z_proj.weight"
    try Self.withFolder(model, config: model.configs[0]) { folder in
      let error = #expect(throws: ModelFileError.self) { try FolderAsGGUF(folder: folder, for: .running) }
      #expect(error.map { "\($0)".contains("z_proj") } == true)
    }
  }
}

/// A safetensors file to be.
struct RawSafetensors {
  private var header: [String] = []
  private var bytes: [UInt8] = []

  mutating func add(_ name: String, _ shape: [Int], _ values: [Float], as type: SafetensorsType) {
    let start = bytes.count
    for value in values {
      switch type {
      case .u8: bytes.append(UInt8(value))
      case .f16: withUnsafeBytes(of: Float16(value).bitPattern.littleEndian) { bytes += $0 }
      case .bf16: withUnsafeBytes(of: UInt16(value.bitPattern >> 16).littleEndian) { bytes += $0 }
      default: withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes += $0 }
      }
    }
    header.append(
      "\"\(name)\": {\"dtype\": \"\(type.rawValue)\", \"shape\": \(shape), \"data_offsets\": [\(start), \(bytes.count)]}"
    )
  }

  func data() -> Data {
    let text = "{\(header.joined(separator: ", "))}"
    var data = withUnsafeBytes(of: UInt64(text.utf8.count).littleEndian) { Data($0) }
    data.append(contentsOf: text.utf8)
    data.append(contentsOf: bytes)
    return data
  }
}
