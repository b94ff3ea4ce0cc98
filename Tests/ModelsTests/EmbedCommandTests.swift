import Foundation
import PumiceModelFiles
import PumiceModels
import Testing

/// `pumice embed`, as users call it.
@Suite(.serialized) struct EmbedCommandTests {
  private let tool = CommandLineTests()
  private let goldens: [TinyBERT.Golden]

  init() throws { goldens = try TinyBERT.goldens().filter { $0.limit == TinyBERT.longest } }

  private func embeddings<T>(_ output: String, as type: T.Type) throws -> T {
    let object = try #require(try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any])
    #expect(Array(object.keys) == ["embeddings"])
    return try #require(object["embeddings"] as? T)
  }

  private func error(_ found: [[Double]], _ wanted: [[Double]]) -> Double {
    normalizedError(found.map { $0.map(Float.init) }, wanted)
  }

  @Test func printsVectorsAsJSON() throws {
    let outcome = try tool.run(["embed", TinyBERT.path] + goldens.map(\.text) + ["--json"])
    #expect(outcome.code == 0, "\(outcome.errors)")
    #expect(outcome.errors.contains("device: "))
    let found = try embeddings(outcome.output, as: [[Double]].self)
    #expect(error(found, goldens.map { unit($0.pooled(.mean)) }) <= 1e-11)
  }

  @Test func readsAFolderAndItsSettings() throws {
    let golden = try #require(try TinyBERT.goldens().first { $0.limit == 12 })
    let outcome = try tool.run(["embed", "\(TinyBERT.folder)/tiny-bert", golden.text, "a dog runs", "--json"])
    #expect(outcome.code == 0, "\(outcome.errors)")
    #expect(outcome.errors.contains("text 1 has 34 tokens, the model takes 12"), "\(outcome.errors)")
    let found = try embeddings(outcome.output, as: [[Double]].self)
    let second = try #require(goldens.first { $0.text == "a dog runs" })
    #expect(error(found, [unit(golden.pooled(.mean)), unit(second.pooled(.mean))]) <= 1e-11)
  }

  @Test func takesTextsFromStandardInputAndOptionsBeforeWhatTheModelSays() throws {
    let lines = goldens.map(\.text).filter { !$0.isEmpty }
    let input = try tool.run(
      ["embed", TinyBERT.path, "-f", "-", "--pooling", "cls", "--no-normalize", "--json"],
      input: lines.joined(separator: "\n") + "\n")
    #expect(input.code == 0, "\(input.errors)")
    let wanted = goldens.filter { !$0.text.isEmpty }.map { $0.pooled(.cls) }
    #expect(error(try embeddings(input.output, as: [[Double]].self), wanted) <= 1e-11)
  }

  @Test func withoutPoolingItPrintsAVectorForEachToken() throws {
    let outcome = try tool.run([
      "embed", TinyBERT.path, goldens[0].text, "a dog runs", "--pooling", "none", "--no-normalize", "--json",
    ])
    #expect(outcome.code == 0, "\(outcome.errors)")
    let found = try embeddings(outcome.output, as: [[[Double]]].self)
    #expect(found.map(\.count) == [7, 5])
    #expect(error(found[0], goldens[0].vectors) <= 1e-11)
  }

  @Test func saysWhatItCutsOff() throws {
    let golden = try #require(try TinyBERT.goldens().first { $0.limit == 12 })
    let outcome = try tool.run([
      "embed", TinyBERT.path, "a dog", golden.text, "-c", "12", "--pooling", "last", "--json",
    ])
    #expect(outcome.code == 0, "\(outcome.errors)")
    #expect(outcome.errors.contains("text 2 has 34 tokens, the model takes 12"), "\(outcome.errors)")
    let found = try embeddings(outcome.output, as: [[Double]].self)
    #expect(error([found[1]], [unit(golden.pooled(.last))]) <= 1e-11)
  }

  @Test func showsPeopleHowMuchTextsHaveInCommon() throws {
    let outcome = try tool.run(["embed", TinyBERT.path, "the cat sits", "the cat sits", "a dog runs out"])
    #expect(outcome.code == 0, "\(outcome.errors)")
    #expect(outcome.output.hasPrefix("16 dimensions, pooling: mean, normalized\n1: \"the cat sits\", 5 tokens\n"))
    let table = outcome.output.split(separator: "\n").suffix(3).map { $0.split(separator: " ").map(String.init) }
    #expect(table[0][0...2] == ["1", "1.0000", "1.0000"])
    #expect(table[2][3] == "1.0000" && table[0][3] == table[2][1] && table[0][3] != "1.0000")
  }

  @Test func readsADecoderToo() throws {
    let outcome = try tool.run(["embed", Fixture.f32.path, "he the", "--json"])
    #expect(outcome.code == 0, "\(outcome.errors)")
    let found = try embeddings(outcome.output, as: [[Double]].self)
    #expect(found.map(\.count) == [64])
    #expect(abs(found[0].reduce(0) { $0 + $1 * $1 } - 1) < 1e-6)
  }

  @Test func refusesWhatCannotBe() throws {
    try tool.expectFailure(64, ["embed", TinyBERT.path], contains: "Give a text")
    try tool.expectFailure(64, ["embed", TinyBERT.path, "a", "--pooling", "max"], contains: "pooling")
    try tool.expectFailure(64, ["embed", TinyBERT.path, "a", "-c", "0"], contains: "-c 0")
    try tool.expectFailure(1, ["embed", TinyBERT.path, "a", "-c", "25"], contains: "longer than the model's 24")
    try tool.expectFailure(1, ["embed", TinyBERT.path, "-f", "/nowhere"], contains: "/nowhere: cannot read")
    try tool.expectFailure(1, ["embed", "/nowhere.gguf", "a"], contains: "/nowhere.gguf")
    try tool.expectFailure(1, ["run", TinyBERT.path, "-p", "the cat"], contains: "pumice embed")
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("rank-\(UUID().uuidString).gguf").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try TinyBERT.writer(setting: ["bert.pooling_type": .uint32(4)]).write(to: path)
    try tool.expectFailure(1, ["embed", path, "a"], contains: "rank")
    #expect(try tool.run(["embed", path, "a", "--pooling", "cls"]).code == 0)
  }

  // MARK: Folders of sentence-transformers

  private func settings(_ files: KeyValuePairs<String, String>) throws -> EmbeddingSettings {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("pumice-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    for (name, text) in files {
      let url = folder.appendingPathComponent(name)
      try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: url)
    }
    return try EmbeddingSettings(ModelConfiguration(TinyBERT.open()), folder: folder.path)
  }

  @Test func settingsAreReadFromAFolder() throws {
    let configuration = try ModelConfiguration(TinyBERT.open())
    let read = try EmbeddingSettings(configuration, folder: "\(TinyBERT.folder)/tiny-bert")
    #expect(read.pooling == .method(.mean) && read.normalizes && read.longestText == 12)
    let transformer = #"{"type": "sentence_transformers.models.Transformer", "path": ""}"#
    let pooling = #"{"type": "a.Pooling", "path": "1_Pooling"}"#
    let plain = try settings([
      "modules.json": "[\(transformer), \(pooling)]",
      "1_Pooling/config.json": #"{"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false}"#,
      "sentence_bert_config.json": #"{"max_seq_length": 512}"#,
    ])
    #expect(plain.pooling == .method(.cls) && !plain.normalizes && plain.longestText == TinyBERT.longest)
    #expect(try settings([:]) == EmbeddingSettings(configuration))
    let last = try settings([
      "modules.json": "[\(transformer), \(pooling)]", "1_Pooling/config.json": #"{"pooling_mode": "lasttoken"}"#,
    ])
    #expect(last.pooling == .method(.last))
    func expectRefusal(_ part: String, _ files: KeyValuePairs<String, String>) {
      #expect {
        try settings(files)
      } throws: {
        "\($0)".contains(part)
      }
    }
    expectRefusal("Dense", ["modules.json": #"[{"type": "a.Dense", "path": "2_Dense"}]"#])
    expectRefusal("array", ["modules.json": "{}"])
    expectRefusal("type and path", ["modules.json": #"[{"type": "a.Pooling"}]"#])
    expectRefusal("no folder", ["modules.json": #"[{"type": "a.Pooling", "path": "../x"}]"#])
    expectRefusal("1_Pooling/config.json", ["modules.json": "[\(pooling)]"])
    expectRefusal(
      "pooling_mode_max_tokens",
      ["modules.json": "[\(pooling)]", "1_Pooling/config.json": #"{"pooling_mode_max_tokens": true}"#])
    expectRefusal(
      "one kind",
      [
        "modules.json": "[\(pooling)]",
        "1_Pooling/config.json": #"{"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": true}"#,
      ])
    expectRefusal("“max”", ["modules.json": "[\(pooling)]", "1_Pooling/config.json": #"{"pooling_mode": "max"}"#])
    expectRefusal("max_seq_length", ["sentence_bert_config.json": #"{"max_seq_length": 0}"#])
    expectRefusal("do_lower_case", ["sentence_bert_config.json": #"{"do_lower_case": true}"#])
  }
}
