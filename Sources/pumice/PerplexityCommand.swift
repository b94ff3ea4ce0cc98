import ArgumentParser
import Foundation
import PumiceModelFiles
import PumiceModels
import PumiceTokenizers

/// `pumice perplexity`.
struct PerplexityCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "perplexity",
    abstract: "Measures how well a model predicts a text, and how far it is from a base model.",
    discussion: """
      The text is cut into chunks of -c tokens (512 by default); in each the second half is predicted. These are the chunks, the rules for
      the token that begins a sequence, and the formulas of llama.cpp's llama-perplexity; so are the figures. With --mask
      the figures are those of a session that sees no more: compare them with those without.

      With --kl-divergence-base the predictions are saved in llama.cpp's format. With --kl-divergence as well they are
      read instead, and compared with this model's; the text and its chunks are then those of the base.

      Examples:
        pumice perplexity -m model.gguf -f text.txt
        pumice perplexity -m model-f16.gguf -f text.txt --kl-divergence-base base.logits
        pumice perplexity -m model-q4_0.gguf --kl-divergence-base base.logits --kl-divergence
      """)

  /// Tokens of a chunk when nothing else is said.
  private static let defaultChunk = 512

  @OptionGroup var model: ModelFileArguments
  @OptionGroup var device: DeviceArguments
  @OptionGroup(title: "Session") var session: SessionArguments

  @Option(name: .shortAndLong, help: ArgumentHelp("The text, a file in UTF-8.", valueName: "file"))
  var file: String?

  @Option(
    parsing: .unconditional, help: ArgumentHelp("Use at most so many chunks; −1: all there are.", valueName: "count"))
  var chunks = -1

  @Option(
    name: [.customLong("kl-divergence-base"), .customLong("save-all-logits")],
    help: ArgumentHelp("Save the predictions here, or with --kl-divergence read them.", valueName: "file"))
  var base: String?

  @Flag(help: "Compare with the predictions in --kl-divergence-base.")
  var klDivergence = false

  @Flag(help: "Print one JSON object at the end, and no text before.")
  var json = false

  func validate() throws {
    if chunks < -1 || chunks == 0 { throw ValidationError("--chunks \(chunks): the number must be 1 or more, or −1.") }
    if let length = session.context, length < ChunkedText.shortestChunk {
      throw ValidationError("-c \(length): a chunk must have at least \(ChunkedText.shortestChunk) tokens.")
    }
    if klDivergence {
      if base == nil { throw ValidationError("--kl-divergence needs --kl-divergence-base.") }
      if file != nil { throw ValidationError("--kl-divergence takes the text from the base; leave -f away.") }
    } else if file == nil {
      throw ValidationError("Give a text with -f.")
    }
  }

  func run() throws {
    let modelFile = try model.open()
    let saved = klDivergence ? try base.map { try SavedLogits(path: $0) } : nil
    let configuration = try ModelConfiguration(modelFile)
    let text = try chunkedText(Tokenizers.load(from: modelFile), saved)
    if let saved, saved.vocabularySize != configuration.vocabularySize {
      throw InputError(
        "\(saved.path): its vocabulary has \(saved.vocabularySize) tokens, that of \(modelFile.path) "
          + "\(configuration.vocabularySize)")
    }
    var options = try session.options(for: configuration, of: modelFile, keepsAllLogits: true)
    // Under a mask that lets the cache forget, chunks may be longer than what the model was made for.
    options.context = min(text.chunkLength, configuration.contextLength)
    guard try text.chunkLength <= options.longestText(for: configuration) else {
      throw ModelError.contextTooLong(asked: text.chunkLength, model: configuration.contextLength)
    }
    // More would be memory for logits that nobody asks for.
    options.chunk = min(options.chunk, text.chunkLength - text.firstScored)
    let tensors = try ModelTensors(modelFile, configuration)
    let loaded = try session.load(tensors, of: modelFile, on: device, options)
    note("device: \(loaded.place)")
    note("\(text.chunkCount) chunks of \(text.chunkLength) tokens, of which \(text.scoredPerChunk) count")

    let run = PerplexityRun(loaded: loaded, modelPath: modelFile.path, text: text, printsJSON: json)
    if let saved {
      try run.compare(with: saved)
    } else {
      try run.measure(saving: base)
    }
    try loaded.checkValidation()
  }

  /// The chunks of the file or of the base.
  private func chunkedText(_ tokenizer: any Tokenizer, _ saved: SavedLogits?) throws -> ChunkedText {
    let limit = chunks < 0 ? nil : chunks
    let beginning = tokenizer.addsBOS ? tokenizer.bosToken : nil
    if let saved {
      if let length = session.context, length != saved.chunkLength {
        throw InputError("\(saved.path): its chunks have \(saved.chunkLength) tokens, not \(length) (-c)")
      }
      return try ChunkedText(saved, limit: limit, beginning: beginning)
    }
    // The end of a sequence is no part of a text that goes on in the next chunk.
    let tokens = try tokenizer.encode(readText(), addSpecial: false, parseSpecial: false)
    return try ChunkedText(
      (beginning.map { [$0] } ?? []) + tokens, chunkLength: session.context ?? Self.defaultChunk, limit: limit,
      beginning: beginning)
  }

  /// The text without the line break at its end.
  private func readText() throws -> String {
    guard let file else { return "" }
    var data: Data
    do { data = try Data(contentsOf: URL(fileURLWithPath: file)) } catch {
      throw InputError("\(file): cannot read the text: \((error as NSError).localizedDescription)")
    }
    if data.last == UInt8(ascii: "\n") { data.removeLast() }
    return try decodeText(data, from: file)
  }
}
