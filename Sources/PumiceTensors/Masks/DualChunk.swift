/// Dual chunk attention (An et al. 2024; Qwen2.5-1M): rotary positions that never exceed `chunk`, however long the text is, so
/// that no distance is met that the model has not seen in training.
///
/// Keys lie at their position modulo `period` = chunk − local. A query takes part in three attentions over disjoint keys, each
/// with a rotary position of its own, which merge by their log-sum-exps. Distances up to `local` are what they are.
public struct DualChunk: Hashable, Sendable {
  public let chunk: Int
  public let local: Int

  /// The keys of one of the three attentions.
  public enum Part: CaseIterable, Hashable, Sendable {
    /// Those of the query's own period.
    case own
    /// Those of the period before.
    case previous
    /// All older ones.
    case older
  }

  /// - Throws: `AttentionMaskError.number` unless 0 ≤ local ≤ chunk − local and chunk is positive.
  public init(chunk: Int, local: Int) throws(AttentionMaskError) {
    let chunks = 1...AttentionMask.limit - 1
    if !chunks.contains(chunk) { throw .number(mask: "dualChunk", name: "chunk", value: chunk, allowed: chunks) }
    let locals = 0...chunk / 2
    if !locals.contains(local) { throw .number(mask: "dualChunk", name: "local", value: local, allowed: locals) }
    self.chunk = chunk
    self.local = local
  }

  /// Positions after which those of keys begin anew.
  public var period: Int { chunk - local }

  /// Which attention a key belongs to: a function of both positions, key ≤ query.
  public func part(query: Int, key: Int) -> Part {
    switch query / period - key / period {
    case 0: .own
    case 1: .previous
    default: .older
    }
  }

  /// The rotary position of a key.
  public func rotaryPosition(key: Int) -> Int { key % period }

  /// The rotary position of a query in one of its attentions.
  public func rotaryPosition(query: Int, _ part: Part) -> Int {
    switch part {
    case .own: query % period
    case .previous: min(query % period + period, chunk)
    case .older: chunk
    }
  }

  /// The distance that a query is turned against a key, key ≤ query: query − key wherever that is at most `local`, and
  /// within 0…chunk everywhere.
  public func distance(query: Int, key: Int) -> Int {
    rotaryPosition(query: query, part(query: query, key: key)) - rotaryPosition(key: key)
  }

  /// The mask of one attention. Those of all three share no key, and together are causal.
  ///
  /// - Parameter positions: how many positions there are.
  public func mask(_ part: Part, positions: Int) -> AttentionMask {
    let periods = 0..<(positions + period - 1) / period
    func blocks(_ list: (Int) -> [Int]) -> AttentionMask { .blocks(BlockList(size: period, periods.map(list))) }
    return switch part {
    case .own: .causal & blocks { [$0] }
    case .previous: .causal & blocks { $0 > 0 ? [$0 - 1] : [] }
    case .older: .causal & !blocks { Array(max(0, $0 - 1)...$0) }
    }
  }
}
