public import PumiceModelFiles

/// A text in chunks of one length, whose tokens a model is to predict: in each chunk those of the second half, so that
/// every prediction has seen at least half a chunk. What is left after the last whole chunk is not used.
///
/// These are the chunks of llama.cpp's `llama-perplexity`.
public struct ChunkedText: Hashable, Sendable {
  /// Shorter chunks would leave next to nothing to predict.
  public static let shortestChunk = 8

  /// The tokens of all chunks.
  public let tokens: [Int32]
  public let chunkLength: Int
  /// Takes the place of the first token of every chunk where the model wants sequences to begin with it.
  public let beginning: Int32?

  /// Cuts a text.
  ///
  /// - Parameters:
  ///   - text: the whole text's tokens, with the BOS token before them where the model wants it.
  ///   - limit: chunks at most; nil: all there are.
  ///   - beginning: the BOS token of a model that wants it.
  /// - Throws: `ModelError.textTooShort` if there is no whole chunk, `invalidOption`.
  public init(_ text: [Int32], chunkLength: Int, limit: Int? = nil, beginning: Int32?) throws(ModelError) {
    guard chunkLength >= Self.shortestChunk else {
      throw .invalidOption("chunks of \(chunkLength) tokens; they must have at least \(Self.shortestChunk)")
    }
    if let limit, limit < 1 { throw .invalidOption("\(limit) chunks; there must be at least 1") }
    let count = min(limit ?? .max, text.count / chunkLength)
    guard count >= 1 else { throw .textTooShort(tokens: text.count, chunk: chunkLength) }
    tokens = Array(text.prefix(count * chunkLength))
    self.chunkLength = chunkLength
    self.beginning = beginning
  }

  /// The text of saved predictions.
  ///
  /// - Throws: as the other initializer.
  public init(_ saved: SavedLogits, limit: Int? = nil, beginning: Int32?) throws(ModelError) {
    try self.init(saved.tokens, chunkLength: saved.chunkLength, limit: limit, beginning: beginning)
  }

  public var chunkCount: Int { tokens.count / chunkLength }
  /// The first position of a chunk whose prediction counts.
  public var firstScored: Int { chunkLength / 2 }
  /// Predictions of one chunk that count: none is asked for after its last token.
  public var scoredPerChunk: Int { chunkLength - 1 - firstScored }
}

extension Session {
  /// Predicts the second half of a chunk from nothing but what comes before in it, and forgets all tokens before that.
  ///
  /// - Parameter body: gets every prediction that counts in turn: its number in the chunk, the logits, and the token
  ///   that follows.
  /// - Throws: `ModelError.contextFull` if the chunk is longer than the context, what `body` throws.
  public func predict(
    _ text: ChunkedText, chunk: Int, _ body: (_ row: Int, _ prediction: Prediction, _ next: Int) throws -> Void
  ) throws {
    let start = chunk * text.chunkLength
    var tokens = Array(text.tokens[start..<start + text.chunkLength])
    if let beginning = text.beginning { tokens[0] = beginning }
    reset()
    try append(Array(tokens[..<text.firstScored]))
    let logits = try logits(appending: Array(tokens[text.firstScored..<text.chunkLength - 1]))
    for (row, logits) in logits.enumerated() {
      let position = text.firstScored + row
      guard let prediction = Prediction(logits), logits[Int(tokens[position + 1])].isFinite else {
        throw ModelError.brokenLogits(chunk: chunk + 1, position: position)
      }
      try body(row, prediction, Int(tokens[position + 1]))
    }
  }
}
