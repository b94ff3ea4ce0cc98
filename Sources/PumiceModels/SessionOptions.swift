import PumiceOperators
public import PumiceQuantization
public import PumiceTensors

/// How much memory a session takes, what it sees of its text, and how it works through a prompt.
public struct SessionOptions: Hashable, Sendable {
  /// Tokens that the cache has room for, prompt and answer together. A layer whose mask lets only the first tokens and a window
  /// be seen keeps no more than these and the tokens of a pass; where this holds of all layers, the text may be longer: see
  /// `longestText`.
  public var context: Int
  /// Tokens of a prompt that are processed at once.
  public var chunk: Int
  /// How keys are stored: plain numbers, or any format with a `CacheEncoding`.
  public var keyFormat: TensorFormat
  /// How values are stored.
  public var valueFormat: TensorFormat
  /// Layers and key-value heads that store keys or values in other formats; of rules the last that applies holds.
  public var cacheRules: [AttentionPlan.CacheRule]
  /// What each layer and head sees; causal where no rule says.
  public var masks: MaskPlan
  /// What all matrices are encoded in as they are loaded; nil for the formats of the file.
  public var weightEncoding: WeightEncoding?
  /// Whether the logits of every token of a prompt are wanted, or only the last one's.
  public var keepsAllLogits: Bool

  /// The context that is used when nothing else is said, unless the model's own is shorter.
  public static let defaultContext = 4096

  /// - Parameter valueFormat: by default that of the keys.
  public init(
    context: Int = Self.defaultContext, chunk: Int = 512, keyFormat: TensorFormat = .f16,
    valueFormat: TensorFormat? = nil, cacheRules: [AttentionPlan.CacheRule] = [], masks: MaskPlan = MaskPlan([]),
    weightEncoding: WeightEncoding? = nil, keepsAllLogits: Bool = false
  ) {
    self.context = context
    self.chunk = chunk
    self.keyFormat = keyFormat
    self.valueFormat = valueFormat ?? keyFormat
    self.cacheRules = cacheRules
    self.masks = masks
    self.weightEncoding = weightEncoding
    self.keepsAllLogits = keepsAllLogits
  }

  /// Tokens that a text may have: the context, or where the cache lets go of what no layer can see any more, as many as there
  /// are positions.
  ///
  /// - Throws: as a session with these options.
  public func longestText(for configuration: ModelConfiguration) throws(ModelError) -> Int {
    try validate(for: configuration)
    return CacheLayout(self, for: configuration).longestText
  }

  /// - Throws: `ModelError` for what no session can have with this model.
  func validate(for configuration: ModelConfiguration) throws(ModelError) {
    guard context >= 1 else { throw .invalidOption("a context of \(context) tokens; it must be at least 1") }
    guard chunk >= 1 else { throw .invalidOption("chunks of \(chunk) tokens; they must be at least 1") }
    guard context <= configuration.contextLength else {
      throw .contextTooLong(asked: context, model: configuration.contextLength)
    }
    guard configuration.headCount > 0 || (masks.rules.isEmpty && cacheRules.isEmpty) else {
      throw .invalidOption("a mask or a format for the cache; no layer of the model attends")
    }
    do throws(AttentionMaskError) {
      let layers = configuration.layerCount, heads = configuration.headCount
      try masks.validate(layers: layers, heads: heads)
      let longest = CacheLayout(self, for: configuration).longestText
      try masks.validate(layers: layers, heads: heads, positions: longest)
    } catch {
      throw .mask(error)
    }
    try validateFormats(for: configuration)
  }

  private func validateFormats(for c: ModelConfiguration) throws(ModelError) {
    for rule in cacheRules {
      if let layer = rule.layers?.first(where: { !(0..<c.layerCount).contains($0) }) {
        throw .invalidOption("a rule for the cache of layer \(layer); the model has \(c.layerCount)")
      }
      if let head = rule.heads?.first(where: { !(0..<c.kvHeadCount).contains($0) }) {
        throw .invalidOption("a rule for the cache of key-value head \(head); the model has \(c.kvHeadCount)")
      }
    }
    for layer in 0..<c.layerCount where c.layers[layer].attends {
      let kvHeads = c.layers[layer].kvHeadCount
      for run in runs(layer: layer, kvHeads: kvHeads) {
        for (content, format) in [(ModelError.CacheContent.keys, run.keyFormat), (.values, run.valueFormat)] {
          do throws(OperatorError) {
            try KVAppend(
              tokens: 1, kvHeads: kvHeads, part: run.part, keySize: c.headSize, valueSize: c.valueSize,
              capacity: 1, keyFormat: content == .keys ? format : .f32, valueFormat: content == .values ? format : .f32
            ).validate()
          } catch {
            throw .cacheFormat(
              content, format, layer: layer, head: run.part?.lowerBound, reason: error.message)
          }
        }
      }
    }
  }

  /// What a key-value head stores keys in.
  func keyFormat(layer: Int, head: Int) -> TensorFormat {
    cacheRules.keyFormat(layer: layer, head: head) ?? keyFormat
  }

  /// What a key-value head stores values in.
  func valueFormat(layer: Int, head: Int) -> TensorFormat {
    cacheRules.valueFormat(layer: layer, head: head) ?? valueFormat
  }
}
