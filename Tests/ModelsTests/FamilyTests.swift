import Foundation
import PumiceModelFiles
import PumiceModels
import PumiceOperators
import PumiceTensors
import Testing

/// Every family, on both backends, against llama.cpp: see `Tests/Fixtures/Models/README.md`.
@Suite(.serialized) struct FamilyTests {
  private struct Golden: Decodable {
    var tokens: [Int32]
    /// After the last of the tokens.
    var logits: [[Double]]
    var greedy: [Int32]
  }

  private static let goldens = Result {
    try JSONDecoder().decode(
      [String: Golden].self, from: Data(contentsOf: URL(fileURLWithPath: "\(Fixture.folder)/families.json")))
  }

  @Test(arguments: Architecture.all.map(\.name))
  func logitsAreThoseOfLlamaCpp(name: String) throws {
    let architecture = try #require(Architecture.all.first { $0.name == name })
    var model = FamilyModel(architecture)
    let writer = model.writer()
    if let folder = ProcessInfo.processInfo.environment["PUMICE_WRITE_FAMILIES"] {
      try writer.write(to: "\(folder)/\(architecture.name).gguf")
    }
    let golden = try #require(try Self.goldens.get()[architecture.name], "families.json has no \(architecture.name)")
    let file = try GGUFFile(bytes: writer.bytes(), name: architecture.name)
    let options = exactOptions(context: FamilyModel.context)
    let results = try TestBackend.allCases.map { backend in
      let session = try backend.session(file, options)
      let logits = try session.logits(appending: golden.tokens)
      let greedy = try golden.greedy.indices.map { index in
        try index == 0 ? session.likeliestToken() : session.appendLikeliestToken()
      }
      return (logits: logits, greedy: greedy)
    }
    #expect(normalizedError(results[0].logits, results[1].logits.map { $0.map(Double.init) }) <= 1e-9)
    for result in results {
      let error = normalizedError(Array(result.logits.suffix(golden.logits.count)), golden.logits)
      // llama.cpp looks GELU up in a table of half precision.
      let bound =
        architecture.feedForward == .plain(.geluTanh) || architecture.feedForward == .gated(.geluTanh) ? 1e-5 : 1e-8
      #expect(error <= bound, "normalized mean squared error \(error)")
      // Without causal attention llama.cpp keeps no cache, so that nothing comes after a prompt.
      if !["dream", "llada"].contains(architecture.name) { #expect(result.greedy == golden.greedy) }
    }
  }
}
