import Foundation
import PumiceModelFiles

/// What a folder's configuration says about rotary positions.
struct FolderRope {
  var base: Double
  /// The base in layers with a window, where it is another.
  var windowBase: Double?
  /// Share of a head that is turned.
  var share: Double
  var scaling = RopeScaling.none
  /// Tables that divide the frequencies, by the names of their tensors in GGUF.
  var factors: [(name: String, values: [Float])] = []
  /// YaRN, where GGUF's keys say it; otherwise it is among the tables.
  var yarn: YaRN?
  /// What turned queries and keys are multiplied by, each.
  var magnitude = 1.0
  /// Up to which context the short one of two tables holds.
  var originalContext: Int?

  struct YaRN {
    var factor: Double
    var original: Int
    var fast: Double
    var slow: Double
    /// How much the magnitude of scores grows with the factor.
    var weight: Double

    init(
      _ config: ConfigurationReader, factor: Double, original: Int, weight: Double
    ) throws(ModelFileError) {
      (self.factor, self.original, self.weight) = (factor, original, weight)
      fast = try config.optionalNumber("beta_fast") ?? 32
      slow = try config.optionalNumber("beta_slow") ?? 1
    }
  }

  /// - Parameters:
  ///   - headSize: elements of a query.
  ///   - context: tokens that the model was trained to see at once.
  ///   - hasLatents: whether only a part of queries and keys is turned, and scores grow with YaRN's second magnitude.
  ///   - roundsBlend: whether GGUF's architecture rounds the ends of YaRN's blend.
  /// - Throws: `unsupportedModel` for scaling that is not known, and what is wrong with which key.
  init(
    _ settings: FolderSettings, headSize: Int, context: Int, isRun: Bool, hasLatents: Bool, roundsBlend: Bool
  ) throws(ModelFileError) {
    let config = settings.reader
    // Since version 5 of transformers, also for each kind of layer.
    let parameters = try config.optionalObject("rope_parameters")
    let nested = try parameters?.optionalObject("full_attention")
    let full = nested ?? parameters
    let inWindows = try parameters?.optionalObject("sliding_attention")
    let outerBase = try settings.number("rope_theta", "rotary_emb_base")
    base = try full?.optionalNumber("rope_theta") ?? outerBase ?? 10_000
    if let ratio = try settings.number("rope_ratio") { base *= ratio }
    let outerWindowBase = try settings.number("rope_local_base_freq")
    windowBase = try inWindows?.optionalNumber("rope_theta") ?? outerWindowBase
    let outerShare = try settings.number("partial_rotary_factor", "rotary_pct", "rope_pct")
    let turned = try settings.optionalSize("rotary_dim").map { Double($0) / Double(headSize) }
    share = try full?.optionalNumber("partial_rotary_factor") ?? outerShare ?? turned ?? 1
    guard base > 0, share > 0, share <= 1 else {
      throw settings.refusal("rope_theta", "the base \(base) or the share \(share) of a head is not positive")
    }
    if let inWindows, try Self.type(inWindows).name != "default" {
      throw inWindows.failure(.unsupportedModel, "rope_type", "scaling in layers with a window cannot be run")
    }
    let older = try config.optionalObject("rope_scaling")
    guard let scaling = older ?? full else { return }
    try read(
      scaling, settings, dimensions: Int(Double(headSize) * share), context: context, isRun: isRun,
      hasLatents: hasLatents, roundsBlend: roundsBlend)
  }

  private static func type(_ config: ConfigurationReader) throws(ModelFileError) -> (key: String, name: String) {
    let key = config.value("rope_type") == nil ? "type" : "rope_type"
    return (key, try config.optionalString(key) ?? "default")
  }

  private mutating func read(
    _ config: ConfigurationReader, _ settings: FolderSettings, dimensions: Int, context: Int, isRun: Bool,
    hasLatents: Bool,
    roundsBlend: Bool
  ) throws(ModelFileError) {
    func factor(_ key: String) throws(ModelFileError) -> Double {
      guard let value = try config.optionalNumber(key), value > 0, value.isFinite else {
        throw config.failure(.invalidMetadata, key, "is no factor above 0")
      }
      return value
    }
    func original() throws(ModelFileError) -> Int {
      let key = "original_max_position_embeddings"
      let outer = try settings.size(key, default: context)
      let value = try config.optionalInteger(key) ?? outer
      guard value > 0 else { throw config.failure(.invalidMetadata, key, "\(value) is no size") }
      return value
    }
    let (key, name) = try Self.type(config)
    switch name {
    case "default": break
    case "linear": scaling = .linear(factor: try factor("factor"))
    case "dynamic":
      // Without Hunyuan's constant it acts beyond the stated context alone.
      if let alpha = try config.optionalNumber("alpha"), alpha > 0, dimensions > 2 {
        base *= pow(alpha, Double(dimensions) / Double(dimensions - 2))
      }
    case "llama3":
      let low = try factor("low_freq_factor"), high = try factor("high_freq_factor")
      guard low <= high else {
        throw config.failure(.invalidMetadata, "high_freq_factor", "\(high) is below low_freq_factor, \(low)")
      }
      scaling = .llama3(
        factor: try factor("factor"), low: low, high: high, original: try factor("original_max_position_embeddings"))
    case "longrope", "su":
      let original = try original()
      for (source, name) in [("short_factor", "rope_factors_short"), ("long_factor", "rope_factors_long")] {
        factors.append((name, try Self.table(config, source, count: dimensions / 2)))
      }
      let stretch = Double(context) / Double(original)
      let plain = stretch <= 1 ? 1 : (1 + log(stretch) / log(Double(original))).squareRoot()
      magnitude = try config.optionalNumber("attention_factor") ?? plain
      originalContext = original
    case "yarn" where hasLatents:
      let turned = try config.optionalNumber("mscale") ?? 0, scores = try config.optionalNumber("mscale_all_dim") ?? 0
      guard turned == scores, scores > 0, try config.optionalBool("truncate") ?? true,
        config.value("attention_factor") == nil
      else {
        throw config.failure(
          .unsupportedModel, "mscale", "\(turned) with mscale_all_dim \(scores) cannot be run, only both the same")
      }
      yarn = try YaRN(config, factor: try factor("factor"), original: try original(), weight: scores)
    case "yarn":
      func growth(_ scale: Double, _ factor: Double) -> Double { factor <= 1 ? 1 : 0.1 * scale * log(factor) + 1 }
      let stretch = try factor("factor")
      if let scale = try config.optionalNumber("mscale"), let all = try config.optionalNumber("mscale_all_dim"),
        scale != 0, all != 0
      {
        magnitude = growth(scale, stretch) / growth(all, stretch)
      } else {
        magnitude = growth(1, stretch)
      }
      magnitude = try config.optionalNumber("attention_factor") ?? magnitude
      // Folders are run with a table, whose numbers are those of transformers; files have keys.
      guard !isRun else {
        factors = [("rope_freqs", try yarn(config, dimensions: dimensions, original: Double(try original())))]
        break
      }
      guard try config.optionalBool("truncate") ?? true == roundsBlend else {
        throw config.failure(.unsupportedModel, "truncate", "a blend that is not rounded cannot be converted")
      }
      yarn = try YaRN(config, factor: stretch, original: try original(), weight: 0)
      // Files have it besides the one that follows from the factor.
      magnitude /= growth(1, stretch)
    default:
      throw config.failure(
        .unsupportedModel, key,
        "“\(name)” cannot be run, only default, linear, dynamic, llama3, longrope and yarn")
    }
    guard magnitude > 0, magnitude.isFinite else {
      throw config.failure(.invalidMetadata, "attention_factor", "\(magnitude) is no factor above 0")
    }
  }

  private static func table(
    _ config: ConfigurationReader, _ key: String, count: Int
  ) throws(ModelFileError) -> [Float] {
    var values: [Float] = []
    for value in try config.optionalArray(key) ?? [] {
      switch value {
      case .integer(let number) where number > 0: values.append(Float(number))
      case .number(let number) where number > 0 && number.isFinite: values.append(Float(number))
      default: throw config.failure(.invalidMetadata, key, "has an element that is no factor above 0")
      }
    }
    guard values.count == count else {
      throw config.failure(.invalidMetadata, key, "has \(values.count) factors, expected \(count)")
    }
    return values
  }

  /// What divides the frequencies: 1 for those that turn often within the original context, the factor for those that turn
  /// less than once, a mixture between.
  ///
  /// Source: Peng et al. 2023 (YaRN), and transformers' `_compute_yarn_parameters`.
  private func yarn(
    _ config: ConfigurationReader, dimensions: Int, original: Double
  ) throws(ModelFileError) -> [Float] {
    guard let factor = try config.optionalNumber("factor"), factor > 0, factor.isFinite, base > 1 else {
      throw config.failure(.invalidMetadata, "factor", "is no factor above 0")
    }
    let fast = try config.optionalNumber("beta_fast") ?? 32, slow = try config.optionalNumber("beta_slow") ?? 1
    let truncates = try config.optionalBool("truncate") ?? true
    func dimension(turns: Double) -> Double {
      Double(dimensions) * log(original / (turns * 2 * Double.pi)) / (2 * log(base))
    }
    var low = dimension(turns: fast), high = dimension(turns: slow)
    guard low.isFinite, high.isFinite else {
      throw config.failure(.invalidMetadata, "beta_fast", "\(fast) and beta_slow, \(slow), are not above 0")
    }
    if truncates { (low, high) = (low.rounded(.down), high.rounded(.up)) }
    (low, high) = (max(low, 0), min(high, Double(dimensions - 1)))
    if low == high { high += 0.001 }
    return (0..<dimensions / 2).map { index in
      let ramp = min(1, max(0, (Double(index) - low) / (high - low)))
      return Float(1 / (ramp / factor + 1 - ramp))
    }
  }
}
