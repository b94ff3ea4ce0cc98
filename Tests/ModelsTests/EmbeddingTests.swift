import Foundation
import PumiceModelFiles
import PumiceModels
import PumiceOperators
import PumiceTensors
import PumiceTokenizers
import Testing

/// A tiny BERT, and what numpy makes of texts with it; see `Tests/Fixtures/Embeddings/README.md`.
struct TinyBERT {
  struct Golden: Decodable {
    var text: String
    /// Tokens at most.
    var limit: Int
    var tokens: [Int32]
    /// Of each token.
    var vectors: [[Double]]

    func pooled(_ pooling: TextPooling) -> [Double] {
      switch pooling {
      case .none: vectors.flatMap { $0 }
      case .cls: vectors[0]
      case .last: vectors[vectors.count - 1]
      case .mean:
        vectors[0].indices.map { i in vectors.reduce(0) { $0 + $1[i] } / Double(vectors.count) }
      }
    }
  }

  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Fixtures/Embeddings").path
  static let path = "\(folder)/tiny-bert.gguf"
  static let longest = 24

  static func open() throws -> GGUFFile { try GGUFFile(path: path) }

  static func goldens() throws -> [Golden] {
    let data = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/tiny-bert.json"))
    return try JSONDecoder().decode([Golden].self, from: data)
  }

  /// A writer of the same file, to be changed.
  static func writer(setting values: KeyValuePairs<String, GGUFValue?>) throws -> GGUFWriter {
    let file = try open()
    var metadata = file.metadata
    for (key, value) in values { metadata[key] = value }
    var writer = GGUFWriter(metadata: metadata)
    for tensor in file.tensors {
      writer.addTensor(
        tensor.name, shape: tensor.shape, type: tensor.type, bytes: file.withBytes(of: tensor, Array.init))
    }
    return writer
  }
}

func unit(_ vector: [Double]) -> [Double] {
  let length = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
  return vector.map { $0 / length }
}

/// All tests that use the device, one after the other.
@Suite(.serialized) struct EmbeddingTests {
  @Test(arguments: TestBackend.allCases)
  func vectorsAreThoseOfNumpy(backend: TestBackend) throws {
    let file = try TinyBERT.open(), goldens = try TinyBERT.goldens()
    let tokenizer = try Tokenizers.load(from: file)
    for golden in goldens {
      #expect(try tokenizer.encodeWhole(golden.text, limit: golden.limit).tokens == golden.tokens, "\(golden.text)")
    }
    for pooling in TextPooling.allCases {
      for normalizes in [false, true] {
        let options = EmbeddingOptions(pooling: pooling, normalizes: normalizes, longestText: TinyBERT.longest)
        let found = try backend.embedder(file, options).vectors(of: goldens.map(\.tokens))
        for (golden, vectors) in zip(goldens, found) {
          let plain = pooling == .none ? golden.vectors : [golden.pooled(pooling)]
          let wanted = normalizes ? plain.map(unit) : plain
          // The golden numbers have seven digits after the point.
          #expect(normalizedError(vectors, wanted) <= 1e-11, "\(pooling) of “\(golden.text)”")
        }
      }
    }
  }

  /// The same model as a folder of sentence-transformers, whose tokenizer is read from `tokenizer.json`.
  @Test(arguments: TestBackend.allCases)
  func aFolderGivesTheSameVectors(backend: TestBackend) throws {
    let folder = try ModelSource.open(path: "\(TinyBERT.folder)/tiny-bert"), goldens = try TinyBERT.goldens()
    let tokenizer = try Tokenizers.load(from: folder)
    for golden in goldens {
      #expect(try tokenizer.encodeWhole(golden.text, limit: golden.limit).tokens == golden.tokens, "\(golden.text)")
    }
    let options = EmbeddingOptions(pooling: .mean, longestText: TinyBERT.longest)
    let found = try backend.embedder(folder, options).vectors(of: goldens.map(\.tokens))
    for (golden, vectors) in zip(goldens, found) {
      #expect(normalizedError(vectors, [unit(golden.pooled(.mean))]) <= 1e-11, "“\(golden.text)”")
    }
  }

  /// Lengths on both sides of those that passes are made for, each alone, with longer and with shorter ones, in passes for
  /// one text and for all; in an encoder, in a decoder, and in one with windows.
  @Test(arguments: ["bert", "llama", "modern-bert", "gemma-embedding"])
  func aTextHasTheSameBitsAloneAndAmongOthers(name: String) throws {
    let file: GGUFFile
    switch name {
    case "bert": file = try TinyBERT.open()
    case "llama": file = try Fixture.f32.open()
    default:
      var model = FamilyModel(try #require(Architecture.all.first { $0.name == name }))
      file = try GGUFFile(bytes: model.writer().bytes(), name: name)
    }
    let vocabulary = try ModelConfiguration(file).vocabularySize
    let texts: [[Int32]] = [1, 24, 3, 16, 2, 17, 15, 8, 9, 23].enumerated().map { index, length in
      (0..<length).map { Int32((index * 31 + $0 * 17 + 5) % vocabulary) }
    }
    for pooling in [TextPooling.mean, .last, .none] {
      func bits(_ texts: [[Int32]], pass: Int, longest: Int = 24) throws -> [[[UInt32]]] {
        let options = EmbeddingOptions(pooling: pooling, longestText: longest, passTokens: pass)
        return try TestBackend.vulkan.embedder(file, options).vectors(of: texts).map { $0.map { $0.map(\.bitPattern) } }
      }
      let alone = try texts.map { try bits([$0], pass: 1, longest: $0.count)[0] }
      #expect(try bits(texts, pass: 2048) == alone, "\(pooling), all at once")
      #expect(try bits(texts.reversed(), pass: 100) == alone.reversed(), "\(pooling), some at once, in another order")
      #expect(Set(alone.joined().map { $0[0] }).count > texts.count / 2, "vectors that differ")
    }
  }

  /// Layers that differ in heads, queries with temperatures, experts, latents: the device gives what the reference does, for
  /// texts of several lengths at once.
  @Test(
    arguments: [("deci", .lists), ("llama4", .standard), ("qwen3moe", .standard), ("deepseek2", .standard)]
      as [(String, FamilyModel.Variant)])
  func decodersOfEveryKind(name: String, variant: FamilyModel.Variant) throws {
    var model = FamilyModel(try #require(Architecture.all.first { $0.name == name }), variant)
    let file = try GGUFFile(bytes: model.writer().bytes(), name: name)
    let texts: [[Int32]] = [[1, 2, 3], (0..<20).map { $0 * 7 % 48 }, [5]]
    let options = EmbeddingOptions(pooling: .last, longestText: 24)
    let found = try TestBackend.vulkan.embedder(file, options).vectors(of: texts)
    let wanted = try TestBackend.reference.embedder(file, options).vectors(of: texts)
    for (one, other) in zip(found, wanted) {
      #expect(normalizedError(one, other.map { $0.map(Double.init) }) <= 1e-9)
    }
  }

  @Test func recurrentModelsAreRefused() throws {
    var model = FamilyModel(try #require(Architecture.all.first { $0.name == "mamba" }))
    let file = try GGUFFile(bytes: model.writer().bytes(), name: "mamba")
    let error = #expect(throws: ModelError.self) {
      try TestBackend.vulkan.embedder(file, EmbeddingOptions(pooling: .mean, longestText: 8))
    }
    #expect("\(error, default: "none")".contains("recurrent layers"))
  }

  /// What a decoder gives for its last token is what its logits are made from.
  @Test func ofADecoderTheLastTokenHasSeenAllOthers() throws {
    let golden = try Fixture.f32.golden()
    let options = EmbeddingOptions(pooling: .none, normalizes: false, longestText: 64)
    let whole = try TestBackend.vulkan.embedder(Fixture.f32.open(), options).vectors(of: [golden.tokens])[0]
    let exact = try TestBackend.reference.embedder(Fixture.f32.open(), options).vectors(of: [golden.tokens])[0]
    #expect(normalizedError(whole, exact.map { $0.map(Double.init) }) <= 1e-9)
    let part = try TestBackend.vulkan.embedder(Fixture.f32.open(), options).vectors(of: [Array(golden.tokens.prefix(5))]
    )
    #expect(part[0] == Array(whole.prefix(5)))
    // The product with the output matrix gives the logits.
    let file = try Fixture.f32.open()
    let output = try #require(file.tensor(named: "output.weight"))
    let matrix = file.withBytes(of: output) { Array($0.bindMemory(to: Float.self)) }
    let width = output.shape[1], scale = try scale(of: "output", file), bias = try bias(of: "output", file)
    let logits = (0..<output.shape[0]).map { row in
      (0..<width).reduce(0.0) { $0 + Double(matrix[row * width + $1]) * Double(whole[11][$1]) } * scale + bias[row]
    }
    #expect(normalizedError([logits.map(Float.init)], [golden.logits[11]]) <= 1e-9)
  }

  private func scale(of name: String, _ file: GGUFFile) throws -> Double {
    guard let tensor = file.tensor(named: "\(name).scale") else { return 1 }
    return Double(file.withBytes(of: tensor) { $0.loadUnaligned(as: Float.self) })
  }

  private func bias(of name: String, _ file: GGUFFile) throws -> [Double] {
    let rows = try #require(file.tensor(named: "\(name).weight")).shape[0]
    guard let tensor = file.tensor(named: "\(name).bias") else { return Array(repeating: 0, count: rows) }
    return file.withBytes(of: tensor) { $0.bindMemory(to: Float.self).map(Double.init) }
  }

  @Test func aVectorOfZerosStaysZeros() throws {
    // Without gains and biases nothing is left of a token.
    let file = try TinyBERT.open()
    var writer = GGUFWriter(metadata: file.metadata)
    for tensor in file.tensors {
      let isLast = tensor.name.contains("layer_output_norm")
      writer.addTensor(
        tensor.name, shape: tensor.shape, type: tensor.type,
        bytes: isLast ? [UInt8](repeating: 0, count: tensor.byteCount) : file.withBytes(of: tensor, Array.init))
    }
    let options = EmbeddingOptions(pooling: .mean, longestText: 4)
    let found = try TestBackend.vulkan.embedder(GGUFFile(bytes: writer.bytes(), name: "zeros"), options)
      .vectors(of: [[2, 5, 3]])
    #expect(found == [[[Float](repeating: 0, count: 16)]])
  }

  @Test func whatCannotBeIsRefused() throws {
    let file = try TinyBERT.open()
    let embedder = try TestBackend.vulkan.embedder(file, EmbeddingOptions(pooling: .mean, longestText: 8))
    #expect(throws: ModelError.invalidOption("text 2 has no tokens")) { try embedder.vectors(of: [[2], []]) }
    #expect(throws: ModelError.textTooLong(text: 1, tokens: 9, room: 8)) {
      try embedder.vectors(of: [Array(repeating: 2, count: 9)])
    }
    #expect(throws: ModelError.unknownToken(27, vocabulary: 27)) { try embedder.vectors(of: [[27]]) }
    #expect(throws: ModelError.contextTooLong(asked: 25, model: 24)) {
      try TestBackend.vulkan.embedder(file, EmbeddingOptions(pooling: .mean, longestText: 25))
    }
    #expect(throws: ModelError.writesNoText(architecture: "bert")) {
      try TestBackend.vulkan.session(file, SessionOptions(context: 8))
    }
    let wrong = try GGUFFile(bytes: TinyBERT.writer(setting: ["bert.pooling_type": .uint32(5)]).bytes(), name: "wrong")
    #expect(throws: ModelFileError.self) { try ModelConfiguration(wrong) }
    let fewer = try GGUFFile(
      bytes: TinyBERT.writer(setting: ["tokenizer.ggml.token_type_count": .uint32(3)]).bytes(), name: "fewer")
    #expect(throws: ModelFileError.self) { try ModelTensors(fewer, ModelConfiguration(fewer)) }
  }

  /// More memory than there is, before anything is made.
  @Test func whatDoesNotFitIsRefused() throws {
    var model = FamilyModel(try #require(Architecture.all.first { $0.name == "neo-bert" }))
    var writer = model.writer()
    writer.metadata["neo-bert.context_length"] = .uint32(1 << 30)
    let file = try GGUFFile(bytes: writer.bytes(), name: "long")
    #expect {
      try TestBackend.vulkan.embedder(file, EmbeddingOptions(pooling: .mean, longestText: 1 << 30))
    } throws: {
      if case .outOfMemory? = $0 as? ModelError { true } else { false }
    }
  }
}
