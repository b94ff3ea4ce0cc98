import PumiceModelFiles
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
    guard size % 8 == 0, size <= 256 else {
      throw unsupported(
        length == nil ? "attention.head_count" : key,
        "heads of \(size) elements; attention takes multiples of 8 up to 256")
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
      case .rms: "attention.layer_norm_rms_epsilon"
      }
    let epsilon = try file.float(name(key))
    guard epsilon >= 0, epsilon < 1 else { throw invalid(key, "\(epsilon) is not between 0 and 1") }
    return Float(epsilon)
  }

  func factor(_ factor: Architecture.Scales.Factor) throws(ModelFileError) -> Float {
    let key: String
    switch factor {
    case .one: return 1
    case .key(let name), .inverseOfKey(let name): key = name
    }
    let value = Float(try file.optionalFloat(name(key)) ?? 0)
    guard value >= 0, value.isFinite else { throw invalid(key, "\(value) is not a positive factor") }
    if value == 0 { return 1 }
    if case .inverseOfKey = factor { return 1 / value }
    return value
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

  func refuseUnsupported() throws(ModelFileError) {
    let experts = try file.optionalInteger(name("expert_count")) ?? 0
    guard experts == 0 else { throw unsupported("expert_count", "a mixture of \(experts) experts") }
  }

  // MARK: Layers

  func layers(_ count: Int, _ c: ModelConfiguration) throws(ModelFileError) -> [LayerConfiguration] {
    let windows = try windows(count, c.architecture.windows)
    let windowBase =
      c.architecture.windows?.hasOwnBase == true ? try ropeBase("rope.freq_base_swa") ?? 10_000 : nil
    let scale = try attentionScale(c)
    return windows.enumerated().map { index, window in
      var rotary: RotaryScheme?
      if let kind = c.architecture.rotary, kind.layers.contains(index, of: windows) {
        rotary = RotaryScheme(base: c.ropeBase, scale: c.ropeScale, usesFactors: kind.factors != .none)
        if window != nil, let windowBase { rotary = RotaryScheme(base: windowBase, scale: 1, usesFactors: false) }
      }
      return LayerConfiguration(window: window, rotary: rotary, attentionScale: scale)
    }
  }

  private func attentionScale(_ c: ModelConfiguration) throws(ModelFileError) -> Float {
    let root = 1 / Float(c.headSize).squareRoot()
    switch c.architecture.attentionScale {
    case .inverseRoot: return root
    case .key:
      let scale = Float(try file.optionalFloat(name("attention.scale")) ?? 0)
      guard scale.isFinite else { throw invalid("attention.scale", "\(scale) is not a factor") }
      return scale == 0 ? root : scale
    }
  }

  /// The window of each layer; nil for none.
  private func windows(_ count: Int, _ windows: Architecture.Windows?) throws(ModelFileError) -> [Int?] {
    let none = [Int?](repeating: nil, count: count)
    guard let windows, let size = try file.optionalInteger(name("attention.sliding_window"), in: 0...1 << 30), size > 0
    else { return none }
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
  fileprivate func contains(_ layer: Int, of windows: [Int?]) -> Bool {
    switch self {
    case .all: true
    case .allButEvery(let n): (layer + 1) % n != 0
    case .windowed: windows[layer] != nil || windows.allSatisfy { $0 == nil }
    }
  }
}
