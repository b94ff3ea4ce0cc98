import ArgumentParser
import Foundation
import PumiceModelFiles
import PumiceModels
import PumiceTensors

/// `pumice bench model`.
struct BenchModelCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "model",
    abstract: "Measures a model: tokens per second through a prompt, and one by one.",
    discussion: """
      Prints the table of llama.cpp's llama-bench: ppN is a prompt of N tokens at once, tgN are N tokens one after the
      other. Random tokens are used; tokenization and sampling are not measured. Every test runs once before it counts.

      Example: pumice bench model -m model.gguf -p 512 -n 128 -r 5
      """)

  @OptionGroup var model: ModelFileArguments
  @OptionGroup var device: DeviceArguments
  @OptionGroup(title: "Session") var session: SessionArguments

  @Option(
    name: [.customShort("p"), .customLong("n-prompt")],
    help: ArgumentHelp("Tokens of the prompt; 0: no such test.", valueName: "tokens"))
  var promptTokens = 512

  @Option(
    name: [.customShort("n"), .customLong("n-gen")],
    help: ArgumentHelp("Tokens made one by one; 0: no such test.", valueName: "tokens"))
  var generatedTokens = 128

  @Option(name: [.customShort("r"), .customLong("repetitions")], help: "How often each test is timed.")
  var repetitions = 5

  @Option(name: .shortAndLong, help: "How to print: md or json.")
  var output = TableFormat.md

  enum TableFormat: String, CaseIterable, ExpressibleByArgument { case md, json }

  func validate() throws {
    for (flag, value, least) in [("-p", promptTokens, 0), ("-n", generatedTokens, 0), ("-r", repetitions, 1)]
    where value < least {
      throw ValidationError("\(flag) \(value): it must be at least \(least).")
    }
    if promptTokens == 0, generatedTokens == 0 { throw ValidationError("-p 0 -n 0: there is nothing to measure.") }
  }

  func run() throws {
    let file = try model.open()
    let configuration = try ModelConfiguration(file)
    let tensors = try ModelTensors(file, configuration)
    var options = try session.options(for: configuration, of: file)
    let needed = max(promptTokens, generatedTokens)
    if session.context == nil { options.context = needed }
    let room = try options.longestText(for: configuration)
    guard needed <= room else { throw ModelError.promptTooLong(tokens: needed, room: room) }
    let loaded = try session.load(tensors, of: file, on: device, options)
    note("device: \(loaded.place)")
    var rows: [ModelBenchmarkRow] = []
    let description = ModelDescription(file, configuration)
    for (name, count, oneByOne) in [("pp", promptTokens, false), ("tg", generatedTokens, true)] where count > 0 {
      let samples = try measure(loaded.session, count, oneByOne: oneByOne)
      rows.append(
        ModelBenchmarkRow(description, loaded, isVulkan: session.backend == .vulkan, test: "\(name)\(count)", samples))
    }
    switch output {
    case .json: try printJSON(rows)
    case .md: ModelBenchmarkRow.printTable(rows)
    }
  }

  /// Tokens per second of every repetition.
  private func measure(_ session: any Session, _ count: Int, oneByOne: Bool) throws -> [Double] {
    var random = SeededGenerator(seed: 1)
    let vocabulary = Int32(session.configuration.vocabularySize)
    let tokens = (0..<count).map { _ in Int32.random(in: 0..<vocabulary, using: &random) }
    var line = ProgressLine()
    defer { line.clear() }
    return try (0...repetitions).compactMap { repetition in
      line.show("\(oneByOne ? "tg" : "pp")\(count): \(repetition) of \(repetitions) runs")
      session.reset()
      let start = ContinuousClock.now
      if oneByOne {
        for token in tokens { try session.append([token]) }
      } else {
        try session.append(tokens)
      }
      let seconds = (ContinuousClock.now - start) / .seconds(1)
      // The first run may still compile and record.
      return repetition == 0 ? nil : Double(count) / seconds
    }
  }
}

/// What a model is called in the table.
struct ModelDescription {
  var path: String
  var kind: String
  var bytes: Int
  var parameters: Int

  init(_ file: any GGUFSource, _ configuration: ModelConfiguration) {
    path = file.path
    let stored = file.tensors.map { file.stored($0) }
    bytes = stored.reduce(0) { $0 + $1.bytes }
    parameters = file.tensors.reduce(0) { $0 + $1.shape.count }
    // The format of most of the weights is what people call the model's.
    let formats = Dictionary(grouping: stored, by: \.format).mapValues { $0.reduce(0) { $0 + $1.bytes } }
    let format = formats.max { ($0.value, $0.key) < ($1.value, $1.key) }?.key ?? ""
    let size =
      parameters >= 1_000_000_000 ? "\(fixed(Double(parameters) / 1e9, 0))B" : "\(fixed(Double(parameters) / 1e6, 1))M"
    kind = "\(configuration.architecture.name) \(size) \(format.uppercased())"
  }
}

/// One line of the table.
struct ModelBenchmarkRow: Encodable {
  var file: String
  var kind: String
  var bytes: Int
  var parameters: Int
  var backend: String
  var device: String
  var driver: String?
  var layersOnDevice: Int
  var test: String
  var mean: Double
  var deviation: Double
  var samples: [Double]

  enum CodingKeys: String, CodingKey {
    case file = "model_filename"
    case kind = "model_type"
    case bytes = "model_size"
    case parameters = "model_n_params"
    case backend = "backends"
    case device, driver
    case layersOnDevice = "n_gpu_layers"
    case test
    case mean = "avg_ts"
    case deviation = "stddev_ts"
    case samples = "samples_ts"
  }

  init(_ model: ModelDescription, _ loaded: LoadedModel, isVulkan: Bool, test: String, _ samples: [Double]) {
    file = model.path
    kind = model.kind
    bytes = model.bytes
    parameters = model.parameters
    backend = isVulkan ? "Vulkan" : "Reference"
    device = loaded.device
    driver = loaded.driver
    // All layers and the embeddings are on the device, or none is.
    layersOnDevice = isVulkan ? 99 : 0
    self.test = test
    self.samples = samples
    let mean = samples.reduce(0, +) / Double(samples.count)
    self.mean = mean
    let squares = samples.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    deviation = samples.count > 1 ? (squares / Double(samples.count - 1)).squareRoot() : 0
  }

  /// The table of llama-bench, column by column.
  static func printTable(_ rows: [ModelBenchmarkRow]) {
    let columns = [
      ("model", -30), ("size", 10), ("params", 10), ("backend", -10), ("ngl", 3), ("test", 15), ("t/s", 20),
    ]
    func line(_ cells: [String]) {
      let texts = zip(cells, columns).map { padded($0, abs($1.1), right: $1.1 > 0) }
      print("| \(texts.joined(separator: " | ")) |")
    }
    line(columns.map(\.0))
    line(
      columns.map { $0.1 < 0 ? String(repeating: "-", count: -$0.1) : String(repeating: "-", count: $0.1 - 1) + ":" })
    for row in rows { line(row.cells) }
  }

  private var cells: [String] {
    let mebibytes = Double(bytes) / 1048576
    let size = mebibytes < 1024 ? "\(fixed(mebibytes, 2)) MiB" : "\(fixed(mebibytes / 1024, 2)) GiB"
    let millions = Double(parameters) / 1e6
    let count = millions < 1000 ? "\(fixed(millions, 2)) M" : "\(fixed(millions / 1000, 2)) B"
    return [
      kind, size, count, backend, String(layersOnDevice), test, "\(fixed(mean, 2)) ± \(fixed(deviation, 2))",
    ]
  }
}
