import PumiceModelFiles
public import PumiceQuantization
import PumiceTensors

/// How texts become vectors, and how much memory that may take.
public struct EmbeddingOptions: Hashable, Sendable {
  public var pooling: TextPooling
  /// Whether vectors are made as long as 1.
  public var normalizes: Bool
  /// Tokens of a text at most.
  public var longestText: Int
  /// Tokens that are worked through at once, of one text or of many; a longer text is not divided.
  public var passTokens: Int
  /// What all matrices are encoded in as they are loaded; nil for the formats of the file.
  public var weightEncoding: WeightEncoding?

  public init(
    pooling: TextPooling, normalizes: Bool = true, longestText: Int, passTokens: Int = 2048,
    weightEncoding: WeightEncoding? = nil
  ) {
    self.pooling = pooling
    self.normalizes = normalizes
    self.longestText = longestText
    self.passTokens = passTokens
    self.weightEncoding = weightEncoding
  }

  /// - Throws: `ModelError` for what no model or this one cannot do.
  func validate(for configuration: ModelConfiguration) throws(ModelError) {
    guard !configuration.layers.contains(where: \.recurs) else {
      throw .invalidOption(
        "embeddings of models with recurrent layers are not supported (\(configuration.architecture.name))")
    }
    guard longestText >= 1 else { throw .invalidOption("texts of \(longestText) tokens; there must be at least 1") }
    guard 1...1 << 30 ~= passTokens else {
      throw .invalidOption("\(passTokens) tokens at once; there must be at least 1 and at most \(1 << 30)")
    }
    guard longestText <= configuration.contextLength else {
      throw .contextTooLong(asked: longestText, model: configuration.contextLength)
    }
  }

  /// The same with no more room than some texts need.
  public func reduced(to texts: [[Int32]]) -> EmbeddingOptions {
    var reduced = self
    reduced.longestText = max(1, min(longestText, texts.map(\.count).max() ?? 1))
    reduced.passTokens = max(1, min(passTokens, texts.count * PassShape.padded(reduced.longestText)))
    return reduced
  }

  /// Tokens of the largest pass, padding among them.
  var rows: Int { max(PassShape.padded(longestText), passTokens / PassShape.step * PassShape.step) }
}

extension MemoryEstimate {
  /// What an `Embedder` takes.
  ///
  /// - Parameter tensorBytes: what a tensor takes on the device.
  init(_ tensors: ModelTensors, _ options: EmbeddingOptions, bytes tensorBytes: (Shape, TensorFormat) -> Int) {
    let c = tensors.configuration, rows = options.rows
    // There are no logits, so no matrix for them.
    let matrices = tensors.matrices.filter { $0.name != tensors.output?.tensor.name }
    weights = Self.sum(
      matrices.map { tensorBytes($0.shape, tensors.format(of: $0, encodedIn: options.weightEncoding)) })
    // A product that overflows is no shape, and fits nowhere.
    func bytes(_ factors: Int...) -> Int {
      let count = Self.product(factors)
      return count > .max / 8 ? .max : tensorBytes([count], .f32)
    }
    cache = bytes(rows, c.kvHeadCount, c.headSize + c.valueSize + 1)
    state = 0
    let lists = TileLists<VulkanBackend>.size(passOf: rows, longest: options.longestText, c)
    let kinds = TileLists<VulkanBackend>.kinds(longest: options.longestText, c)
    activations = Self.sum([
      bytes(rows, Activations<VulkanBackend>.elementsPerToken(c)),
      bytes(rows, Self.sum(Embedder<VulkanBackend>.widths(tensors, options) + [c.embeddingLength])),
      bytes(c.vocabularySize),
      bytes(kinds, Self.sum([lists.counts, lists.list])),
    ])
  }
}
