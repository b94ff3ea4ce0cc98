import Foundation
import PumiceModelFiles
import PumiceModels
import PumiceTensors
import Testing

/// Runs the built tool as a user does.
@Suite(.serialized) struct CommandLineTests {
  struct Outcome {
    var code: Int32
    var output: String
    var errors: String
  }

  /// The tool beside the test bundle.
  static let tool: String = {
    // On Linux the first argument is the test bundle's program, or that of the runner with the bundle as an argument.
    let candidates = CommandLine.arguments + ["/proc/self/exe"]
    for candidate in candidates {
      var folder = URL(fileURLWithPath: candidate).resolvingSymlinksInPath().deletingLastPathComponent()
      for _ in 0..<3 {
        let path = folder.appendingPathComponent("pumice").path
        if FileManager.default.isExecutableFile(atPath: path), folder.lastPathComponent != "Sources" { return path }
        folder = folder.deletingLastPathComponent()
      }
    }
    return "pumice is not beside \(CommandLine.arguments)"
  }()

  func run(
    _ arguments: [String], environment: [String: String] = [:], input: String = ""
  ) throws -> Outcome {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: Self.tool)
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("pumice-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    func file(_ name: String, _ text: String = "") throws -> FileHandle {
      let url = folder.appendingPathComponent(name)
      try Data(text.utf8).write(to: url)
      return try FileHandle(forUpdating: url)
    }
    let (output, errors) = (try file("out"), try file("err"))
    process.standardInput = try file("in", input)
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationReason == .exit, "\(arguments) crashed")
    func text(_ handle: FileHandle) throws -> String {
      try handle.seek(toOffset: 0)
      return String(decoding: try handle.readToEnd() ?? Data(), as: UTF8.self)
    }
    return Outcome(code: process.terminationStatus, output: try text(output), errors: try text(errors))
  }

  /// Expects one line on stderr, nothing on stdout, and the exit code.
  func expectFailure(
    _ code: Int32, _ arguments: [String], contains part: String, environment: [String: String] = [:]
  ) throws {
    let outcome = try run(arguments, environment: environment)
    #expect(outcome.code == code, "\(arguments): \(outcome.errors)")
    #expect(outcome.output.isEmpty, "\(arguments): \(outcome.output)")
    #expect(
      outcome.errors.hasSuffix("\n") && outcome.errors.count { $0 == "\n" } == 1, "\(arguments): \(outcome.errors)")
    #expect(outcome.errors.hasPrefix("pumice: ") && outcome.errors.contains(part), "\(arguments): \(outcome.errors)")
  }

  @Test func theGridOfABQIsVerifiedAndTimedByParts() throws {
    let outcome = try run([
      "bench", "abq", "--widths", "w2a8", "--widths", "w3a3", "--batch", "1", "--batch", "8", "--shape", "65x96",
      "--runs", "1", "--copies", "1", "--json",
    ])
    #expect(outcome.code == 0, "\(outcome.errors)")
    let rows = try #require(try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [[String: Any]])
    #expect(rows.compactMap { $0["widths"] as? String } == ["w2a8", "w2a8", "w3a3", "w3a3"])
    #expect(rows.compactMap { $0["batch"] as? Int } == [1, 8, 1, 8])
    for row in rows {
      #expect(row["n"] as? Int == 65 && row["k"] as? Int == 96)
      #expect(["variant", "device", "driver"].allSatisfy { (row[$0] as? String)?.isEmpty == false })
      for time in ["median_us", "ops_per_s", "pack_x_us", "pack_w_us", "verified_elements"] {
        #expect((row[time] as? Double ?? 0) > 0, "\(time)")
      }
    }
  }

  let model = Fixture.f32.path

  @Test(
    arguments: [
      (["bogus"], "bogus"), (["run", "--bogus"], "--bogus"), (["run", "a.gguf", "-m", "b.gguf"], "once"),
      (["run", "-p", "a", "-f", "b"], "once"), (["run", "-n", "many"], "many"), (["run", "-n", "-2"], "-2"),
      (["run", "-c", "0"], "-c 0"), (["run", "-ub", "0"], "-ub 0"), (["run", "--top-p", "2"], "top-p"),
      (["run", "-ctk", "q4_9"], "q4_9"), (["run", "-ctv", "g1"], "g1"),
      (["run", "--backend", "cuda"], "cuda"), (["logits", "m.gguf"], "--tokens"),
      (["logits", "m.gguf", "--tokens", "1,,2"], "1,,2"), (["bench", "abq", "--widths", "w9a1"], "w9a1"),
      (["bench", "abq", "--shape", "64"], "64"), (["bench", "abq", "--batch", "0"], "--batch 0"),
      (["logits", "m.gguf", "--tokens", "1", "--greedy", "-1"], "greedy"),
      (["tokenize"], "model"), (["tokenize", "m.gguf"], "--stdin"),
      (["tokenize", "m.gguf", "a", "--stdin"], "--stdin"),
      (["inspect", "-c", "x"], "x"),
    ] as [([String], String)])
  func wrongUsage(arguments: [String], part: String) throws {
    try expectFailure(64, arguments, contains: part)
  }

  @Test(arguments: [["run"], ["logits", "--tokens", "1"], ["inspect"], ["tokenize"]])
  func brokenFiles(command: [String]) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("pumice-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    func path(_ name: String, _ data: Data) throws -> String {
      let url = folder.appendingPathComponent(name)
      try data.write(to: url)
      return url.path
    }
    let whole = try Data(contentsOf: URL(fileURLWithPath: model))
    let cases = [
      ("/nonexistent/model.gguf", "No such file"), (folder.path, "is a directory"), ("/dev/null", "not a regular file"),
      (try path("text.txt", Data("Hello, this is text.\n".utf8)), "not a GGUF file"),
      (try path("empty", Data()), "empty"),
      (try path("cut.gguf", whole.prefix(whole.count - 40)), "tensor"),
      (try path("header.gguf", whole.prefix(100)), "header.gguf"),
    ]
    for (file, part) in cases {
      let text = command == ["tokenize"] ? ["text"] : []
      try expectFailure(1, [command[0], file] + command.dropFirst() + text, contains: part)
    }
  }

  @Test func inspectEstimatesTheSpeed() throws {
    struct Report: Decodable {
      struct Estimate: Decodable {
        var gb_per_s: Double
        var bytes_per_token: Double
        var tokens_per_s: Double
        var tokens_per_s_at_end: Double
      }
      var estimate: Estimate?
    }
    func report(_ arguments: [String]) throws -> Report {
      let outcome = try run(["inspect", "--json"] + arguments)
      #expect(outcome.code == 0, "\(outcome.errors)")
      return try JSONDecoder().decode(Report.self, from: Data(outcome.output.utf8))
    }
    let estimate = try #require(try report(["-c", "1024"]).estimate)
    #expect(estimate.tokens_per_s > estimate.tokens_per_s_at_end && estimate.tokens_per_s_at_end > 0)
    #expect(estimate.tokens_per_s * estimate.bytes_per_token <= estimate.gb_per_s * 1.001e9)
    #expect(try report(["--no-estimate"]).estimate == nil)
    try expectFailure(1, ["inspect", "--device", "no such device"], contains: "no such device")
  }

  @Test func modelsThatCannotBeRun() throws {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("pumice-\(UUID().uuidString).gguf").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Fixture.f32.writer(setting: ["general.architecture": .string("rwkv7")]).write(to: path)
    try expectFailure(1, ["run", path], contains: "“rwkv7” cannot be run, only: llama")
    let inspection = try run(["inspect", path])
    #expect(
      inspection.code == 0 && inspection.output.contains("cannot be run: ") && inspection.output.contains("rwkv7"))
    var writer = try Fixture.f32.writer(keeping: { $0.name != "output.weight" })
    writer.addTensor(
      "output.weight", shape: [288, 64], type: .q8_1,
      bytes: [UInt8](repeating: 0, count: 288 * 2 * GGMLType.q8_1.blockBytes))
    try writer.write(to: path)
    try expectFailure(1, ["run", path], contains: "tensor output.weight: its type q8_1 is not supported")
    try Fixture.f32.writer(setting: ["llama.context_length": .uint32(1 << 30)]).write(to: path)
    try expectFailure(1, ["run", path, "-c", "1000000000"], contains: "too little")
    try expectFailure(1, ["run", path, "-c", "1000000000", "--backend", "reference"], contains: "too little")
  }

  @Test func masksAndCachesThatDoNotFit() throws {
    let mistake = try run(["run", model, "--mask", "causal & windw(3)"])
    #expect(mistake.code == 64 && mistake.output.isEmpty)
    #expect(
      mistake.errors == "pumice: column 10: there is no mask windw\n  causal & windw(3)\n           ^\n",
      "\(mistake.errors)")
    for command in [
      ["run", model], ["logits", model, "--tokens", "1"], ["bench", "model", model, "-p", "8", "-n", "0"],
    ] {
      try expectFailure(1, command + ["--mask", "layers 2: causal"], contains: "there is no layer 2; the model has 2")
      try expectFailure(1, command + ["-ctv", "q8_0"], contains: "layer 0 cannot cache values in q8_0 (-ctv)")
      try expectFailure(1, command + ["--plan", "/nonexistent/plan"], contains: "/nonexistent/plan")
    }
  }

  @Test func aPlanDoesWhatFlagsDo() throws {
    let path = NSTemporaryDirectory() + "pumice-plan-\(UUID().uuidString).json"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let plan = AttentionPlan(
      model: ModelHash(try Fixture.f32.open()), masks: try MaskPlan(parsing: "causal & window(3)"),
      cache: [AttentionPlan.CacheRule(keys: .f16)])
    try plan.write(to: path)
    let tokens = ["--tokens", "1,20,3,40,5,60"]
    let planned = try run(["logits", model] + tokens + ["--plan", path])
    #expect(planned.code == 0, "\(planned.errors)")
    let flags = ["--mask", "causal & window(3)", "-ctk", "f16", "-ctv", "f32"]
    #expect(try run(["logits", model] + tokens + flags).output == planned.output)
    #expect(try run(["logits", model] + tokens).output != planned.output)
    // A rule on the command line comes after those of the plan.
    let dense = try run(["logits", model] + tokens + ["--plan", path, "--mask", "causal"])
    #expect(try run(["logits", model] + tokens + ["-ctk", "f16", "-ctv", "f32"]).output == dense.output)
    let other = try #require(Fixture.all.first { $0.name == "q4_0" }).path
    try expectFailure(1, ["logits", other] + tokens + ["--plan", path], contains: "made for another model")
  }

  @Test func textGoesOnPastTheContextUnderAWindow() throws {
    let arguments = ["run", model, "-p", "hello", "--temp", "0", "-n", "100", "--ignore-eos", "--json", "-c", "24"]
    struct Result: Decodable {
      var generated_tokens: Int
      var stop: String
    }
    func result(_ more: [String]) throws -> Result {
      try JSONDecoder().decode(Result.self, from: Data(run(arguments + more).output.utf8))
    }
    let stopped = try result([])
    #expect(stopped.stop == "context" && stopped.generated_tokens < 24)
    let endless = try result(["--mask", "causal & (sinks(2) | window(16))"])
    #expect(endless.stop == "limit" && endless.generated_tokens == 100)
  }

  @Test func inputsThatDoNotFit() throws {
    try expectFailure(1, ["run", model, "-c", "4", "-p", "a longer prompt"], contains: "the context has room for 3")
    try expectFailure(1, ["run", model, "-c", "4000"], contains: "longer than the model's 128")
    try expectFailure(1, ["run", model, "-f", "/nonexistent/prompt"], contains: "/nonexistent/prompt")
    try expectFailure(1, ["logits", model, "--tokens", "1,288"], contains: "token 288 is outside the vocabulary")
    try expectFailure(1, ["run", model, "--device", "99"], contains: "99")
    try expectFailure(1, ["run", model, "--device", "no such device"], contains: "no such device")
  }

  @Test func driversThatFail() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("pumice-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let none = folder.appendingPathComponent("none.json").path
    try expectFailure(
      1, ["run", model], contains: "Vulkan", environment: ["VK_ICD_FILENAMES": none, "VK_DRIVER_FILES": none])
    let broken = folder.appendingPathComponent("broken.json")
    try Data(
      #"{"file_format_version": "1.0.0", "ICD": {"library_path": "/nonexistent.so", "api_version": "1.3.0"}}"#.utf8
    )
    .write(to: broken)
    try expectFailure(
      1, ["run", model], contains: "Vulkan",
      environment: ["VK_ICD_FILENAMES": broken.path, "VK_DRIVER_FILES": broken.path])
    // Neither a file's contents nor its text need a device.
    let environment = ["VK_ICD_FILENAMES": none, "VK_DRIVER_FILES": none]
    #expect(try run(["inspect", model], environment: environment).code == 0)
    #expect(try run(["tokenize", model, "a"], environment: environment).code == 0)
    #expect(try run(["logits", model, "--tokens", "1", "--backend", "reference"], environment: environment).code == 0)
  }

  @Test func logitsAsJSON() throws {
    struct Result: Decodable {
      var tokens: [Int32]
      var logits: [[Double]]
      var greedy: [Int32]?
    }
    let golden = try Fixture.f32.golden()
    let tokens = golden.tokens.map(String.init).joined(separator: ",")
    for backend in TestBackend.allCases {
      let outcome = try run(
        ["logits", model, "--tokens", tokens, "--greedy", "8", "--json", "--backend", backend.rawValue])
      #expect(outcome.code == 0, "\(outcome.errors)")
      let result = try JSONDecoder().decode(Result.self, from: Data(outcome.output.utf8))
      #expect(result.tokens == golden.tokens && result.greedy == golden.greedy)
      #expect(normalizedError(result.logits.map { $0.map(Float.init) }, golden.logits) <= 1e-9)
    }
  }

  @Test func tokenizeAsJSON() throws {
    struct Result: Decodable, Equatable {
      var tokens: [Int32]
      var pieces: [String]
    }
    func result(_ outcome: Outcome) throws -> Result {
      #expect(outcome.code == 0, "\(outcome.errors)")
      return try JSONDecoder().decode(Result.self, from: Data(outcome.output.utf8))
    }
    let argument = try result(run(["tokenize", model, "the", "--json"]))
    #expect(
      argument.tokens.first == 1 && argument.pieces.first == "<s>" && argument.tokens.count == argument.pieces.count)
    #expect(try result(run(["tokenize", model, "--stdin", "--json"], input: "the")) == argument)
    let plain = try result(run(["tokenize", model, "the", "--no-special", "--json"]))
    #expect(plain.tokens == Array(argument.tokens.dropFirst()))
  }

  @Test func runShowsTheTextAndTheSpeed() throws {
    let arguments = ["run", model, "-p", "hello", "-n", "12", "--temp", "0"]
    let outcome = try run(arguments)
    #expect(outcome.code == 0 && outcome.output.hasPrefix("hello") && outcome.output.hasSuffix("\n"))
    #expect(outcome.errors.contains("device: ") && outcome.errors.contains("loaded "))
    #expect(outcome.errors.contains(/\[ Prompt: [0-9.]+ t\/s \| Generation: [0-9.]+ t\/s \]/))
    #expect(try run(arguments).output == outcome.output)
    #expect(try run(arguments + ["--backend", "reference", "-ctk", "f16"]).output == outcome.output)
    let seeded = ["run", model, "-p", "hello", "-n", "12", "--temp", "2", "--top-k", "0", "--seed", "5"]
    #expect(try run(seeded).output == run(seeded).output)
    let json = try run(arguments + ["--json"])
    let object = try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any]
    #expect(object?["generated_tokens"] as? Int == 12)
    #expect("hello" + (object?["text"] as? String ?? "") + "\n" == outcome.output)
  }

  @Test(arguments: [
    ["--help"], ["run", "--help"], ["logits", "--help"], ["tokenize", "--help"], ["inspect", "--help"],
  ])
  func helpIsNoFailure(arguments: [String]) throws {
    let outcome = try run(arguments)
    #expect(outcome.code == 0 && outcome.output.contains("USAGE: pumice") && outcome.errors.isEmpty)
  }
}
