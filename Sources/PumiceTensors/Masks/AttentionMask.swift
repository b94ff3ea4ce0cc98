/// Which keys a query may see: a predicate over the query head and the positions of query and key in the text.
///
/// `.causal & (.sinks(4) | .window(1024))` lets every token see the first four and the 1024 up to itself. Positions are
/// those of the tokens, not of cells: a cache may hold any subset of the tokens in any order. One value has three uses: the
/// reference evaluates it (`isLive`), shaders evaluate it for single keys, and whole tiles of keys are skipped by it.
///
/// Numbers and positions lie below `limit`. Only `causal` and `prefixLM` tell later keys from earlier ones; the other kinds
/// are symmetric or look at the key alone, and become causal by `.causal &`.
public indirect enum AttentionMask: Hashable, Sendable {
  /// Every key.
  case full
  /// Keys up to the query itself: key ≤ query.
  case causal
  /// Keys less than `n` positions away, before or after: |query − key| < n.
  case window(Int)
  /// The first `n` positions (StreamingLLM's attention sinks): key < n.
  case sinks(Int)
  /// `window` keys `stride` positions apart on either side, the query included (Longformer): |query − key| = i·stride,
  /// i < window.
  case dilated(window: Int, stride: Int)
  /// Pairs of a block of queries and a block of keys from a list.
  case blocks(BlockList)
  /// The first `n` positions, by all, and keys up to the query: key < n or key ≤ query.
  case prefixLM(Int)
  /// Keys of the query's own document. The list holds the positions at which documents after the first begin.
  case documents([Int])
  /// A tree of drafted tokens behind a context: node i lies at mask position `start` + i, and its parent is the node
  /// `parents[i]` < i, or −1 for a root. Keys before `start` are live, and ancestors of the query, itself included.
  case tree(start: Int, parents: [Int])
  /// Keys at the positions of a sorted list.
  case tokens([Int])
  /// Keys at distances from a sorted list: query − key is one of them (MInference's slash diagonals).
  case slash([Int])
  /// Keys of the query's own group of `size` positions; for the second half of the heads groups are shifted by half a group
  /// (LongLoRA's S², without the wrap): ⌊(query + shift) / size⌋ = ⌊(key + shift) / size⌋.
  case shiftedGroups(Int)
  /// A mask for each query head.
  case perHead([AttentionMask])
  /// A window for each query head that grows with the length N of the sequence (MoA), in whole blocks of positions:
  /// |⌊query / block⌋ − ⌊key / block⌋| < max(1, ⌊α / block⌋ + ⌊β·N / block⌋).
  case span([HeadSpan], block: Int)
  /// A function of the user's.
  case user(MaskFunction)
  /// Keys that both let through.
  case intersection(AttentionMask, AttentionMask)
  /// Keys that either lets through.
  case union(AttentionMask, AttentionMask)
  /// Keys that it does not let through.
  case complement(AttentionMask)

  /// Keys in the columns of a sorted list, for every query (MInference's vertical lines): the same as `tokens`.
  public static func vertical(_ columns: [Int]) -> AttentionMask { .tokens(columns) }

  /// Windows of α + β·N positions.
  public static func span(_ spans: [HeadSpan]) -> AttentionMask { .span(spans, block: 1) }

  public static func & (a: AttentionMask, b: AttentionMask) -> AttentionMask { .intersection(a, b) }
  public static func | (a: AttentionMask, b: AttentionMask) -> AttentionMask { .union(a, b) }
  public static prefix func ! (a: AttentionMask) -> AttentionMask { .complement(a) }

  /// Numbers and positions are less than this, so that shaders can add and subtract any two of them.
  public static let limit = 1 << 30
}

/// Pairs of blocks in compressed rows: block q of `size` queries sees the blocks of keys
/// `columns[rows[q]..<rows[q + 1]]`. Blocks of queries past the last row see nothing.
public struct BlockList: Hashable, Sendable {
  public var size: Int
  /// Where in `columns` each row begins, and the end of the last.
  public var rows: [Int]
  /// Blocks of keys, ascending within a row.
  public var columns: [Int]

  public init(size: Int, rows: [Int], columns: [Int]) {
    self.size = size
    self.rows = rows
    self.columns = columns
  }

  /// - Parameter lists: the blocks of keys that each block of queries sees.
  public init(size: Int, _ lists: [[Int]]) {
    self.size = size
    rows = [0]
    for list in lists { rows.append(rows.last! + list.count) }
    columns = Array(lists.joined())
  }

  /// The blocks of keys of each block of queries; what lies outside of the columns is left out.
  public var lists: [[Int]] {
    zip(rows, rows.dropFirst()).map { Array(columns.dropFirst(max(0, $0)).prefix(max(0, $1 - max(0, $0)))) }
  }
}

/// How far a head sees in a sequence of N tokens: α + β·N.
public struct HeadSpan: Hashable, Sendable {
  public var alpha: Int
  /// 0 to 1, rounded to a multiple of 2⁻¹⁶, so that α + β·N comes out the same everywhere.
  public let beta: Double

  public init(alpha: Int, beta: Double) {
    self.alpha = alpha
    self.beta = (beta * 65536).rounded() / 65536
  }

  /// β in units of 2⁻¹⁶.
  package var scaledBeta: Int { Int(beta * 65536) }
}
