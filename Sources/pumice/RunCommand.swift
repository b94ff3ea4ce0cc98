import ArgumentParser
import Foundation
import PumiceModelFiles
import PumiceModels
import PumiceTokenizers

/// `pumice run`.
struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Continues a text with a model.",
    discussion: """
      The text goes to stdout as it is made; the device and the speed go to stderr. Without a model the
      built-in demo model tells a story. Ctrl-C ends the text; a second one ends the program.

      Examples:
        pumice run
        pumice run -p "Once upon a time, a fox" -n 200 --temp 0
        pumice run model.gguf -f prompt.txt -c 2048 --seed 1
      """)

  @OptionGroup var model: ModelFileArguments
  @OptionGroup var device: DeviceArguments
  @OptionGroup(title: "Session") var session: SessionArguments
  @OptionGroup(title: "Sampling") var sampling: SamplingArguments

  @Option(name: .shortAndLong, help: "The text to continue.")
  var prompt: String?

  @Option(name: .shortAndLong, help: ArgumentHelp("Read the text to continue from a file.", valueName: "file"))
  var file: String?

  @Option(
    name: [.customShort("n"), .customLong("n-predict")], parsing: .unconditional,
    help: ArgumentHelp("Make at most so many tokens; −1: until the text or the context ends.", valueName: "tokens"))
  var count = -1

  @Flag(help: "Go on after a token that ends the text.")
  var ignoreEOS = false

  @Flag(help: "Do not repeat the prompt before its continuation.")
  var noDisplayPrompt = false

  @Flag(help: "Print one JSON object at the end, and no text before.")
  var json = false

  func validate() throws {
    if prompt != nil, file != nil { throw ValidationError("Give the prompt once: with -p or with -f.") }
    if count < -1 { throw ValidationError("-n \(count): the number of tokens must be −1 or more.") }
  }

  private struct Result: Encodable {
    var prompt: String
    var text: String
    var tokens: [Int32]
    var stop: GenerationReport.Stop
    var promptTokens: Int
    var promptTokensPerSecond: Double
    var generatedTokens: Int
    var generationTokensPerSecond: Double
    var loadSeconds: Double
    var device: String
    var driver: String?
    var seed: UInt64
  }

  func run() throws {
    let seed = sampling.seed ?? UInt64.random(in: 0...UInt64(UInt32.max))
    let text = try promptText()
    let file = try model.open()
    let options = try sampling.options(for: file)
    let tokenizer = try Tokenizers.load(from: file)
    let configuration = try ModelConfiguration(file)
    let tensors = try ModelTensors(file, configuration)
    let sessionOptions = try session.options(for: configuration, of: file)
    let tokens = try TextGenerator.encode(
      prompt: text, with: tokenizer, context: sessionOptions.longestText(for: configuration))
    let loaded = try session.load(tensors, of: file, on: device, sessionOptions, promptTokens: tokens.count)
    note("device: \(loaded.place)")
    note("loaded \(file.path) in \(fixed(loaded.loadSeconds, 2)) s")

    var generator = TextGenerator(loaded.session, tokenizer, Sampler(options, seed: seed))
    Interruption.watch()
    var generated = ""
    if !json, !noDisplayPrompt { write(text) }
    let report = try generator.generate(
      tokens, limit: count < 0 ? nil : count, goesOn: ignoreEOS, isCancelled: { Interruption.wasRequested }
    ) { piece in
      if json { generated += piece } else { write(piece) }
    }
    if json {
      try printCompactJSON(
        Result(
          prompt: text, text: generated, tokens: report.tokens, stop: report.stop, promptTokens: report.promptTokens,
          promptTokensPerSecond: report.promptRate, generatedTokens: report.tokens.count,
          generationTokensPerSecond: report.generationRate, loadSeconds: loaded.loadSeconds, device: loaded.device,
          driver: loaded.driver, seed: seed))
    } else {
      write("\n")
    }
    note("[ Prompt: \(fixed(report.promptRate, 1)) t/s | Generation: \(fixed(report.generationRate, 1)) t/s ]")
    try loaded.checkValidation()
  }

  private func promptText() throws -> String {
    guard let file else { return prompt ?? (model.path == nil ? DemoModel.prompt : "") }
    let data: Data
    do { data = try Data(contentsOf: URL(fileURLWithPath: file)) } catch {
      throw InputError("\(file): cannot read the prompt: \((error as NSError).localizedDescription)")
    }
    return try decodeText(data, from: file)
  }

  /// Text as it is, at once: a reader watches it come.
  private func write(_ text: String) { FileHandle.standardOutput.write(Data(text.utf8)) }
}

/// How the next token is chosen.
struct SamplingArguments: ParsableArguments {
  @Option(
    name: [.customLong("temp"), .customLong("temperature")], parsing: .unconditional,
    help: "Temperature; 0 takes the likeliest token. \(Self.standard(\.temperature))")
  var temperature: Double?

  @Option(help: "Choose among the k likeliest tokens; 0: all. \(Self.standard(\.topK))")
  var topK: Int?

  @Option(
    help: "Choose among the likeliest tokens that reach this probability together; 1: all. \(Self.standard(\.topP))")
  var topP: Double?

  @Option(
    help: "Leave out tokens below this share of the likeliest one's probability; 0: none. \(Self.standard(\.minP))")
  var minP: Double?

  @Option(help: "Make recent tokens less likely; 1: not. \(Self.standard(\.repeatPenalty))")
  var repeatPenalty: Double?

  @Option(parsing: .unconditional, help: ArgumentHelp("How many tokens are recent; −1: all.", valueName: "tokens"))
  var repeatLastN = SamplingOptions().repeatLast

  @Option(name: .shortAndLong, help: "Start of the random numbers: the same seed gives the same text. Default: random.")
  var seed: UInt64?

  private static func standard<Value>(_ option: KeyPath<SamplingOptions, Value>) -> String {
    "Default: the model's own, or \(SamplingOptions()[keyPath: option])."
  }

  func validate() throws {
    do { try options(SamplingOptions()).validate() } catch {
      throw ValidationError(error.description)
    }
  }

  /// What users say, else what the model's file or folder says (`general.sampling.…`, `generation_config.json`).
  func options(for file: any GGUFSource) throws -> SamplingOptions {
    let options = options(try SamplingOptions(file))
    try options.validate()
    return options
  }

  private func options(_ standard: SamplingOptions) -> SamplingOptions {
    SamplingOptions(
      temperature: temperature ?? standard.temperature, topK: topK ?? standard.topK, topP: topP ?? standard.topP,
      minP: minP ?? standard.minP, repeatPenalty: repeatPenalty ?? standard.repeatPenalty, repeatLast: repeatLastN)
  }
}
