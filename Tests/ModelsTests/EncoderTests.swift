import Foundation
import PumiceModelFiles
import PumiceModels
import PumiceOperators
import PumiceTensors
import Testing

extension TestBackend {
  func embedder(_ file: any GGUFSource, _ options: EmbeddingOptions) throws -> any TextEmbedder {
    let tensors = try ModelTensors(file, try ModelConfiguration(file))
    switch self {
    case .vulkan:
      return try Embedder(tensors, on: VulkanBackend(kernels.get()), options: options, modelName: file.path)
    case .reference: return try Embedder(tensors, on: ReferenceBackend(), options: options, modelName: file.path)
    }
  }
}

/// Every family of encoders, on both backends, against llama.cpp: see `Tests/Fixtures/Models/README.md`.
@Suite(.serialized) struct EncoderTests {
  private struct Golden: Decodable {
    var tokens: [Int32]
    /// Of each token.
    var vectors: [[Double]]
    /// Their mean, after further layers where there are such.
    var mean: [Double]
  }

  private static let goldens = Result {
    try JSONDecoder().decode(
      [String: Golden].self, from: Data(contentsOf: URL(fileURLWithPath: "\(Fixture.folder)/encoders.json")))
  }

  @Test(arguments: Architecture.all.filter { $0.encoder != nil }.map(\.name))
  func vectorsAreThoseOfLlamaCpp(name: String) throws {
    let architecture = try #require(Architecture.all.first { $0.name == name })
    var model = FamilyModel(architecture)
    let writer = model.writer()
    if let folder = ProcessInfo.processInfo.environment["PUMICE_WRITE_FAMILIES"] {
      try writer.write(to: "\(folder)/\(name).gguf")
    }
    let file = try GGUFFile(bytes: writer.bytes(), name: name)
    let golden = try #require(try Self.goldens.get()[name])
    func vectors(_ backend: TestBackend, _ pooling: TextPooling) throws -> [[Float]] {
      let options = EmbeddingOptions(pooling: pooling, normalizes: false, longestText: golden.tokens.count)
      return try backend.embedder(file, options).vectors(of: [golden.tokens])[0]
    }
    let found = try vectors(.vulkan, .none), exact = try vectors(.reference, .none)
    #expect(normalizedError(found, exact.map { $0.map(Double.init) }) <= 1e-9)
    // Without pooling llama.cpp puts the vectors of tokens through the further layers.
    let error = normalizedError(try found.map { try dense($0, file) }, golden.vectors)
    #expect(error <= bound(architecture), "normalized mean squared error \(error)")
    let mean = try vectors(.vulkan, .mean)
    let meanError = normalizedError(mean, [golden.mean])
    #expect(meanError <= bound(architecture), "normalized mean squared error \(meanError) of the mean")
    #expect(normalizedError(mean, try vectors(.reference, .mean).map { $0.map(Double.init) }) <= 1e-9)
  }

  /// What the layers after pooling make of a vector.
  private func dense(_ vector: [Float], _ file: GGUFFile) throws -> [Float] {
    var values = vector.map(Double.init)
    for name in ["dense_2.weight", "dense_3.weight"] {
      guard let tensor = file.tensor(named: name) else { continue }
      let weights = file.withBytes(of: tensor) { $0.bindMemory(to: Float.self).map(Double.init) }
      values = (0..<tensor.shape[0]).map { row in
        values.indices.reduce(0) { $0 + weights[row * tensor.shape[1] + $1] * values[$1] }
      }
    }
    return values.map(Float.init)
  }

  /// llama.cpp computes GELU by the approximation with tanh and looks it up in a table of half precision.
  private func bound(_ architecture: Architecture) -> Double {
    switch architecture.feedForward {
    case .gated(.silu): 1e-8
    default: 1e-6
    }
  }
}
