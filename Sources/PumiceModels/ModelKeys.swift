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
      case .rms, .plainRMS: "attention.layer_norm_rms_epsilon"
      case .layer, .plainLayer: "attention.layer_norm_epsilon"
      }
    let epsilon = try file.float(name(key))
    guard epsilon >= 0, epsilon < 1 else { throw invalid(key, "\(epsilon) is not between 0 and 1") }
    return Float(epsilon)
  }

  func factor(_ factor: Architecture.Scales.Factor, width: Int, layers: Int) throws(ModelFileError) -> Float {
    let key: String
    switch factor {
    case .one: return 1
    case .rootOfWidth: return Float(width).squareRoot()
    case .constant(let value): return value
    case .byRootOfDepth(let value): return value / Float(layers).squareRoot()
    case .byWidth(let value): return value / Float(width)
    case .key(let name), .inverseOfKey(let name): key = name
    }
    let value = Float(try file.optionalFloat(name(key)) ?? 0)
    guard value >= 0, value.isFinite else { throw invalid(key, "\(value) is not a positive factor") }
    if value == 0 { return 1 }
    if case .inverseOfKey = factor { return 1 / value }
    return value
  }

  /// A number that others are kept within; 0 stands for none.
  func bound(_ key: String) throws(ModelFileError) -> Float? {
    let value = Float(try file.optionalFloat(name(key)) ?? 0)
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

  func pairing(_ rotary: Architecture.Rotary?) throws(ModelFileError) -> RoPE.Pairing {
    guard let rotary else { return .halves }
    let sections = try file.optionalIntegerArray(name("rope.dimension_sections")) ?? []
    return sections.allSatisfy { $0 == 0 } ? rotary.pairing : rotary.sectionPairing
  }

  func ropeBase(_ key: String) throws(ModelFileError) -> Double? {
    guard let base = try file.optionalFloat(name(key)) else { return nil }
    guard base > 0, base.isFinite else { throw invalid(key, "\(base) is not positive") }
    return base
  }

  /// Linear scaling divides positions by a factor; 0 stands for none, as converters write it.
  func ropeScale(_ rotary: Architecture.Rotary?) throws(ModelFileError) -> Double {
    let type = try file.optionalString(name("rope.scaling.type"))
    let known = ["linear", "none"] + (rotary?.factors == .shortAndLong ? ["longrope"] : [])
    if let type, !known.contains(type) {
      throw unsupported("rope.scaling.type", "“\(type)”; linear scaling and a table of factors are supported")
    }
    let attention = try file.optionalFloat(name("rope.scaling.attn_factor")) ?? 1
    guard attention == 1 || attention == 0 else { throw unsupported("rope.scaling.attn_factor", "\(attention)") }
    if type == "none" { return 1 }
    let key = file.metadata[name("rope.scaling.factor")] == nil ? "rope.scale_linear" : "rope.scaling.factor"
    let factor = try file.optionalFloat(name(key)) ?? 0
    guard factor >= 0, factor.isFinite else { throw invalid(key, "\(factor) is not a factor") }
    return factor == 0 ? 1 : 1 / factor
  }

  func refuseUnsupported(_ architecture: Architecture) throws(ModelFileError) {
    let experts = try file.optionalInteger(name("expert_count")) ?? 0
    guard experts == 0 || architecture.ignoresExpertCount else {
      throw unsupported("expert_count", "a mixture of \(experts) experts")
    }
  }

  // MARK: Layers

  func layers(_ blocks: [LayerBlocks], _ c: ModelConfiguration) throws(ModelFileError) -> [LayerConfiguration] {
    let count = blocks.count
    let windows = try windows(count, c.architecture.windows)
    let windowBase = try ropeBase("rope.freq_base_swa")
    let scale = try attentionScale(c, layers: count)
    let isTuned = try file.optionalBool(name("rope.scaling.finetuned")) ?? true
    return windows.enumerated().map { index, window in
      var layer = LayerConfiguration(blocks: blocks[index], window: window, attentionScale: scale)
      guard blocks[index].attention, let kind = c.architecture.rotary, c.alibiSlopes.isEmpty,
        kind.layers.contains(index, of: windows, isTuned: isTuned)
      else { return layer }
      var scheme = RotaryScheme(base: c.ropeBase, scale: c.ropeScale, usesFactors: kind.factors != .none)
      if window != nil, let windows = c.architecture.windows {
        switch windows.base {
        case .same: break
        case .key: scheme.base = windowBase ?? c.ropeBase
        case .unscaled: scheme = RotaryScheme(base: windowBase ?? 10_000, scale: 1, usesFactors: false)
        }
      }
      layer.rotary = scheme
      return layer
    }
  }

  private func attentionScale(_ c: ModelConfiguration, layers: Int) throws(ModelFileError) -> Float {
    if c.headSize == 0 { return 1 }
    let root = 1 / Float(c.latent?.querySize ?? c.headSize).squareRoot()
    switch c.architecture.attentionScale {
    case .inverseRoot: return root
    case .inverse: return 1 / Float(c.headSize)
    case .shareOfWidth(let count):
      return layers == count ? 1 / (Float(c.embeddingLength) / Float(c.headCount)).squareRoot() : root
    case .key:
      let scale = Float(try file.optionalFloat(name("attention.scale")) ?? 0)
      guard scale.isFinite else { throw invalid("attention.scale", "\(scale) is not a factor") }
      return scale == 0 ? root : scale
    }
  }

  /// The window of each layer; nil for none.
  private func windows(_ count: Int, _ windows: Architecture.Windows?) throws(ModelFileError) -> [Int?] {
    let none = [Int?](repeating: nil, count: count)
    let stated = try file.optionalInteger(name("attention.sliding_window"), in: 0...1 << 30)
    guard let windows, windows.layers ?? count == count, let size = stated ?? windows.size, size > 0 else {
      return none
    }
    let key = "attention.sliding_window_pattern"
    var period = windows.period
    switch file.metadata[name(key)] {
    case .array(let list)?:
      let flags: [Bool]
      if case .bool(let bools) = list {
        flags = bools
      } else {
        flags = try file.integerArray(name(key)).map { $0 != 0 }
      }
      guard flags.count == count else { throw invalid(key, "is for \(flags.count) layers of \(count)") }
      return flags.map { $0 ? size : nil }
    case nil: break
    case _?: period = try file.integer(name(key), in: 0...1 << 16)
    }
    return (0..<count).map { layer in
      // A period of 0 stands for windows everywhere.
      period == 0 || layer % period != (windows.fullFirst ? 0 : period - 1) ? size : nil
    }
  }
}

extension Architecture.Rotary.Layers {
  fileprivate func contains(_ layer: Int, of windows: [Int?], isTuned: Bool) -> Bool {
    switch self {
    case .all: true
    case .byKey: isTuned
    case .inModels(let layers): windows.count == layers
    case .allButEvery(let n): (layer + 1) % n != 0
    case .windowed: windows[layer] != nil || windows.allSatisfy { $0 == nil }
    }
  }
}
