public import PumiceTokenizers

/// What a generation did.
public struct GenerationReport: Sendable {
  /// Why it ended.
  public enum Stop: String, Sendable, Codable {
    /// The model ended its text.
    case endOfGeneration = "end"
    /// As many tokens as were asked for.
    case limit
    /// The context is full.
    case contextFull = "context"
    case cancelled
  }

  public var promptTokens = 0
  public var promptSeconds = 0.0
  /// The tokens made, without the one that ended the text.
  public var tokens: [Int32] = []
  public var generationSeconds = 0.0
  public var stop = Stop.limit

  public var promptRate: Double { promptSeconds > 0 ? Double(promptTokens) / promptSeconds : 0 }
  /// The first token is the prompt's work.
  public var generationRate: Double {
    generationSeconds > 0 ? Double(max(0, tokens.count - 1)) / generationSeconds : 0
  }
}

/// Continues text with a session.
public struct TextGenerator {
  private let session: any Session
  private let tokenizer: any Tokenizer
  private var sampler: Sampler

  public init(_ session: any Session, _ tokenizer: any Tokenizer, _ sampler: Sampler) {
    self.session = session
    self.tokenizer = tokenizer
    self.sampler = sampler
  }

  /// The tokens of a prompt: begun as the model wants it, and never empty.
  ///
  /// - Parameter context: how many tokens there is room for; one of them must be left for an answer.
  /// - Throws: `ModelError.emptyPrompt`, `promptTooLong`, and errors of the tokenizer.
  public static func encode(prompt: String, with tokenizer: any Tokenizer, context: Int) throws -> [Int32] {
    var tokens = try tokenizer.encode(prompt, addSpecial: true, parseSpecial: true)
    // What follows the prompt is to continue it.
    if tokenizer.addsEOS, tokens.last == tokenizer.eosToken { tokens.removeLast() }
    if tokens.isEmpty, let begin = tokenizer.bosToken ?? tokenizer.eosToken { tokens = [begin] }
    guard !tokens.isEmpty else { throw ModelError.emptyPrompt }
    guard tokens.count < context else { throw ModelError.promptTooLong(tokens: tokens.count, room: context - 1) }
    return tokens
  }

  /// Appends a prompt and then the model's own tokens, handing on text as soon as its characters are complete.
  ///
  /// - Parameters:
  ///   - limit: how many tokens to make at most; nil for as many as the context holds.
  ///   - goesOn: whether a token that ends the text is one like any other.
  ///   - isCancelled: asked before every token; true ends the generation.
  ///   - onText: takes each piece of text.
  public mutating func generate(
    _ prompt: [Int32], limit: Int?, goesOn: Bool = false, isCancelled: () -> Bool = { false }, onText: (String) -> Void
  ) throws -> GenerationReport {
    var report = GenerationReport()
    var decoder = StreamingDecoder(tokenizer, isStartOfText: prompt.allSatisfy(tokenizer.isSpecial))
    let clock = ContinuousClock()
    let start = clock.now
    report.promptTokens = prompt.count
    try session.append(prompt)
    report.promptSeconds = (clock.now - start) / .seconds(1)
    guard try session.lastLogits().contains(where: { $0 > -.infinity }) else { throw ModelError.noLogits }
    let begin = clock.now
    var next = try choose(after: prompt)
    while true {
      if report.tokens.count == limit { break }
      if isCancelled() {
        report.stop = .cancelled
        break
      }
      if !goesOn, tokenizer.endOfGenerationTokens.contains(next) {
        report.stop = .endOfGeneration
        break
      }
      report.tokens.append(next)
      onText(decoder.append(next))
      // Nobody asks for the token after the last one.
      if report.tokens.count == limit { continue }
      if session.position == session.context {
        report.stop = .contextFull
        break
      }
      next = try advance(with: next, prompt: prompt, made: report.tokens)
    }
    onText(decoder.finish())
    report.generationSeconds = (clock.now - begin) / .seconds(1)
    return report
  }

  /// The token after everything that the session has seen.
  private mutating func choose(after tokens: [Int32]) throws -> Int32 {
    if sampler.options.isGreedy { return try session.likeliestToken() }
    return try sampler.sample(try session.lastLogits(), recent: tokens)
  }

  private mutating func advance(with token: Int32, prompt: [Int32], made: [Int32]) throws -> Int32 {
    if sampler.options.isGreedy { return try session.appendLikeliestToken() }
    try session.append([token])
    let last = sampler.options.repeatLast
    let wanted = last < 0 ? prompt + made : Array((prompt.suffix(last) + made.suffix(last)).suffix(last))
    return try choose(after: wanted)
  }
}
