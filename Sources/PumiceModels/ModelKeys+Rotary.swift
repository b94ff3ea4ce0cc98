import PumiceModelFiles
import PumiceOperators

extension ModelKeys {
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

  // MARK: Scaling

  /// Linear scaling divides positions by a factor, YaRN some frequencies more than others; a factor of 0 stands for none, as
  /// converters write it.
  func ropeScaling(
    _ rotary: Architecture.Rotary?, contextLength: Int
  ) throws(ModelFileError) -> (scale: Double, yarn: RoPEScaling.YaRN?, magnitude: Float) {
    let type = try file.optionalString(name("rope.scaling.type"))
    let known = ["linear", "none", "yarn"] + (rotary?.factors == .shortAndLong ? ["longrope"] : [])
    if let type, !known.contains(type) {
      throw unsupported("rope.scaling.type", "“\(type)”; linear scaling, YaRN and a table of factors are supported")
    }
    let stated = try number("rope.scaling.attn_factor", or: 1, in: 0...1e4)
    let magnitude = stated == 0 ? 1 : stated
    if type == "none" { return (1, nil, Float(magnitude)) }
    let key = file.metadata[name("rope.scaling.factor")] == nil ? "rope.scale_linear" : "rope.scaling.factor"
    let written = try number(key, or: 0, in: 0...1e9)
    let factor = written == 0 ? 1 : written
    // A negative share stands for what the type says.
    let share = try number("rope.scaling.yarn_ext_factor", or: -1, in: -1e4...1e4)
    guard share > 0 || (share < 0 && type == "yarn") else {
      let other = try number("rope.scaling.yarn_attn_factor", or: 1, in: 0...1e4)
      return (1 / factor, nil, Float(magnitude * other))
    }
    let yarn = RoPEScaling.YaRN(
      factor: factor,
      original: Double(
        try optionalSize("rope.scaling.original_context_length", most: 1 << 30) ?? contextLength),
      fast: try number("rope.scaling.yarn_beta_fast", or: 32, in: 1e-3...1e6),
      slow: try number("rope.scaling.yarn_beta_slow", or: 1, in: 1e-3...1e6),
      share: share < 0 ? 1 : share, roundsRange: rotary?.roundsBlend ?? true)
    // Where a second magnitude is stated, for all dimensions, the scores of attention have it already.
    let weight = try number("rope.scaling.yarn_log_multiplier", or: 0, in: 0...1e4) * (rotary?.logMultiplierUnit ?? 1)
    let sharpening =
      RoPEScaling.yarnMagnitude(factor: factor)
      / (weight == 0 ? 1 : RoPEScaling.yarnMagnitude(factor: factor, weight: weight))
    return (1 / factor, yarn, Float(magnitude * sharpening))
  }

  func temperature(
    _ temperature: Architecture.Temperature, contextLength: Int
  ) throws(ModelFileError) -> Temperature? {
    switch temperature {
    case .none: return nil
    case .unrotated(let length, let scale, let offset): return Temperature(length: length, scale: scale, offset: offset)
    case .key, .keys:
      let scale = try number("attention.temperature_scale", or: 0, in: 0...1e4)
      if scale == 0 { return nil }
      if temperature == .keys {
        let length = try size("attention.temperature_length", most: 1 << 30)
        return Temperature(length: length, scale: Float(scale), offset: 0)
      }
      let length = try optionalSize("rope.scaling.original_context_length", most: 1 << 30) ?? contextLength
      return Temperature(length: length, scale: Float(scale), offset: 0)
    }
  }

  private func number(_ key: String, or absent: Double, in range: ClosedRange<Double>) throws(ModelFileError) -> Double
  {
    let value = try file.optionalFloat(name(key)) ?? absent
    guard range.contains(value) else {
      throw invalid(key, "\(value) is not between \(range.lowerBound) and \(range.upperBound)")
    }
    return value
  }

  // MARK: Layers

  /// How each layer turns queries and keys; nil for not at all.
  func rotarySchemes(_ c: ModelConfiguration, _ windows: [Int?]) throws(ModelFileError) -> [RotaryScheme?] {
    guard let kind = c.architecture.rotary, c.alibiSlopes.isEmpty else {
      return Array(repeating: nil, count: windows.count)
    }
    let windowBase = try ropeBase("rope.freq_base_swa")
    let stated = try file.optionalInteger(name("rope.dimension_count_swa"), in: 0...c.headSize) ?? 0
    let windowDimensions = stated == 0 ? c.rotaryDimensions : stated
    guard windowDimensions % 2 == 0 else { throw invalid("rope.dimension_count_swa", "\(windowDimensions) is odd") }
    let isTuned = try file.optionalBool(name("rope.scaling.finetuned")) ?? true
    let dense = try file.optionalInteger(name("leading_dense_block_count"), in: 0...1 << 16) ?? 0
    return windows.enumerated().map { index, window in
      guard kind.layers.contains(index, of: windows, isTuned: isTuned, leadingDense: dense) else { return nil }
      let plain = RotaryScheme(
        base: c.ropeBase, dimensions: c.rotaryDimensions, scale: 1, yarn: nil, magnitude: 1, usesFactors: false)
      var scheme = plain
      scheme.scale = c.ropeScale
      scheme.yarn = c.yarn
      scheme.magnitude = c.ropeMagnitude
      scheme.usesFactors = kind.factors != .none
      if window != nil, let windows = c.architecture.windows {
        switch windows.base {
        case .same: break
        case .key: scheme.base = windowBase ?? c.ropeBase
        case .keyUnscaled:
          scheme = plain
          scheme.base = windowBase ?? c.ropeBase
          scheme.dimensions = windowDimensions
        case .unscaled:
          scheme = plain
          scheme.base = windowBase ?? 10_000
        }
      }
      return scheme
    }
  }
}

extension Architecture.Rotary.Layers {
  fileprivate func contains(_ layer: Int, of windows: [Int?], isTuned: Bool, leadingDense: Int) -> Bool {
    switch self {
    case .all: true
    case .byKey: isTuned
    case .inModels(let layers): windows.count == layers
    case .allButEvery(let n): (layer + 1) % n != 0
    case .windowed: windows[layer] != nil || windows.allSatisfy { $0 == nil }
    case .windowedOrLeadingDense:
      windows[layer] != nil || windows.allSatisfy { $0 == nil } || layer < leadingDense
    }
  }
}
