import Foundation
import PumiceModelFiles
import PumiceModels
import PumiceTensors
import Testing

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

  /// The hash of a model reads no more than the ends of a stack, yet knows its first and its last expert.
  @Test(arguments: ["qwen3_moe", "gpt_oss mxfp4", "llama"]) func hashesKnowTheEndsOfStacks(name: String) throws {
    let model = try #require(try Self.models.get()[name])
    try Self.withFolder(model, config: model.configs[0]) { folder in
      func hash() throws -> ModelHash { ModelHash(try FolderAsGGUF(folder: folder, for: .running)) }
      let file = URL(fileURLWithPath: "\(folder)/model.safetensors"), original = try Data(contentsOf: file)
      let length = original[..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
      let header = try JSONSerialization.jsonObject(with: original[8..<8 + length]) as? [String: [String: Any]]
      let places = (header ?? [:]).filter {
        $0.key.contains("layers.1.mlp.") && $0.key.contains("down_proj") && !$0.key.hasSuffix("bias")
      }
      .sorted { $0.key < $1.key }.compactMap { ($0.value["data_offsets"] as? [Int]) }
      let first = try #require(places.first), last = try #require(places.last { $0 != first } ?? places.first)
      var hashes: Set = [try hash()]
      for place in [first[0], last[1] - 1] {
        var changed = original
        changed[8 + length + place] ^= 1
        try changed.write(to: file)
        hashes.insert(try hash())
      }
      try original.write(to: file)
      #expect(hashes.count == 3)
      #expect(hashes.contains(try hash()))
    }
  }

  /// What is not quantized although it is most of the model says so.
  @Test(arguments: [
    ("qwen3_moe fused", 4), ("granitemoe", 4), ("gpt_oss", 4), ("dbrx", 6), ("mixtral", 0), ("mamba2", 0), ("llama", 0),
  ])
  func expertsInOneTensorAreLeftWithARemark(name: String, count: Int) throws {
    let model = try #require(try Self.models.get()[name])
    try Self.withFolder(model, config: model.configs[0]) { folder in
      let plan = try FolderPlan(SafetensorsFile(path: folder), #require(TensorFormat(name: "g4:32:asym")))
      let left = plan.entries.filter { $0.remark?.contains("stay as they are") == true }
      #expect(left.count == count && left.allSatisfy { $0.format == nil }, "\(left.map(\.tensor.name))")
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
}
