/// The masks of a model: rules for layers and heads, of which the last that applies holds.
///
/// ```
/// causal & (sinks(4) | window(256))                            everywhere
/// layers 0-3: causal; layers 4-7 heads 2,5: causal & window(64)
/// ```
///
/// Where no rule applies, attention is causal.
public struct MaskPlan: Hashable, Sendable {
  /// A mask for some layers and heads.
  public struct Rule: Hashable, Sendable {
    /// Nil stands for all.
    public var layers: [ClosedRange<Int>]?
    /// Query heads; nil stands for all.
    public var heads: [ClosedRange<Int>]?
    public var mask: AttentionMask

    public init(layers: [ClosedRange<Int>]? = nil, heads: [ClosedRange<Int>]? = nil, _ mask: AttentionMask) {
      self.layers = layers
      self.heads = heads
      self.mask = mask
    }
  }

  public var rules: [Rule]

  public init(_ rules: [Rule]) { self.rules = rules }

  /// One mask for every layer and head.
  public init(_ mask: AttentionMask) { rules = [Rule(mask)] }

  /// The mask of one layer: that of its heads where they all have the same, else one for each.
  ///
  /// - Parameter default: what holds where no rule applies.
  public func mask(layer: Int, heads: Int, default: AttentionMask = .causal) -> AttentionMask {
    let masks = (0..<heads).map { head in
      rules.last { rule in
        rule.layers.contains(layer) && rule.heads.contains(head)
      }?.mask ?? `default`
    }
    guard let first = masks.first else { return `default` }
    return masks.allSatisfy { $0 == first } ? first : .perHead(masks)
  }

  /// Throws unless every rule is about layers and heads that there are, and its mask valid for them.
  public func validate(
    layers: Int, heads: Int, positions: Int = AttentionMask.limit
  ) throws(AttentionMaskError) {
    for rule in rules {
      for range in rule.layers ?? [] where range.lowerBound < 0 || range.upperBound >= layers {
        throw .layer(range.upperBound, layers: layers)
      }
      for range in rule.heads ?? [] where range.lowerBound < 0 || range.upperBound >= heads {
        throw .head(range.upperBound, heads: heads)
      }
      try rule.mask.validate(heads: heads, positions: positions)
    }
  }
}

extension [ClosedRange<Int>]? {
  fileprivate func contains(_ value: Int) -> Bool { self?.contains { $0.contains(value) } ?? true }

  /// `layers 0-3, 7 `, or nothing.
  fileprivate func text(_ name: String) -> String {
    guard let self else { return "" }
    let ranges = self.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
    return "\(name) \(ranges.joined(separator: ", "))"
  }
}

extension MaskPlan: MaskText {
  public var description: String { rules.map(\.description).joined(separator: "; ") }

  /// The plan that a text stands for.
  ///
  /// - Throws: `MaskSyntaxError`, which points at the mistake.
  public init(parsing text: String) throws(MaskSyntaxError) {
    var parser = MaskParser(text)
    var rules: [Rule] = []
    repeat { rules.append(try parser.rule()) } while parser.take(";")
    try parser.end("expected &, |, ; or the end")
    self.rules = rules
  }
}

extension MaskPlan.Rule: CustomStringConvertible {
  public var description: String {
    let places = [layers.text("layers"), heads.text("heads")].filter { !$0.isEmpty }
    return places.isEmpty ? mask.description : "\(places.joined(separator: " ")): \(mask)"
  }
}

extension MaskParser {
  /// `[layers RANGES] [heads RANGES]: mask`, or a mask alone.
  fileprivate mutating func rule() throws(MaskSyntaxError) -> MaskPlan.Rule {
    let layers = try ranges(of: "layers")
    let heads = try ranges(of: "heads")
    if layers != nil || heads != nil { try expect(":") }
    return MaskPlan.Rule(layers: layers, heads: heads, try mask())
  }

  private mutating func ranges(of name: String) throws(MaskSyntaxError) -> [ClosedRange<Int>]? {
    guard take(word: name) else { return nil }
    var ranges = [try range()]
    while take(",") { ranges.append(try range()) }
    return ranges
  }
}
