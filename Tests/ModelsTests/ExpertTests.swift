import PumiceModelFiles
import PumiceModels
import PumiceQuantization
import PumiceTensors
import Testing

/// What must be true of mixtures of experts whatever their weights are.
@Suite(.serialized) struct ExpertTests {
  private static let tokens = (0..<20).map { Int32($0 * 11 % 48) }
  private static let width = 32
  private static let length = 64
  /// Attention that is nothing but small, so that experts have the last word.
  private static let heads = 2

  /// A model with random attention whose feed-forward networks are given.
  private static func writer(
    _ settings: [String: Int] = [:], _ add: (inout GGUFWriter, _ layer: Int) -> Void
  ) -> GGUFWriter {
    var metadata = GGUFMetadata()
    metadata["general.architecture"] = .string("llama")
    metadata["tokenizer.ggml.model"] = .string("none")
    let sizes = [
      "vocab_size": 48, "context_length": 64, "embedding_length": width, "block_count": 2,
      "feed_forward_length": length,
      "attention.head_count": heads,
    ].merging(settings) { $1 }
    for (key, value) in sizes { metadata["llama.\(key)"] = .uint32(UInt32(value)) }
    metadata["llama.attention.layer_norm_rms_epsilon"] = .float32(1e-5)
    var writer = GGUFWriter(metadata: metadata)
    matrix("token_embd", [48, width], &writer)
    writer.addTensor("output_norm.weight", shape: [width], floats: Array(repeating: 1, count: width))
    matrix("output", [48, width], &writer)
    for layer in 0..<2 {
      for name in ["attn_norm", "ffn_norm"] {
        writer.addTensor("blk.\(layer).\(name).weight", shape: [width], floats: Array(repeating: 1, count: width))
      }
      for name in ["attn_q", "attn_k", "attn_v", "attn_output"] {
        matrix("blk.\(layer).\(name)", [width, width], &writer)
      }
      add(&writer, layer)
    }
    return writer
  }

  private static func values(_ name: String, _ count: Int) -> [Float] {
    var state = name.utf8.reduce(UInt32(7)) { $0 &* 31 &+ UInt32($1) }
    return (0..<count).map { _ in
      state = state &* 1_664_525 &+ 1_013_904_223
      return (Float(state >> 8) / Float(1 << 23) - 1) * 0.3
    }
  }

  private static func matrix(_ name: String, _ shape: Shape, _ writer: inout GGUFWriter) {
    writer.addTensor(name + ".weight", shape: shape, floats: values(name, shape.count))
  }

  private static let parts: [(name: String, rows: Int, columns: Int)] = [
    ("gate", length, width), ("up", length, width), ("down", width, length),
  ]

  /// A mixture whose experts are those of a list of numbers: equal numbers, equal experts.
  private static func mixture(_ experts: [Int], used: Int, router: [Float]? = nil) throws -> GGUFFile {
    let settings = ["expert_count": experts.count, "expert_used_count": used]
    let writer = writer(settings) { writer, layer in
      let count = experts.count * width
      writer.addTensor(
        "blk.\(layer).ffn_gate_inp.weight", shape: [experts.count, width],
        floats: router ?? values("router\(layer)", count))
      for part in parts {
        let stacked = experts.flatMap { values("\(part.name)\(layer)\($0)", part.rows * part.columns) }
        writer.addTensor(
          "blk.\(layer).ffn_\(part.name)_exps.weight", shape: [experts.count, part.rows, part.columns], floats: stacked)
      }
    }
    return try GGUFFile(bytes: writer.bytes())
  }

  /// The same with one of the experts in the place of the mixture.
  private static func dense(_ expert: Int) throws -> GGUFFile {
    let writer = writer { writer, layer in
      for part in parts {
        writer.addTensor(
          "blk.\(layer).ffn_\(part.name).weight", shape: [part.rows, part.columns],
          floats: values("\(part.name)\(layer)\(expert)", part.rows * part.columns))
      }
    }
    return try GGUFFile(bytes: writer.bytes())
  }

  private func logits(
    _ file: GGUFFile, _ backend: TestBackend = .vulkan, _ options: SessionOptions = exactOptions()
  ) throws -> [[Float]] { try backend.session(file, options).logits(appending: Self.tokens) }

  private func expectSame(_ a: [[Float]], _ b: [[Float]], _ bound: Double = 1e-11) {
    let error = normalizedError(a, b.map { $0.map(Double.init) })
    #expect(error <= bound, "\(error)")
  }

  // MARK: What experts must give

  @Test(arguments: TestBackend.allCases) func equalExpertsAreTheNetwork(backend: TestBackend) throws {
    let dense = try logits(Self.dense(3), backend)
    // Of one, of some, and of all: the weights of those that are chosen add up to 1.
    for (count, used) in [(1, 1), (4, 1), (4, 2), (3, 3)] {
      try expectSame(logits(Self.mixture(Array(repeating: 3, count: count), used: used), backend), dense)
    }
  }

  @Test func otherExpertsAreNot() throws {
    let error = normalizedError(
      try logits(Self.mixture([3, 4], used: 1)), try logits(Self.dense(3)).map { $0.map(Double.init) })
    #expect(error > 1e-3)
  }

  /// A router that knows no difference chooses the first experts, and gives each as much.
  @Test(arguments: TestBackend.allCases) func tiesGoToTheFirst(backend: TestBackend) throws {
    let equal = [Float](repeating: 0, count: 6 * Self.width)
    let tied = try logits(Self.mixture([5, 5, 7, 7, 8, 9], used: 2, router: equal), backend)
    try expectSame(tied, logits(Self.dense(5), backend))
    let mixed = try logits(Self.mixture([5, 6, 7, 8, 9, 5], used: 2, router: equal), backend)
    try expectSame(mixed, logits(Self.mixture([5, 6], used: 2, router: Array(equal[..<(2 * Self.width)])), backend))
  }

  /// The order of the experts is of no consequence but for that of sums.
  @Test func allExpertsInAnotherOrder() throws {
    func router(_ order: [Int]) -> [Float] { order.flatMap { Self.values("row\($0)", Self.width) } }
    let a = try logits(Self.mixture([1, 2, 3], used: 3, router: router([1, 2, 3])))
    let b = try logits(Self.mixture([3, 1, 2], used: 3, router: router([3, 1, 2])))
    expectSame(a, b)
  }

  // MARK: Passes

  @Test(arguments: [1, 3, 7]) func chunksGiveWhatTheWholeGives(chunk: Int) throws {
    let file = try Self.mixture([0, 1, 2, 3, 4], used: 2)
    try expectSame(logits(file, .vulkan, exactOptions(chunk: chunk)), logits(file), 1e-10)
  }

  /// A token's logits have the same bits whatever tokens come after it in the same pass.
  @Test func laterTokensChangeNoBit() throws {
    let file = try Self.mixture([0, 1, 2, 3, 4], used: 2)
    let session = try TestBackend.vulkan.session(file, exactOptions())
    let first = try session.logits(appending: Self.tokens)
    session.reset()
    var others = Self.tokens
    others[12...] = others[12...].map { ($0 + 5) % 48 }[...]
    let second = try session.logits(appending: others)
    #expect(first[..<12].map { $0.map(\.bitPattern) } == second[..<12].map { $0.map(\.bitPattern) })
    #expect(first[12] != second[12])
  }

  // MARK: Formats

  /// Experts on the device in the format that they are encoded in, against the reference on the same codes.
  @Test(arguments: ["q4_1", "mxfp4", "iq4_nl", "g3:32:asym"]) func encodedExperts(format: String) throws {
    let encoding = try #require(WeightEncoding(name: format))
    var options = exactOptions()
    options.weightEncoding = encoding
    let file = try Self.mixture([0, 1, 2, 3], used: 2)
    let device = try logits(file, .vulkan, options), reference = try logits(file, .reference, options)
    expectSame(device, reference, 1e-9)
    let exact = normalizedError(device, try logits(file).map { $0.map(Double.init) })
    // Other codes may let a router choose others, but leave most of a model as it is.
    #expect(exact > 1e-6 && exact < 0.5, "\(exact)")
  }

  // MARK: Bad files

  @Test func contradictionsAreRefused() throws {
    func open(_ settings: [String: Int], rows: Int = 4) throws -> ModelTensors {
      let all = ["expert_count": 4, "expert_used_count": 2].merging(settings) { $1 }
      let writer = Self.writer(all) { writer, layer in
        Self.matrix("blk.\(layer).ffn_gate_inp", [rows, Self.width], &writer)
        for part in Self.parts {
          Self.matrix("blk.\(layer).ffn_\(part.name)_exps", [4, part.rows, part.columns], &writer)
        }
      }
      let file = try GGUFFile(bytes: writer.bytes())
      return try ModelTensors(file, try ModelConfiguration(file))
    }
    _ = try open([:])
    for (settings, rows, text) in [
      (["expert_used_count": 5], 4, "expert_used_count"), (["expert_count": 3], 4, "ffn_gate_inp"),
      ([:], 5, "ffn_gate_inp"), (["expert_group_count": 3, "expert_group_used_count": 1], 4, "groups"),
    ] as [([String: Int], Int, String)] {
      let error = #expect(throws: ModelFileError.self) { try open(settings, rows: rows) }
      #expect("\(error.map { "\($0)" } ?? "")".contains(text), "\(String(describing: error))")
    }
  }

  @Test func aMixtureInAFamilyWithoutIsRefused() throws {
    var metadata = try Fixture.f32.open().metadata
    metadata["general.architecture"] = .string("qwen2")
    for (key, value) in metadata where key.hasPrefix("llama.") { metadata["qwen2." + key.dropFirst(6)] = value }
    metadata["qwen2.expert_count"] = .uint32(8)
    var writer = GGUFWriter(metadata: metadata)
    let file = try Fixture.f32.open()
    for tensor in file.tensors {
      writer.addTensor(
        tensor.name, shape: tensor.shape, type: tensor.type, bytes: file.withBytes(of: tensor, Array.init))
    }
    let error = #expect(throws: ModelFileError.self) { try ModelConfiguration(GGUFFile(bytes: writer.bytes())) }
    #expect("\(error.map { "\($0)" } ?? "")".contains("a mixture of 8 experts"))
  }
}
