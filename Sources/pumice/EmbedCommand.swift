public import ArgumentParser
import Foundation
import PumiceGPU
import PumiceHub
import PumiceModelFiles
public import PumiceModels
import PumiceQuantization
import PumiceTokenizers

extension TextPooling: ExpressibleByArgument {}

/// `pumice embed`.
struct EmbedCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "embed",
    abstract: "Makes vectors of texts, whose products tell how much the texts have in common.",
    discussion: """
      Takes encoders (BERT and its kin) and also models that write text. How the vectors of tokens become one of the text is \
      what the model says: a GGUF file by its pooling type, a folder by the files of sentence-transformers. Where it says \
      nothing it is the mean in encoders, else the last token. A text has the same vector, bit for bit, alone and among others.

      Example: pumice embed minilm.gguf "The cat sits outside" "A man is playing guitar" --json
      """)

  @Argument(help: "The model: a GGUF file, a Hugging Face folder, or hf:OWNER/NAME[:QUANTIZATION] to fetch one.")
  var model: String

  @Argument(help: "The texts.")
  var texts: [String] = []

  @Option(
    name: [.customShort("f"), .long],
    help: ArgumentHelp(
      "Read further texts from a file, one a line; - for the standard input.", valueName: "file"))
  var file: String?

  @Option(help: "How the vectors of tokens become one: mean, cls (the first), last, or none for all of them.")
  var pooling: TextPooling?

  @Flag(
    inversion: .prefixedNo,
    help: "Make vectors as long as 1. (default: yes, unless a folder of sentence-transformers does not)")
  var normalize: Bool?

  @Option(
    name: [.customShort("c"), .customLong("ctx-size")],
    help: ArgumentHelp(
      "Tokens of a text at most; the rest is cut off. Default: as many as the model takes.", valueName: "tokens"))
  var context: Int?

  @Option(
    name: [.customLong("ub", withSingleDash: true), .customLong("ubatch-size")],
    help: ArgumentHelp("Tokens that are processed at once, of all texts together.", valueName: "tokens"))
  var passTokens = 2048

  @Option(help: "Where to compute: vulkan (a device) or reference (the CPU in float64; slow, the measure of the rest).")
  var backend = BackendChoice.vulkan

  @Option(
    name: .customLong("weights"),
    help: ArgumentHelp("Encode all matrices in this format as they are loaded.", valueName: "format"))
  var weightEncoding: WeightEncoding?

  @OptionGroup var device: DeviceArguments

  @Flag(help: "Print JSON: {\"embeddings\": [[…], …]}; with --pooling none a list of vectors for each text.")
  var json = false

  func validate() throws {
    if model.hasPrefix(HubReference.prefix) { try requireReference(model) }
    if texts.isEmpty, file == nil { throw ValidationError("Give a text, or -f FILE; -f - reads the standard input.") }
    if let context, context < 1 { throw ValidationError("-c \(context): a text must have room for at least 1 token.") }
    if passTokens < 1 { throw ValidationError("-ub \(passTokens): there must be at least 1 token.") }
    if backend == .reference, device.device != nil {
      throw ValidationError("--device chooses a Vulkan device; --backend reference uses none.")
    }
  }

  private struct Pooled: Encodable { var embeddings: [[Float]] }
  private struct Unpooled: Encodable { var embeddings: [[[Float]]] }

  func run() throws {
    let texts = try self.texts + linesOfFile()
    guard !texts.isEmpty else { throw InputError("\(file ?? ""): there is no text") }
    let file = try openModel(model)
    let tokenizer = try Tokenizers.load(from: file)
    let configuration = try ModelConfiguration(file)
    let tensors = try ModelTensors(file, configuration)
    let settings = try EmbeddingSettings(configuration, of: file)
    let options = try options(settings, configuration)
    let tokens = try encode(texts, tokenizer, limit: options.longestText)
    let (embedder, vulkan) = try load(tensors, file.path, options.reduced(to: tokens))
    let vectors = try embedder.vectors(of: tokens)
    for (index, vector) in vectors.enumerated() where !vector.allSatisfy({ $0.allSatisfy(\.isFinite) }) {
      throw InputError(
        "the vector of text \(index + 1) is not finite: the weights are broken, or a kernel is (see pumice verify)")
    }
    if !json {
      EmbeddingReport(texts: texts, tokens: tokens, vectors: vectors, options: options, width: embedder.width).show()
    } else if options.pooling == .none {
      try printCompactJSON(Unpooled(embeddings: vectors))
    } else {
      try printCompactJSON(Pooled(embeddings: vectors.map { $0[0] }))
    }
    if let vulkan { try checkValidation(of: vulkan) }
  }

  private func linesOfFile() throws -> [String] {
    guard let path = file else { return [] }
    let data: Data
    do {
      data =
        try path == "-" ? FileHandle.standardInput.readToEnd() ?? Data() : Data(contentsOf: URL(fileURLWithPath: path))
    } catch {
      throw InputError("\(path): cannot read the texts: \((error as NSError).localizedDescription)")
    }
    let text = try decodeText(data, from: path == "-" ? "the standard input" : path)
    var lines = text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }.map(String.init)
    if lines.last == "" { lines.removeLast() }
    return lines
  }

  /// What the model says, and what options say instead.
  private func options(
    _ settings: EmbeddingSettings, _ configuration: ModelConfiguration
  ) throws -> EmbeddingOptions {
    let chosen: TextPooling
    switch (pooling, settings.pooling) {
    case (let asked?, _): chosen = asked
    case (nil, .method(let method)): chosen = method
    case (nil, .rank):
      throw ModelError.invalidOption(
        "the model compares two texts (pooling type rank), which is not supported; --pooling mean, cls or last makes "
          + "vectors with it")
    }
    if let context, context > configuration.contextLength {
      throw ModelError.contextTooLong(asked: context, model: configuration.contextLength)
    }
    return EmbeddingOptions(
      pooling: chosen, normalizes: normalize ?? settings.normalizes, longestText: context ?? settings.longestText,
      passTokens: passTokens, weightEncoding: weightEncoding)
  }

  private func encode(_ texts: [String], _ tokenizer: any Tokenizer, limit: Int) throws -> [[Int32]] {
    try texts.enumerated().map { index, text in
      let (tokens, uncut) = try tokenizer.encodeWhole(text, limit: limit)
      if uncut > tokens.count {
        note("text \(index + 1) has \(uncut) tokens, the model takes \(limit): the rest is cut off")
      }
      return tokens
    }
  }

  private func load(
    _ tensors: ModelTensors, _ path: String, _ options: EmbeddingOptions
  ) throws -> (any TextEmbedder, Device?) {
    let progress = LoadingLine(path)
    defer { progress.clear() }
    func embedder<B: Backend>(_ backend: B) throws -> any TextEmbedder {
      let made = try Embedder(tensors, on: backend, options: options, modelName: path, progress: progress.show)
      progress.clear()
      note("device: \([backend.name, backend.driver].compactMap { $0 }.joined(separator: ", "))")
      return made
    }
    switch backend {
    case .reference: return (try embedder(ReferenceBackend()), nil)
    case .vulkan:
      let vulkan = try device.open()
      return (try embedder(VulkanBackend(device.kernels(vulkan))), vulkan)
    }
  }
}

/// Vectors for people.
private struct EmbeddingReport {
  let texts: [String]
  let tokens: [[Int32]]
  let vectors: [[[Float]]]
  let options: EmbeddingOptions
  let width: Int

  /// More texts than a table of all pairs has room for.
  private static let mostPairs = 16

  func show() {
    let kind = options.pooling == .none ? "one for each token" : options.pooling.rawValue
    print("\(width) dimensions, pooling: \(kind)\(options.normalizes ? ", normalized" : "")")
    for (index, text) in texts.enumerated() {
      let shown = text.prefix(40).debugDescription + (text.count > 40 ? "…" : "")
      print("\(index + 1): \(shown), \(tokens[index].count) tokens")
      for vector in vectors[index] {
        print("   " + vector.prefix(6).map { fixed(Double($0), 5) }.joined(separator: " ") + (width > 6 ? " …" : ""))
      }
    }
    guard options.pooling != .none, 2...Self.mostPairs ~= texts.count else { return }
    print("")
    print("cosine similarity")
    printTable(
      [""] + texts.indices.map { "\($0 + 1)" },
      texts.indices.map { a in ["\(a + 1)"] + texts.indices.map { b in fixed(cosine(vectors[a][0], vectors[b][0]), 4) }
      })
  }

  private func cosine(_ a: [Float], _ b: [Float]) -> Double {
    func product(_ a: [Float], _ b: [Float]) -> Double { zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) } }
    let lengths = (product(a, a) * product(b, b)).squareRoot()
    return lengths > 0 ? product(a, b) / lengths : 0
  }
}
