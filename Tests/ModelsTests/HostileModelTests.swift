import PumiceModelFiles
import PumiceModels
import PumiceTensors
import Testing

/// Files that are whole GGUF and yet no model: each gives an error that names what is wrong.
@Suite struct HostileModelTests {
  /// The error of reading a model, as a person sees it.
  private func failure(_ writer: GGUFWriter) throws -> String {
    let file = try GGUFFile(bytes: writer.bytes(), name: "model.gguf")
    do throws(ModelFileError) {
      _ = try ModelTensors(file, try ModelConfiguration(file))
      return "no error"
    } catch { return error.description }
  }

  private func failure(changing key: String, to value: GGUFValue?) throws -> String {
    try failure(Fixture.f32.writer(setting: [key: value]))
  }

  @Test func unknownArchitectureIsRefusedByName() throws {
    let text = try failure(changing: "general.architecture", to: .string("lama"))
    #expect(text.hasPrefix("model.gguf: key general.architecture: “lama” cannot be run, only: llama, "))
    #expect(
      try failure(changing: "general.architecture", to: nil).contains(
        "key general.architecture: the file does not have it"))
  }

  @Test(arguments: [
    "context_length", "embedding_length", "block_count", "feed_forward_length", "attention.head_count",
    "attention.layer_norm_rms_epsilon",
  ])
  func missingKeysAreNamed(key: String) throws {
    #expect(try failure(changing: "llama.\(key)", to: nil) == "model.gguf: key llama.\(key): the file does not have it")
    #expect(
      try failure(changing: "llama.\(key)", to: .string("4")).hasPrefix("model.gguf: key llama.\(key): is string"))
    #expect(try failure(changing: "llama.\(key)", to: .uint32(0)).hasPrefix("model.gguf: key llama.\(key): "))
  }

  @Test(
    arguments: [
      ("block_count", .uint32(.max)), ("block_count", .int32(-1)), ("embedding_length", .uint64(.max)),
      ("attention.head_count", .uint32(3)), ("attention.head_count_kv", .uint32(3)),
      ("attention.key_length", .uint32(12)),
      ("attention.value_length", .uint32(12)), ("attention.layer_norm_rms_epsilon", .float32(.nan)),
      ("rope.dimension_count", .uint32(15)), ("rope.dimension_count", .uint32(32)), ("rope.freq_base", .float32(-1)),
      ("rope.freq_base", .float32(.infinity)), ("rope.scaling.type", .string("dynamic")),
      ("rope.scaling.factor", .float32(-2)),
      ("rope.scaling.attn_factor", .float32(-1)), ("expert_count", .uint32(8)), ("vocab_size", .uint32(17)),
    ] as [(String, GGUFValue)])
  func badValuesAreNamed(key: String, value: GGUFValue) throws {
    let text = try failure(changing: "llama.\(key)", to: value)
    #expect(text.hasPrefix("model.gguf: key llama.\(key)"), "\(text)")
    #expect(!text.contains("\n"))
  }

  @Test func numbersThatContradictTheTensorsAreFoundAtTheTensor() throws {
    #expect(
      try failure(changing: "llama.feed_forward_length", to: .uint32(97))
        == "model.gguf: tensor blk.0.ffn_gate.weight: has the shape 96×64, expected 97×64")
    #expect(
      try failure(changing: "llama.attention.value_length", to: .uint32(32))
        == "model.gguf: tensor blk.0.attn_v.weight: has the shape 32×64, expected 64×64")
    #expect(
      try failure(changing: "llama.block_count", to: .uint32(3))
        == "model.gguf: tensor blk.2.attn_norm.weight: the file does not have it")
    #expect(
      try failure(changing: "llama.block_count", to: .uint32(1))
        == "model.gguf: tensor blk.1.attn_norm.weight: is no part of a llama model with 1 layers")
  }

  @Test(arguments: ["token_embd.weight", "output_norm.weight", "blk.1.attn_q.weight", "blk.0.ffn_norm.weight"])
  func missingTensorsAreNamed(name: String) throws {
    let writer = try Fixture.f32.writer(keeping: { $0.name != name })
    #expect(try failure(writer) == "model.gguf: tensor \(name): the file does not have it")
  }

  @Test func extraTensorsAreNamed() throws {
    var writer = try Fixture.f32.writer()
    writer.addTensor("blk.0.attn_q_norm.weight", shape: [16], floats: [Float](repeating: 1, count: 16))
    #expect(
      try failure(writer) == "model.gguf: tensor blk.0.attn_q_norm.weight: is no part of a llama model with 2 layers")
  }

  /// A model whose rows of `ffn_down`, which it lacks, have 256 elements, so that blocks of every type fit.
  private func withoutDown() throws -> GGUFWriter {
    var writer = try Fixture.f32.writer(
      setting: ["llama.feed_forward_length": .uint32(256)], keeping: { !$0.name.contains("ffn_") })
    for layer in 0..<2 {
      writer.addTensor("blk.\(layer).ffn_norm.weight", shape: [64], floats: [Float](repeating: 1, count: 64))
      for part in ["gate", "up"] {
        let zeros = [Float](repeating: 0, count: 256 * 64)
        writer.addTensor("blk.\(layer).ffn_\(part).weight", shape: [256, 64], floats: zeros)
      }
    }
    return writer
  }

  @Test(arguments: [GGMLType.f64, .i8, .q8_1, .q8_K, .i32])
  func unsupportedTypesAreNamed(type: GGMLType) throws {
    let name = "blk.1.ffn_down.weight"
    var writer = try withoutDown()
    writer.addTensor("blk.0.ffn_down.weight", shape: [64, 256], floats: [Float](repeating: 0, count: 64 * 256))
    writer.addTensor(
      name, shape: [64, 256], type: type,
      bytes: [UInt8](repeating: 0, count: 64 * 256 / type.blockLength * type.blockBytes))
    let text = try failure(writer)
    #expect(text.hasPrefix("model.gguf: tensor \(name): ") && text.contains(type.name), "\(text)")
  }

  @Test(arguments: BlockFormat.allCases.filter { $0 != .nvfp4 })
  func aScaleMustBeANumber(_ block: BlockFormat) throws {
    let type = GGMLType(.block(block))!
    let rows = 64, columns = 256
    var bytes = [UInt8](repeating: 0, count: rows * columns / block.length * block.byteCount)
    let last = bytes.count - block.byteCount
    for byte in last..<bytes.count { bytes[byte] = 0xff }
    var writer = try withoutDown()
    for layer in 0..<2 {
      writer.addTensor("blk.\(layer).ffn_down.weight", shape: [64, 256], type: type, bytes: bytes)
    }
    let index = rows * columns / block.length - 1
    let file = try GGUFFile(bytes: writer.bytes(), name: "model.gguf")
    let tensors = try ModelTensors(file, try ModelConfiguration(file))
    let error = #expect(throws: ModelFileError.self) {
      _ = try ModelSession(
        tensors, on: ReferenceBackend(), options: SessionOptions(context: 8), modelName: "model.gguf")
    }
    #expect(
      error?.description
        == "model.gguf: tensor blk.0.ffn_down.weight: the scale of block \(index) is infinite or no number")
  }

  @Test func aVectorMustBePlain() throws {
    var writer = try Fixture.f32.writer(keeping: { $0.name != "output_norm.weight" })
    writer.addTensor("output_norm.weight", shape: [64], type: .q8_0, bytes: [UInt8](repeating: 0, count: 68))
    #expect(
      try failure(writer)
        == "model.gguf: tensor output_norm.weight: is of type q8_0, expected f32, f16 or bf16 for a vector")
  }

  @Test func whatDoesNotFitIsRefusedBeforeLoading() throws {
    let context = 1 << 30
    let writer = try Fixture.f32.writer(setting: ["llama.context_length": .uint32(UInt32(context))])
    let file = try GGUFFile(bytes: writer.bytes(), name: "model.gguf")
    for backend in TestBackend.allCases {
      let error = try #require(
        #expect(throws: ModelError.self) { try backend.session(file, SessionOptions(context: context)) })
      guard case .outOfMemory(_, let needed, let available, _) = error else {
        Issue.record("\(error)")
        continue
      }
      #expect(needed.total > available)
      #expect(error.description.contains("too little") && error.description.contains("cache"), "\(error)")
    }
  }

  @Test func sessionOptionsAreChecked() throws {
    let file = try Fixture.f32.open()
    for options in [
      SessionOptions(context: 0), SessionOptions(context: 129), SessionOptions(context: 8, chunk: 0),
      SessionOptions(context: 8, keyFormat: .q8_0),
    ] {
      #expect(throws: ModelError.self) { try TestBackend.reference.session(file, options) }
    }
  }
}
