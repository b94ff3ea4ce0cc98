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

  /// Families of which llama.cpp reads no files as small as these; of SmallThinker's with four layers it turns all.
  private static let withoutGoldens: Set = [
    "cogvlm", "deepseek32", "glm-dsa", "plm", "qwen", "qwen3tts", "smallthinker",
  ]

  private static let goldens = Result {
    try JSONDecoder().decode(
      [String: Golden].self, from: Data(contentsOf: URL(fileURLWithPath: "\(Fixture.folder)/families.json")))
  }

  @Test(arguments: Architecture.all.filter { $0.encoder == nil }.map(\.name))
  func logitsAreThoseOfLlamaCpp(family: String) throws { try compare(family, .standard) }

  /// What models of a family may have that others do not.
  @Test(
    arguments: [
      ("llama", .experts), ("granite", .experts), ("minicpm", .experts), ("mistral3", .experts), ("jamba", .experts),
      ("granitehybrid", .experts), ("nemotron_h_moe", .experts), ("llama", .yarn), ("mistral3", .yarn),
      ("qwen3moe", .yarn), ("deci", .lists),
    ] as [(String, FamilyModel.Variant)])
  func variantsToo(family: String, variant: FamilyModel.Variant) throws { try compare(family, variant) }

  private func compare(_ family: String, _ variant: FamilyModel.Variant) throws {
    let architecture = try #require(Architecture.all.first { $0.name == family })
    var model = FamilyModel(architecture, variant)
    let name = model.name
    let writer = model.writer()
    if let folder = ProcessInfo.processInfo.environment["PUMICE_WRITE_FAMILIES"] {
      try writer.write(to: "\(folder)/\(name).gguf")
    }
    let file = try GGUFFile(bytes: writer.bytes(), name: name)
    let golden = try Self.goldens.get()[name]
    #expect((golden == nil) == Self.withoutGoldens.contains(name), "families.json and the list of what it lacks")
    let tokens = golden?.tokens ?? (0..<16).map { $0 * 7 % 48 }
    let sessions = try TestBackend.allCases.map {
      try $0.session(file, exactOptions(context: FamilyModel.context))
    }
    let logits = try sessions.map { try $0.logits(appending: tokens) }
    let greedy = try sessions.map { session in
      try (0..<8).map { try $0 == 0 ? session.likeliestToken() : session.appendLikeliestToken() }
    }
    #expect(normalizedError(logits[0], logits[1].map { $0.map(Double.init) }) <= 1e-9)
    #expect(greedy[0] == greedy[1])
    guard let golden else { return }
    let error = normalizedError(Array(logits[0].suffix(golden.logits.count)), golden.logits)
    // llama.cpp looks GELU up in a table of half precision.
    let gelu: [Architecture.FeedForward] = [.plain(.geluTanh), .gated(.geluTanh)]
    let bound = gelu.contains(architecture.feedForward) ? 1e-6 : 1e-8
    #expect(error <= bound, "normalized mean squared error \(error)")
    // Without causal attention llama.cpp keeps no cache, so that nothing comes after a prompt.
    if !["dream", "llada", "llada-moe", "rnd1"].contains(name) { #expect(greedy[0] == golden.greedy) }
  }

  /// Layers with windows keep these and a pass, while the others keep everything: the same logits in less memory.
  @Test(
    arguments: Architecture.all.filter {
      $0.encoder == nil && $0.windows?.isChunked == false && $0.windows?.layers == nil
    }
    .map(\.name))
  func layersWithWindowsKeepNoMore(name: String) throws {
    var model = FamilyModel(try #require(Architecture.all.first { $0.name == name }))
    let file = try GGUFFile(bytes: model.writer().bytes(), name: name)
    let tokens = (0..<56).map { Int32($0 * 7 % 48) }
    let sessions = try [4, 64].map { chunk in
      try TestBackend.reference.session(file, exactOptions(context: FamilyModel.context, chunk: chunk))
    }
    // A window of 5 and passes of 4 tokens, or the whole context.
    let windowed = try ModelConfiguration(file).layers.count { $0.window != nil }
    #expect(windowed > 0)
    #expect(sessions[0].memory.cache < sessions[1].memory.cache)
    let logits = try sessions.map { try $0.logits(appending: tokens) }
    #expect(normalizedError(logits[0], logits[1].map { $0.map(Double.init) }) <= 1e-9)
    for _ in 0..<5 {
      let chosen = try sessions.map { try $0.appendLikeliestToken() }
      #expect(chosen[0] == chosen[1])
    }
  }
}
