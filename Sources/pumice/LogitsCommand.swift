import ArgumentParser
import Foundation
import PumiceModels
import PumiceTensors

/// `pumice logits`.
struct LogitsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "logits",
    abstract: "Prints a model's logits after every token of a sequence.",
    discussion: """
      The measure of correctness: the same tokens give the same logits on every backend, up to rounding.

      Example: pumice logits tiny.gguf --tokens 1,2,3 --greedy 8 --json
      """)

  @OptionGroup var model: ModelFileArguments
  @OptionGroup var device: DeviceArguments
  @OptionGroup var session: SessionArguments

  @Option(help: ArgumentHelp("The token ids, with commas between them.", valueName: "ids"))
  var tokens: TokenList

  @Option(help: ArgumentHelp("Continue with so many tokens, always the likeliest.", valueName: "count"))
  var greedy = 0

  @Flag(help: "Print JSON: {\"tokens\": […], \"logits\": [[…]], \"greedy\": […]}.")
  var json = false

  func validate() throws {
    if greedy < 0 { throw ValidationError("--greedy \(greedy): the number of tokens cannot be negative.") }
  }

  private struct Result: Encodable {
    var tokens: [Int32]
    var logits: [[Float]]
    var greedy: [Int32]?
  }

  func run() throws {
    let file = try model.open()
    let needed = tokens.ids.count + max(0, greedy - 1)
    let configuration = try ModelConfiguration(file)
    let tensors = try ModelTensors(file, configuration)
    // By default as exact as it can be, and no longer than what is asked for.
    var options = try session.options(for: configuration, of: file, defaultFormat: .f32, keepsAllLogits: true)
    if session.context == nil { options.context = min(needed, configuration.contextLength) }
    let room = try options.longestText(for: configuration)
    guard needed <= room else { throw ModelError.promptTooLong(tokens: needed, room: room) }
    let loaded = try session.load(tensors, of: file, on: device, options)
    let logits = try loaded.session.logits(appending: tokens.ids)
    var continuation: [Int32] = []
    for index in 0..<greedy {
      continuation.append(
        try index == 0 ? loaded.session.likeliestToken() : loaded.session.appendLikeliestToken())
    }
    if json {
      try printCompactJSON(Result(tokens: tokens.ids, logits: logits, greedy: greedy > 0 ? continuation : nil))
    } else {
      for (token, row) in zip(tokens.ids, logits) {
        print("\(token): \(row.map(\.description).joined(separator: " "))")
      }
      if greedy > 0 { print("greedy: \(continuation.map(\.description).joined(separator: " "))") }
    }
    try loaded.checkValidation()
  }
}

/// Token ids with commas between them.
struct TokenList: ExpressibleByArgument {
  var ids: [Int32]

  init?(argument: String) {
    let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
    let ids = parts.compactMap { Int32($0) }
    guard !ids.isEmpty, ids.count == parts.count else { return nil }
    self.ids = ids
  }
}

/// Prints a value as JSON on one line, keys sorted: for results that are long arrays. Numbers that JSON does not have
/// are strings.
func printCompactJSON(_ value: some Encodable) throws {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
  encoder.keyEncodingStrategy = .convertToSnakeCase
  encoder.nonConformingFloatEncodingStrategy = .convertToString(
    positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
  print(String(decoding: try encoder.encode(value), as: UTF8.self))
}
