import PumiceTensors

/// What each layer sees and stores, and which cell of its cache keeps which token.
///
/// Where the mask of a layer reaches the first tokens and a window alone, its cells behind those of the first tokens are a ring: a
/// token takes the cell of one that no query can see any more. Where this holds of all layers, and what they see fits into the
/// context, the text may grow without end.
struct CacheLayout {
  /// One layer's part of the cache.
  struct Layer {
    let mask: AttentionMask
    /// Where its tokens are: an index into `cellMaps`.
    let cellMap: Int
    /// Its key-value heads, in order.
    let runs: [Run]
  }

  /// Neighbouring key-value heads that are stored alike.
  struct Run {
    let heads: Range<Int>
    /// The heads as operators take them: nil for all of a layer.
    let part: Range<Int>?
    let keyFormat: TensorFormat
    let valueFormat: TensorFormat
  }

  /// Tokens of one pass at most.
  let passTokens: Int
  /// Tokens that a text may have.
  let longestText: Int
  /// Nil where a layer does not attend.
  let layers: [Layer?]
  /// The different ways in which layers use their cells.
  let cellMaps: [CellMap]

  /// - Precondition: the options are valid for the model, but perhaps for their masks.
  init(_ options: SessionOptions, for configuration: ModelConfiguration) {
    let c = configuration
    let masks = (0..<c.layerCount).map { layer in
      let mask = options.masks.mask(
        layer: layer, heads: c.layers[layer].headCount, default: c.isCausal ? .causal : .full)
      return Self.windowed(mask, layer: layer, of: c, context: options.context)
    }
    let attending = c.layers.indices.filter { c.layers[$0].attends }
    let areValid = (try? options.masks.validate(layers: c.layerCount, heads: c.headCount)) != nil
    let reaches = masks.map { areValid ? $0.reach : nil }
    // Tokens of a pass come on top of what its first one sees besides itself.
    // Layers without cells have no bound to keep.
    let bounds = attending.compactMap { reaches[$0]?.cells }
    if bounds.count == attending.count, case let most = bounds.max() ?? 0, most < options.context {
      passTokens = min(options.chunk, options.context - most)
      // A table of positions ends somewhere.
      longestText = c.architecture.positionEmbedding == .none ? AttentionMask.limit : c.contextLength
    } else {
      passTokens = min(options.chunk, options.context)
      longestText = options.context
    }
    var maps: [CellMap] = []
    var layers: [Layer?] = []
    for (layer, mask) in masks.enumerated() {
      guard c.layers[layer].attends else {
        layers.append(nil)
        continue
      }
      let kvHeads = c.layers[layer].kvHeadCount
      let map = CellMap(reaches[layer], heads: kvHeads, passTokens: passTokens, context: options.context)
      let index = maps.firstIndex(of: map) ?? maps.count
      if index == maps.count { maps.append(map) }
      layers.append(Layer(mask: mask, cellMap: index, runs: options.runs(layer: layer, kvHeads: kvHeads)))
    }
    self.layers = layers
    cellMaps = maps
  }

  /// A mask together with the window that the model has in a layer.
  static func windowed(
    _ mask: AttentionMask, layer: Int, of c: ModelConfiguration, context: Int
  ) -> AttentionMask {
    guard let window = c.layers[layer].window else { return mask }
    guard c.architecture.windows?.isChunked == true else { return mask & .window(window) }
    // A piece begins after each window's length; a text within one needs no mask.
    let starts = Array(stride(from: window, to: context, by: window))
    return starts.isEmpty ? mask : mask & .documents(starts)
  }

  func cellMap(of layer: Layer) -> CellMap { cellMaps[layer.cellMap] }

  /// Cells of a key-value head in the layer that has the most.
  var mostCells: Int { cellMaps.map(\.capacity).max() ?? 0 }

  /// Whether the cache still has what queries from position `count` on see, when it has been written up to position `written`.
  ///
  /// A ring has room for the tokens of a pass beyond what a query sees, so the last ones may be taken back. They stay in their
  /// cells until others come, behind every query, where a causal mask hides them.
  func canRewind(from written: Int, to count: Int) -> Bool {
    cellMaps.allSatisfy { written <= $0.capacity }
      || written - count <= passTokens
        && layers.lazy.compactMap { $0 }.allSatisfy { written <= cellMap(of: $0).capacity || $0.mask.isCausal }
  }
}

/// Which cell of a layer keeps which token, the same in all of its heads.
struct CellMap: Hashable {
  /// Key-value heads of the layer.
  let heads: Int
  /// Cells of each key-value head.
  let capacity: Int
  /// The first cell that is used again and again; the capacity where none is.
  let ringStart: Int

  /// As few cells as do for queries that see so far, and no more than the context.
  ///
  /// - Parameter reach: nil where no bound is known.
  init(_ reach: MaskReach?, heads: Int, passTokens: Int, context: Int) {
    self.heads = heads
    if let reach, reach.cells + passTokens <= context {
      capacity = reach.cells + passTokens
      ringStart = reach.sinks
    } else {
      capacity = context
      ringStart = context
    }
  }

  /// Where a token is kept.
  func cell(of position: Int) -> Int {
    position < capacity ? position : ringStart + (position - ringStart) % (capacity - ringStart)
  }

  /// Cells in use when the text has that length: the first ones.
  func cellsInUse(by length: Int) -> Int { min(length, capacity) }
}

extension MaskReach {
  /// Cells that hold all that a query sees but itself.
  fileprivate var cells: Int { sinks + max(0, window - 1) }
}

extension SessionOptions {
  /// The key-value heads of a layer by what they are stored in.
  func runs(layer: Int, kvHeads: Int) -> [CacheLayout.Run] {
    let formats = (0..<kvHeads).map { (keyFormat(layer: layer, head: $0), valueFormat(layer: layer, head: $0)) }
    let starts = formats.indices.filter { $0 == 0 || formats[$0] != formats[$0 - 1] }
    return zip(starts, starts.dropFirst() + [kvHeads]).map { start, end in
      CacheLayout.Run(
        heads: start..<end, part: end - start == kvHeads ? nil : start..<end, keyFormat: formats[start].0,
        valueFormat: formats[start].1)
    }
  }
}
