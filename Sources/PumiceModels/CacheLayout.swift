import PumiceTensors

/// Which cell of the cache keeps which token, and what each layer sees and stores.
///
/// Where all masks reach the first tokens and a window alone, and these fit into the context, the cells behind those of the
/// first tokens are a ring: a token takes the cell of one that no query can see any more, and the text may grow without end.
struct CacheLayout {
  /// Cells of each key-value head.
  let capacity: Int
  /// Tokens of one pass at most.
  let passTokens: Int
  /// Tokens that a text may have.
  let longestText: Int
  /// The mask of each layer.
  let masks: [AttentionMask]
  /// The format of each layer's keys and values.
  let keyFormats: [TensorFormat]
  let valueFormats: [TensorFormat]
  /// The first cell that is used again and again; the capacity where none is.
  private let ringStart: Int

  /// - Precondition: the options are valid for the model, but perhaps for their masks.
  init(_ options: SessionOptions, for configuration: ModelConfiguration) {
    let layers = 0..<configuration.layerCount
    masks = layers.map { layer in
      let mask = options.masks.mask(
        layer: layer, heads: configuration.layers[layer].headCount, default: configuration.isCausal ? .causal : .full)
      guard let window = configuration.layers[layer].window else { return mask }
      guard configuration.architecture.windows?.isChunked == true else { return mask & .window(window) }
      // A piece begins after each window's length; a text within one needs no mask.
      let starts = Array(stride(from: window, to: options.context, by: window))
      return starts.isEmpty ? mask : mask & .documents(starts)
    }
    keyFormats = layers.map { options.keyFormat(layer: $0, head: 0) }
    valueFormats = layers.map { options.valueFormat(layer: $0, head: 0) }
    // Tokens of a pass come on top of what its first one sees besides itself.
    if (try? options.masks.validate(layers: configuration.layerCount, heads: configuration.headCount)) != nil,
      let reach = AttentionMask.union(
        zip(masks, configuration.layers).map { $1.attends ? $0.reach : MaskReach(sinks: 0, window: 0) }),
      case let seen = reach.sinks + max(0, reach.window - 1), seen < options.context
    {
      passTokens = min(options.chunk, options.context - seen)
      capacity = seen + passTokens
      ringStart = reach.sinks
      // A table of positions ends somewhere.
      longestText =
        configuration.architecture.positionEmbedding == .none ? AttentionMask.limit : configuration.contextLength
    } else {
      passTokens = min(options.chunk, options.context)
      capacity = options.context
      ringStart = capacity
      longestText = capacity
    }
  }

  /// Where a token is kept.
  func cell(of position: Int) -> Int {
    position < capacity ? position : ringStart + (position - ringStart) % (capacity - ringStart)
  }

  /// Cells in use when the text has that length: the first ones.
  func cellsInUse(by length: Int) -> Int { min(length, capacity) }
}
