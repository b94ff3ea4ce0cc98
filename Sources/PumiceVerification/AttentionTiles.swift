public import PumiceKernels
public import PumiceOperators
public import PumiceReference
import PumiceTensors

extension AttentionTiles: Verifiable {
  /// Every kind of mask and what they are put together to, with every grouping of heads and awkward tiles.
  public static var problems: [AttentionTiles] {
    shapes.flatMap { shape in
      masks(heads: shape.kvHeads * shape.group).map { mask in
        AttentionTiles(
          sequences: shape.sequences, tokens: shape.tokens, heads: shape.kvHeads * shape.group, kvHeads: shape.kvHeads,
          capacity: shape.capacity, mask: mask, rowsPerTile: shape.rowsPerTile, keysPerTile: shape.keysPerTile)
      }
    }
  }

  /// All inputs are whole numbers that `special` makes.
  public static var dataKinds: [DataKind] { [.normal] }

  private struct TileShape {
    var sequences: Int, tokens: Int, kvHeads: Int, group: Int, capacity: Int, rowsPerTile: Int, keysPerTile: Int
  }

  private static func shape(
    _ sequences: Int, _ tokens: Int, heads: (Int, Int), _ capacity: Int, tiles: (Int, Int)
  ) -> TileShape {
    TileShape(
      sequences: sequences, tokens: tokens, kvHeads: heads.0, group: heads.1, capacity: capacity,
      rowsPerTile: tiles.0, keysPerTile: tiles.1)
  }

  private static let shapes = [
    shape(1, 1, heads: (1, 1), 1, tiles: (1, 1)), shape(1, 1, heads: (2, 4), 65, tiles: (4, 16)),
    shape(1, 7, heads: (1, 3), 40, tiles: (4, 8)), shape(2, 5, heads: (2, 2), 33, tiles: (8, 16)),
    shape(1, 33, heads: (1, 1), 70, tiles: (16, 16)), shape(3, 3, heads: (1, 8), 50, tiles: (16, 32)),
    shape(1, 64, heads: (1, 2), 128, tiles: (64, 64)), shape(1, 17, heads: (2, 3), 100, tiles: (32, 32)),
    shape(2, 9, heads: (1, 4), 31, tiles: (5, 7)), shape(1, 130, heads: (1, 1), 150, tiles: (64, 64)),
    shape(1, 20, heads: (3, 1), 64, tiles: (8, 64)), shape(1, 41, heads: (1, 2), 90, tiles: (3, 1)),
    shape(1, 12, heads: (1, 5), 400, tiles: (16, 2)),
  ]

  /// Positions in the problems are less than three times the capacity.
  static func masks(heads: Int) -> [AttentionMask] {
    let even = MaskFunction("even", glsl: "((query + key) & 1) == 0") { _, query, key, _ in (query + key) % 2 == 0 }
    let skewed = MaskFunction("skewed", glsl: "key < length / 3\n  && int(head) <= query") { head, query, key, length in
      key < length / 3 && head <= query
    }
    // Pairs of the first key in the middle of a tile that differ from all others.
    let spot = MaskFunction("spot", glsl: "key != 0 || query % 7 != 3") { _, query, key, _ in
      key != 0 || query % 7 != 3
    }
    let long = (0..<heads).map { HeadSpan(alpha: $0 - 99_980, beta: 1) }
    let tree = AttentionMask.tree(start: 20, parents: [-1, 0, 0, 1, -1, 4, 2, 6, 1, 3, 9, 5])
    let blocks = AttentionMask.blocks(BlockList(size: 16, [[0], [1, 3], [], [0, 1, 2, 3], [4], [0, 2, 4, 5]]))
    let list = AttentionMask.tokens([0, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 31, 47, 63, 64, 100, 211])
    let spans = (0..<heads).map { HeadSpan(alpha: 13 * ($0 % 3) - 9, beta: 0.125 * Double($0 % 4)) }
    let choices: [AttentionMask] = [
      .causal, .causal & .window(9), list, .window(3), !.sinks(30), .causal & .window(30),
    ]
    let perHead = AttentionMask.perHead((0..<heads).map { choices[$0 % choices.count] })
    let sparse: AttentionMask = .causal & (.sinks(4) | .window(16))
    return [
      .full, .causal, .window(5), .window(40), .window(0), .sinks(3), .sinks(40), .sinks(0),
      .dilated(window: 4, stride: 3),
      .dilated(window: 0, stride: 5), .dilated(window: 12, stride: 1), .dilated(window: 50, stride: 2), blocks,
      .blocks(BlockList(size: 3, [])), .blocks(BlockList(size: 70, [[0, 1, 2], [0]])), .prefixLM(20), .prefixLM(0),
      .documents([17, 33, 64]), .documents([]), .documents([0, 40]), tree, .tree(start: 0, parents: [-1, 0, 1]),
      .tree(start: 45, parents: []), list, .tokens([]), .tokens(Array(16..<64)), .slash([0, 1, 2, 5, 17, 40]),
      .slash(Array(0..<70)), .shiftedGroups(24), .shiftedGroups(7), .shiftedGroups(64), perHead, .span(spans),
      .span(spans, block: 8), .span(long), .user(even), .user(skewed) & .causal, .user(spot), !.user(spot), sparse,
      !sparse, sparse | blocks, .causal & blocks,
      .causal & .documents([25, 50]) & !.dilated(window: 3, stride: 4),
      !perHead & .perHead(Array(repeating: sparse, count: heads)),
      .causal & (.tokens([2, 40]) | .slash(Array(0..<12))), .causal & .span(spans) | !(.user(even) | .window(60)),
      .full & !.full, !(tree & .causal) | .sinks(2), .shiftedGroups(32) & .causal,
    ]
  }

  /// Where tokens are in the cache: one after the other, with gaps, rotated as in a ring, or in no order with empty cells.
  private func keyPositions(_ random: inout RandomSource) -> [Int32] {
    (0..<sequences * kvHeads).flatMap { head -> [Int32] in
      switch (head + capacity + tokens + rowsPerTile) % 4 {
      case 0: return (0..<capacity).map { Int32($0) }
      case 1:
        var position = random.below(3) - 1
        return (0..<capacity).map { _ in
          position += 1 + random.below(2) * random.below(4)
          return Int32(position)
        }
      case 2:
        let turn = random.below(capacity)
        return (0..<capacity).map { Int32(($0 + turn) % capacity + ($0 + turn >= capacity ? capacity : 0)) }
      default:
        return (0..<capacity).map { _ in
          Int32(random.below(2 * capacity + 1) - (random.below(5) == 0 ? 3 * capacity : 1))
        }
      }
    }.map { max(-1, $0) }
  }

  /// The last tokens, the same with padding before or behind them, or tokens in no order; of several sequences one is
  /// nothing but padding.
  private func queryPositions(_ random: inout RandomSource) -> [Int32] {
    (0..<sequences).flatMap { sequence -> [Int32] in
      let start = max(0, capacity - tokens)
      switch (sequence * 3 + tokens + capacity + keysPerTile) % 5 {
      case 0, 1: return (0..<tokens).map { Int32(start + $0) }
      case 2: return (0..<tokens).map { $0 < tokens / 3 ? -1 : Int32(start + $0) }
      case 3: return (0..<tokens).map { $0 > tokens / 2 ? -1 : Int32($0 * 2) }
      default:
        return sequences > 2
          ? Array(repeating: -1, count: tokens)
          : (0..<tokens).map { _ in Int32(max(-1, random.below(2 * capacity + 8) - 8)) }
      }
    }
  }

  /// Large problems are for benchmarks, and as a model has them: every cell in use, the queries at the end.
  private var isOrdinary: Bool { capacity >= 2048 }

  private func ordinary(_ argument: Argument) -> [UInt8]? {
    switch argument.name {
    case "positions":
      integers((0..<sequences).flatMap { _ in (0..<tokens).map { Int32(max(0, capacity - tokens) + $0) } })
    case "key_positions": integers((0..<sequences * kvHeads).flatMap { _ in (0..<capacity).map { Int32($0) } })
    case "lengths": integers(Array(repeating: Int32(capacity), count: sequences * kvHeads))
    case "totals": integers(Array(repeating: Int32(capacity), count: sequences))
    default: nil
    }
  }

  public func special(_ argument: Argument, _ random: inout RandomSource) -> [UInt8]? {
    if isOrdinary, let bytes = ordinary(argument) { return bytes }
    return switch argument.name {
    case "positions": integers(queryPositions(&random))
    case "key_positions": integers(keyPositions(&random))
    case "lengths":
      integers(
        (0..<sequences * kvHeads).map { _ in
          Int32(
            [capacity, capacity, capacity - capacity / 3, random.below(capacity + 1), 0, capacity + 5][random.below(6)])
        })
    case "totals": integers((0..<sequences).map { _ in Int32([capacity, 0, 3 * capacity, 100_000][random.below(4)]) })
    case "mask": integers(mask.parameters(heads: heads).map { Int32(bitPattern: $0) })
    default: nil
    }
  }
}
