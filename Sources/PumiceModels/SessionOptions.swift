public import PumiceQuantization
public import PumiceTensors

/// How much memory a session takes, and how it works through a prompt.
public struct SessionOptions: Hashable, Sendable {
  /// Tokens that the cache has room for, prompt and answer together.
  public var context: Int
  /// Tokens of a prompt that are processed at once.
  public var chunk: Int
  /// How keys and values are stored: f16 or f32.
  public var cacheFormat: TensorFormat
  /// What all matrices are encoded in as they are loaded; nil for the formats of the file.
  public var weightEncoding: WeightEncoding?
  /// Whether the logits of every token of a prompt are wanted, or only the last one's.
  public var keepsAllLogits: Bool

  /// The context that is used when nothing else is said, unless the model's own is shorter.
  public static let defaultContext = 4096

  public init(
    context: Int = Self.defaultContext, chunk: Int = 512, cacheFormat: TensorFormat = .f16,
    weightEncoding: WeightEncoding? = nil, keepsAllLogits: Bool = false
  ) {
    self.context = context
    self.chunk = chunk
    self.cacheFormat = cacheFormat
    self.weightEncoding = weightEncoding
    self.keepsAllLogits = keepsAllLogits
  }

  /// Tokens of one pass at most.
  var passTokens: Int { min(chunk, context) }
  /// Rows of the buffer for logits.
  var logitRows: Int { keepsAllLogits ? passTokens : 1 }

  /// - Throws: `ModelError` for numbers that no session can have with this model.
  func validate(for configuration: ModelConfiguration) throws(ModelError) {
    guard context >= 1 else { throw .invalidOption("a context of \(context) tokens; it must be at least 1") }
    guard chunk >= 1 else { throw .invalidOption("chunks of \(chunk) tokens; they must be at least 1") }
    guard context <= configuration.contextLength else {
      throw .contextTooLong(asked: context, model: configuration.contextLength)
    }
    guard cacheFormat == .f16 || cacheFormat == .f32 else {
      throw .invalidOption("a key-value cache in \(cacheFormat.name) is not supported; f16 and f32 are")
    }
  }
}
