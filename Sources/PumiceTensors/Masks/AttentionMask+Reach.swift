/// Keys that queries may still see however long the text grows: the first `sinks` positions, and those less than `window`
/// before the query.
public struct MaskReach: Hashable, Sendable {
  public var sinks: Int
  public var window: Int

  public init(sinks: Int, window: Int) {
    self.sinks = sinks
    self.window = window
  }

  /// What either reaches, and no less.
  func union(_ other: MaskReach) -> MaskReach {
    MaskReach(sinks: max(sinks, other.sinks), window: max(window, other.window))
  }
}

extension AttentionMask {
  /// A bound on what the mask lets through: a live key is one of the first `sinks` or less than `window` before the query,
  /// so that all others may be forgotten. Nil where no bound is known; it need not be the least.
  ///
  /// - Precondition: the mask is valid for some number of heads.
  public var reach: MaskReach? {
    switch self {
    case .full, .causal, .prefixLM, .documents, .blocks, .tree, .user, .complement: nil
    case .window(let n): MaskReach(sinks: 0, window: n)
    case .sinks(let n): MaskReach(sinks: n, window: 0)
    case .dilated(let window, let stride): MaskReach(sinks: 0, window: window == 0 ? 0 : (window - 1) * stride + 1)
    case .tokens(let positions): MaskReach(sinks: positions.last.map { $0 + 1 } ?? 0, window: 0)
    case .slash(let offsets): MaskReach(sinks: 0, window: offsets.last.map { $0 + 1 } ?? 0)
    case .shiftedGroups(let size): MaskReach(sinks: 0, window: size)
    case .perHead(let masks): Self.union(masks.map(\.reach))
    case .span(let spans, let block): Self.union(spans.map { Self.reach($0, block: block) })
    case .intersection(let a, let b):
      // Each alone is a bound.
      switch (a.reach, b.reach) {
      case (let a?, let b?): a.sinks + a.window <= b.sinks + b.window ? a : b
      case (let bound, nil), (nil, let bound): bound
      }
    case .union(let a, let b): Self.union([a.reach, b.reach])
    }
  }

  /// Whether it is known to hide every key behind its query.
  ///
  /// - Precondition: the mask is valid for some number of heads.
  public var isCausal: Bool {
    switch self {
    case .causal, .slash: true
    case .full, .window, .sinks, .dilated, .blocks, .prefixLM, .documents, .tree, .tokens, .shiftedGroups, .span, .user,
      .complement:
      false
    case .perHead(let masks): masks.allSatisfy(\.isCausal)
    case .intersection(let a, let b): a.isCausal || b.isCausal
    case .union(let a, let b): a.isCausal && b.isCausal
    }
  }

  /// What any of several reaches; nil if one has no bound.
  public static func union(_ reaches: [MaskReach?]) -> MaskReach? {
    reaches.reduce(MaskReach(sinks: 0, window: 0)) { total, reach in
      guard let total, let reach else { return nil }
      return total.union(reach)
    }
  }

  private static func reach(_ span: HeadSpan, block: Int) -> MaskReach? {
    guard span.beta == 0 else { return nil }
    // Less than so many blocks apart; from the first position of one to the last of the other is less than one more.
    return MaskReach(sinks: 0, window: max(1, span.alpha / block) * block)
  }
}
