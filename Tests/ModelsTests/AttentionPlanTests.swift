import Foundation
import PumiceModelFiles
import PumiceModels
import PumiceTensors
import Testing

/// Plans of masks and cache formats, and their files.
@Suite struct AttentionPlanTests {
  private func withFolder<T>(_ body: (String) throws -> T) throws -> T {
    let folder = NSTemporaryDirectory() + "pumice-plans-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    return try body(folder)
  }

  @Test func whatIsWrittenIsReadAgain() throws {
    let hash = ModelHash(try Fixture.f32.open())
    try withFolder { folder in
      let path = "\(folder)/plan.json"
      for plan in [
        AttentionPlan(model: hash),
        AttentionPlan(model: hash, masks: MaskPlan(.causal & .window(4))),
        AttentionPlan(
          model: hash, masks: try MaskPlan(parsing: "causal; layers 0 heads 1-2: causal & sinks(3)"),
          cache: [
            AttentionPlan.CacheRule(keys: .q8_0, values: .q4_0),
            AttentionPlan.CacheRule(layers: [0, 1], heads: [1], keys: .f16),
          ]),
      ] {
        try plan.write(to: path)
        #expect(try AttentionPlan(path: path) == plan)
      }
    }
  }

  @Test func theLastRuleThatAppliesHolds() throws {
    let plan = AttentionPlan(
      model: ModelHash(try Fixture.f32.open()),
      cache: [
        AttentionPlan.CacheRule(keys: .q8_0), AttentionPlan.CacheRule(layers: [1], keys: .f16, values: .q4_0),
        AttentionPlan.CacheRule(layers: [1, 2], heads: [0], values: .f32),
      ])
    #expect(plan.keyFormat(layer: 0, head: 0) == .q8_0)
    #expect(plan.valueFormat(layer: 0, head: 0) == nil)
    #expect(plan.keyFormat(layer: 1, head: 0) == .f16)
    #expect(plan.valueFormat(layer: 1, head: 0) == .f32)
    #expect(plan.valueFormat(layer: 1, head: 1) == .q4_0)
    #expect(plan.keyFormat(layer: 2, head: 0) == .q8_0)
  }

  @Test func aPlanSuitsOneModel() throws {
    let file = try Fixture.f32.open()
    let configuration = try ModelConfiguration(file)
    let hash = ModelHash(file)
    #expect(hash == ModelHash(try Fixture.f32.open()))
    #expect(hash.description.count == 32)
    try AttentionPlan(model: hash, masks: MaskPlan(.causal)).validate(for: hash, configuration)

    // The same model by another name is the same; with another head count or weight it is not.
    let renamed = try GGUFFile(bytes: Fixture.f32.writer(setting: ["general.name": .string("x")]).bytes())
    #expect(ModelHash(renamed) == hash)
    let others = [
      ModelHash(try Fixture(name: "f16").open()),
      ModelHash(try GGUFFile(bytes: Fixture.f32.writer(setting: ["llama.rope.freq_base": .float32(3)]).bytes())),
    ]
    for other in others {
      #expect(other != hash)
      let error = #expect(throws: AttentionPlanError.self) {
        try AttentionPlan(model: hash).validate(for: other, configuration)
      }
      #expect(error == .otherModel(plan: hash.description, model: other.description))
    }

    func error(_ plan: AttentionPlan) -> String? {
      #expect(throws: AttentionPlanError.self) { try plan.validate(for: hash, configuration) }?.description
    }
    let (layers, heads, kvHeads) = (configuration.layerCount, configuration.headCount, configuration.kvHeadCount)
    #expect(
      error(AttentionPlan(model: hash, cache: [AttentionPlan.CacheRule(layers: [layers])]))
        == "the plan's cache: there is no layer \(layers); the model has \(layers)")
    #expect(
      error(AttentionPlan(model: hash, cache: [AttentionPlan.CacheRule(heads: [kvHeads])]))
        == "the plan's cache: there is no key-value head \(kvHeads); the model has \(kvHeads)")
    #expect(
      error(AttentionPlan(model: hash, masks: try MaskPlan(parsing: "layers 0-\(layers): full")))
        == "the plan's masks: there is no layer \(layers); the model has \(layers)")
    #expect(
      error(AttentionPlan(model: hash, masks: try MaskPlan(parsing: "heads \(heads): full")))
        == "the plan's masks: there is no head \(heads); the model has \(heads)")
  }

  /// What a plan must carry can be read off the tool.
  @Test func inspectShowsTheHash() throws {
    try withFolder { folder in
      let path = "\(folder)/model.gguf"
      try Fixture.f32.writer().write(to: path)
      let hash = ModelHash(try GGUFFile(path: path)).description
      let tool = CommandLineTests()
      #expect(try tool.run(["inspect", path]).output.contains("model hash \(hash)\n"))
      #expect(try tool.run(["inspect", path, "--json"]).output.contains("\"model_hash\":\"\(hash)\""))
    }
  }

  /// A plan with formats of single heads, in every command that takes one.
  @Test func headsHaveFormatsOfTheirOwn() throws {
    func format(_ name: String) -> TensorFormat { TensorFormat(name: name)! }
    let tool = CommandLineTests(), hash = ModelHash(try DemoModel.open())
    try withFolder { folder in
      let path = "\(folder)/plan.json", text = "\(folder)/text.txt"
      try AttentionPlan(
        model: hash, masks: try MaskPlan(parsing: "causal; layers 1 heads 2-3: causal & (sinks(2) | window(4))"),
        cache: [
          AttentionPlan.CacheRule(keys: .q8_0, values: .q8_0),
          AttentionPlan.CacheRule(heads: [1], keys: format("g6:32"), values: format("nf4:64")),
          AttentionPlan.CacheRule(layers: [2], heads: [0], values: .f16),
        ]
      ).write(to: path)
      try Data("Once upon a time, there was a curious boy named Oliver. Oliver loved to draw.".utf8).write(
        to: URL(fileURLWithPath: text))
      func output(_ arguments: [String]) throws -> String {
        let outcome = try tool.run(arguments)
        #expect(outcome.code == 0, "\(arguments): \(outcome.errors)")
        return outcome.output
      }
      struct Logits: Decodable { var logits: [[Float]] }
      func logits(_ arguments: [String]) throws -> [[Float]] {
        let tokens = ["logits", "--json", "--tokens", "0,17,300,5,77,900,12,8"]
        return try JSONDecoder().decode(Logits.self, from: Data(output(tokens + arguments).utf8)).logits
      }
      func doubles(_ logits: [[Float]]) -> [[Double]] { logits.map { $0.map(Double.init) } }
      let planned = try logits(["--plan", path])
      let cost = normalizedError(planned, doubles(try logits([])))
      #expect(cost > 1e-7 && cost < 3e-2, "\(cost)")
      let reference = doubles(try logits(["--plan", path, "--backend", "reference"]))
      #expect(normalizedError(planned, reference) < cost / 100)
      #expect(try output(["run", "--plan", path, "--temp", "0", "-n", "8", "-p", "Once upon"]).contains("Once upon"))
      let perplexity = ["perplexity", "-f", text, "-c", "8"]
      #expect(try output(perplexity + ["--plan", path]) != output(perplexity + ["-ctk", "f32"]))
      let bench = ["bench", "model", "-p", "16", "-n", "2", "-r", "1", "--plan", path]
      #expect(try output(bench).contains("pp16"))
      struct Report: Decodable {
        struct Memory: Decodable { var cache: Int }
        var memory: Memory
      }
      func cache(_ arguments: [String]) throws -> Int {
        let report = try output(["inspect", "--json"] + arguments)
        return try JSONDecoder().decode(Report.self, from: Data(report.utf8)).memory.cache
      }
      let bytes = try [["--plan", path], ["-ctk", "q8_0"], ["-ctk", "g6:32", "-ctv", "nf4:64"], []].map(cache)
      #expect(bytes[2] < bytes[0] && bytes[0] < bytes[1] && bytes[1] < bytes[3], "\(bytes)")
    }
  }

  @Test(arguments: [
    ("", "is no attention plan"), ("[]", "is no attention plan"), ("{}", "“version” is missing"),
    (#"{"version": 2}"#, "version 2; this program reads version 1"), (#"{"version": 1}"#, "“model” is missing"),
    (#"{"version": "1", "model": ""}"#, "version: "),
    (#"{"version": 1, "model": "", "masks": "causal & windo(3)"}"#, "column 10: there is no mask windo"),
    (#"{"version": 1, "model": "", "cache": [{}, {"keys": "q9_9"}]}"#, "cache.[1].keys: q9_9 is no format of tensors"),
    (#"{"version": 1, "model": "", "cache": [{"layers": ["a"]}]}"#, "cache.[0].layers.[0]: "),
  ])
  func brokenFilesAreNamedWithWhatIsWrong(_ text: String, _ message: String) throws {
    try withFolder { folder in
      let path = "\(folder)/broken.json"
      try Data(text.utf8).write(to: URL(fileURLWithPath: path))
      let error = #expect(throws: AttentionPlanError.self) { _ = try AttentionPlan(path: path) }
      #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
      #expect(error?.description.hasPrefix(path) == true)
    }
  }

  @Test func filesThatCannotBeOpenedAreErrors() throws {
    try withFolder { folder in
      #expect(throws: AttentionPlanError.self) { _ = try AttentionPlan(path: "\(folder)/none.json") }
      let plan = AttentionPlan(model: ModelHash(try Fixture.f32.open()))
      #expect(throws: AttentionPlanError.self) { try plan.write(to: "\(folder)/none/plan.json") }
    }
  }
}
