import PumiceModelFiles
import PumiceOperators
import PumiceTensors

/// The keys of one architecture in one file.
struct ModelKeys {
  let file: any GGUFSource
  let prefix: String

  func name(_ key: String) -> String { "\(prefix).\(key)" }

  func invalid(_ key: String, _ detail: String) -> ModelFileError {
    file.error(.invalidMetadata, subject: "key \(name(key))", detail)
  }

  func unsupported(_ key: String, _ what: String) -> ModelFileError {
    file.error(.unsupportedModel, subject: "key \(name(key))", "not supported: \(what)")
  }

  // MARK: Sizes

  func size(_ key: String, most: Int = 1 << 24) throws(ModelFileError) -> Int {
    guard let size = try optionalSize(key, most: most) else { return try file.integer(name(key), in: 1...most) }
    return size
  }

  /// A number, or a list of it for every layer.
  func optionalSize(_ key: String, most: Int = 1 << 24) throws(ModelFileError) -> Int? {
    guard case .array? = file.metadata[name(key)] else { return try file.optionalInteger(name(key), in: 1...most) }
    let list = try file.integerArray(name(key))
    guard let first = list.first, list.allSatisfy({ $0 == first }) else {
      throw unsupported(key, "layers that differ in it")
    }
    guard 1...most ~= first else { throw invalid(key, "\(first) is outside 1…\(most)") }
    return first
  }

  /// Elements of a query and key, or of a value.
  func headSize(_ key: String, embeddingLength: Int, headCount: Int) throws(ModelFileError) -> Int {
    let length = try optionalSize(key, most: 1 << 16)
    if length == nil, embeddingLength % headCount != 0 {
      throw invalid("embedding_length", "\(embeddingLength) cannot be shared by \(headCount) heads")
    }
    let size = length ?? embeddingLength / headCount
    guard size % 8 == 0, size <= Attention.mostSize else {
      throw unsupported(
        length == nil ? "attention.head_count" : key,
        "heads of \(size) elements; attention takes multiples of 8 up to \(Attention.mostSize)")
    }
    return size
  }

  /// The rows of the embedding table, which the keys that tell the same must agree with.
  func vocabularySize(_ architecture: Architecture) throws(ModelFileError) -> Int {
    let table = try file.requiredTensor(named: architecture.names.tokenEmbedding + ".weight")
    guard table.shape.rank == 2 else {
      throw file.error(
        .invalidTensor, subject: "tensor \(table.name)", "has the shape \(table.shape), expected a matrix")
    }
    let rows = table.shape[0]
    let declared = try optionalSize("vocab_size")
    if let declared, declared != rows {
      throw invalid("vocab_size", "is \(declared), but \(table.name) has \(rows) rows")
    }
    let tokens = try file.optionalStringArray("tokenizer.ggml.tokens")?.count ?? rows
    guard tokens <= rows else {
      throw file.error(
        .invalidMetadata, subject: "key tokenizer.ggml.tokens", "has \(tokens) tokens, but \(table.name) \(rows) rows")
    }
    return rows
  }

  // MARK: Numbers

  func epsilon(_ norm: Architecture.Norm) throws(ModelFileError) -> Float {
    let key =
      switch norm {
      case .rms, .plainRMS, .rmsAndBias: "attention.layer_norm_rms_epsilon"
      case .layer, .plainLayer, .byKey: "attention.layer_norm_epsilon"
      }
    let epsilon = try file.float(name(key))
    guard epsilon >= 0, epsilon < 1 else { throw invalid(key, "\(epsilon) is not between 0 and 1") }
    return Float(epsilon)
  }

  func normGroups(of width: Int) throws(ModelFileError) -> Int {
    let key = "attention.group_norm_groups"
    let groups = try file.optionalInteger(name(key), in: 0...1 << 16) ?? 1
    guard groups < 2 || width % groups == 0 else { throw invalid(key, "\(groups) parts of \(width) elements") }
    return groups
  }

  func factor(_ factor: Architecture.Scales.Factor, width: Int, layers: Int) throws(ModelFileError) -> Float {
    let key: String
    switch factor {
    case .one: return 1
    case .rootOfWidth: return Float(width).squareRoot()
    case .constant(let value): return value
    case .byRootOfDepth(let value): return value / Float(layers).squareRoot()
    case .byWidth(let value): return value / Float(width)
    case .keyOr(let key, let absent) where file.metadata[name(key)] == nil: return absent
    case .key(let name), .keyOr(let name, _), .inverseOfKey(let name): key = name
    }
    let value = Float(try file.optionalFloat(name(key)) ?? 0)
    guard value >= 0, value.isFinite else { throw invalid(key, "\(value) is not a positive factor") }
    if value == 0 { return 1 }
    if case .inverseOfKey = factor { return 1 / value }
    return value
  }

  /// The norm of a family whose files say which it is.
  func norm(_ norm: Architecture.Norm) throws(ModelFileError) -> Architecture.Norm {
    guard norm == .byKey else { return norm }
    return try file.optionalFloat(name("attention.layer_norm_rms_epsilon")) ?? 0 != 0 ? .rms : .layer
  }

  /// A number that others are kept within; 0 stands for none.
  func bound(_ key: String, or absent: Float? = nil) throws(ModelFileError) -> Float? {
    let value = try file.optionalFloat(name(key)).map { Float($0) } ?? absent ?? 0
    guard value >= 0, value.isFinite else { throw invalid(key, "\(value) is not a positive number") }
    return value == 0 ? nil : value
  }

  /// Slopes in geometric progression: those of the greatest power of two that the number of heads reaches, then every other
  /// one of twice as many (Press et al. 2022).
  func alibiSlopes(
    _ alibi: Architecture.Alibi, heads: Int, layers: Int
  ) throws(ModelFileError) -> [Float] {
    let key = "attention.max_alibi_bias"
    let stated = try file.optionalFloat(name(key))
    let bias: Double
    switch alibi {
    case .none: return []
    case .key: bias = stated ?? 0
    case .keyOr(let value): bias = stated ?? Double(value)
    case .withLayers(let count, let value): bias = layers == count ? Double(value) : 0
    }
    guard bias >= 0, bias <= 64 else { throw invalid(key, "\(bias) is not between 0 and 64") }
    if bias == 0 { return [] }
    let power = 1 << (Int.bitWidth - 1 - heads.leadingZeroBitCount)
    return (0..<heads).map { head in
      let exponent =
        head < power
        ? bias * Double(head + 1) / Double(power) : bias / 2 * Double(2 * (head - power) + 1) / Double(power)
      return Float(DoubleMath.power(2, -exponent))
    }
  }

  // MARK: Layers

  /// Layers at the end that predict tokens further ahead, which the logits of the next one do without.
  func predictionLayers(of blocks: Int) throws(ModelFileError) -> Int {
    let count = try file.optionalInteger(name("nextn_predict_layers"), in: 0...1 << 16) ?? 0
    guard count < blocks else { throw invalid("nextn_predict_layers", "is \(count) of \(blocks) layers") }
    return count
  }

  func layers(
    _ c: ModelConfiguration, _ heads: [(query: Int, keyValue: Int)], _ blocks: [LayerBlocks]
  ) throws(ModelFileError) -> [LayerConfiguration] {
    let count = heads.count, architecture = c.architecture
    let windows = try windows(count, architecture.windows)
    let rotary = try rotarySchemes(c, windows)
    let scale = try attentionScale(c, layers: count)
    let key = "feed_forward_length", most = 1 << 24
    let lengths = file.metadata[name(key)] == nil ? nil : try sizes(key, layers: count, in: 0...most)
    var isListed = false
    if case .array? = file.metadata[name(key)] { isListed = true }
    var layers: [LayerConfiguration] = []
    for index in 0..<count {
      var layer = LayerConfiguration(
        headCount: heads[index].query, kvHeadCount: heads[index].keyValue, recurs: blocks[index].recurrence,
        window: windows[index], rotary: blocks[index].attention ? rotary[index] : nil, attentionScale: scale,
        feedForwardLength: (lengths?[index] ?? 0) / architecture.feedForwardDivisor)
      layer.hasTemperature =
        switch architecture.temperature {
        case .none: false
        case .key, .keys: true
        case .unrotated: rotary[index] == nil
        }
      guard blocks[index].feedForward else {
        layer.feedForwardLength = 0
        layers.append(layer)
        continue
      }
      layer.experts = try experts(index, c)
      // Only lists say of a layer that it has no network.
      if layer.experts == nil, !isListed { _ = try file.integer(name(key), in: 1...most) }
      if layer.experts != nil { layer.feedForwardLength = try lengthBesideExperts(index, architecture) }
      layers.append(layer)
    }
    try checkExperts(layers, architecture)
    return layers
  }

  /// Heads of queries, and of keys and values, of each layer.
  func headCounts(
    _ blocks: [LayerBlocks], _ latent: LatentConfiguration?
  ) throws(ModelFileError) -> [(query: Int, keyValue: Int)] {
    guard blocks.contains(where: \.attention) else { return blocks.map { _ in (0, 0) } }
    let queries = try sizes("attention.head_count", layers: blocks.count, in: 0...1 << 16)
    let hasOther = file.metadata[name("attention.head_count_kv")] != nil
    var others = hasOther ? try sizes("attention.head_count_kv", layers: blocks.count, in: 0...1 << 16) : queries
    if let latent { others = latent.isAbsorbed ? others.map { min($0, 1) } : queries }
    for ((query, keyValue), blocks) in zip(zip(queries, others), blocks) where blocks.attention {
      guard query > 0 else { throw unsupported("attention.head_count", "layers without attention") }
      guard keyValue > 0 else { throw unsupported("attention.head_count_kv", "layers without attention") }
      guard query % keyValue == 0 else {
        throw invalid("attention.head_count_kv", "\(query) heads are no multiple of \(keyValue)")
      }
    }
    return blocks.indices.map { blocks[$0].attention ? (queries[$0], others[$0]) : (0, 0) }
  }

  /// A number for every layer, or a list of them.
  func sizes(_ key: String, layers: Int, in range: ClosedRange<Int>) throws(ModelFileError) -> [Int] {
    guard case .array? = file.metadata[name(key)] else {
      return Array(repeating: try file.integer(name(key), in: range), count: layers)
    }
    let list = try file.integerArray(name(key))
    guard try isForLayers(list.count, layers) else {
      throw invalid(key, "has numbers for \(list.count) layers of \(layers)")
    }
    if let bad = list.first(where: { !range.contains($0) }) {
      throw invalid(key, "\(bad) is outside \(range.lowerBound)…\(range.upperBound)")
    }
    return Array(list.prefix(layers))
  }

  /// Whether a list is for so many layers, or for those that predict further ahead too.
  private func isForLayers(_ count: Int, _ layers: Int) throws(ModelFileError) -> Bool {
    let blocks = try file.optionalInteger(name("block_count"))
    return count == layers || count == blocks
  }

  private func attentionScale(_ c: ModelConfiguration, layers: Int) throws(ModelFileError) -> Float {
    if c.headSize == 0 { return 1 }
    let root = (c.latent?.scoreScale ?? 1) / Float(c.latent?.querySize ?? c.headSize).squareRoot()
    switch c.architecture.attentionScale {
    case .inverseRoot: return root
    case .inverse: return 1 / Float(c.headSize)
    case .shareOfWidth(let count):
      return layers == count ? 1 / (Float(c.embeddingLength) / Float(c.headCount)).squareRoot() : root
    case .key:
      let scale = Float(try file.optionalFloat(name("attention.scale")) ?? 0)
      guard scale.isFinite else { throw invalid("attention.scale", "\(scale) is not a factor") }
      return scale == 0 ? root : scale
    case .outputKeyOr(let absent):
      let scale = Float(try file.optionalFloat(name("attention.output_scale")) ?? Double(absent))
      guard scale > 0, scale.isFinite else { throw invalid("attention.output_scale", "\(scale) is not a factor") }
      return scale
    }
  }

  /// The window of each layer; nil for none.
  private func windows(_ count: Int, _ windows: Architecture.Windows?) throws(ModelFileError) -> [Int?] {
    let none = [Int?](repeating: nil, count: count)
    let stated = try file.optionalInteger(name("attention.sliding_window"), in: 0...1 << 30)
    guard let windows, stated != 0, windows.layers ?? count == count,
      let size = windows.isChunked ? windows.size : stated ?? windows.size
    else { return none }
    let reach = windows.isCentered ? size / 2 + 1 : size
    let key = "attention.sliding_window_pattern"
    var period = windows.period
    switch windows.isStated ? file.metadata[name(key)] : nil {
    case .array(let list)?:
      let flags: [Bool]
      if case .bool(let bools) = list {
        flags = bools
      } else {
        flags = try file.integerArray(name(key)).map { $0 != 0 }
      }
      guard try isForLayers(flags.count, count) else {
        throw invalid(key, "is for \(flags.count) layers of \(count)")
      }
      return flags.prefix(count).map { $0 ? reach : nil }
    case nil: break
    case _?: period = try file.integer(name(key), in: 0...1 << 16)
    }
    return (0..<count).map { layer in
      // A period of 0 stands for windows everywhere.
      period == 0 || layer % period != (windows.fullFirst ? 0 : period - 1) ? reach : nil
    }
  }
}
