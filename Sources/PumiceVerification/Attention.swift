public import PumiceKernels
public import PumiceOperators
public import PumiceReference
import PumiceTensors

extension Attention: Verifiable {
  /// Every head size with every group, cache and kind of length, in pairs: keys around tiles (32), blocks (16, by subgroup size
  /// more) and splits (256), rows around tiles of 8 and 32. Then every mask, every format, and what else there is to choose.
  public static var problems: [Attention] {
    let own = [
      AttentionProblems.decoding, AttentionProblems.prompts, AttentionProblems.masked, AttentionProblems.formats,
      AttentionProblems.options, AttentionProblems.parts, AttentionProblems.latent,
    ]
    return own.flatMap { $0 } + AttentionPublished.cases.map(\.problem)
  }

  /// Positions, lengths and tiles: a function of the problem alone, because the tiles depend on all of the others.
  public func special(_ argument: Argument, _ random: inout RandomSource) -> [UInt8]? {
    let places = AttentionPlaces(self)
    return switch argument.name {
    case "positions": integers(places.positions)
    case "key_positions": integers(places.keyPositions)
    case "lengths": integers(places.lengths)
    case "totals": integers(places.totals)
    case "mask": integers(mask.parameters(heads: heads).map { Int32(bitPattern: $0) })
    case "tile_counts": integers(places.tiles("counts"))
    case "tile_list": integers(places.tiles("list"))
    case "score": integers(ScoreProgram(modifications).words.map { Int32(bitPattern: $0) })
    default: nil
    }
  }

  /// Empty cells hold what was there before.
  public func unused(_ argument: Argument) -> [Range<Int>] {
    guard argument.name == "k" || argument.name == "v" else { return [] }
    guard argument.format.isPlain else { return [] }
    let places = AttentionPlaces(self)
    let heads = computedHeads
    let bytes = argument.byteCount / (sequences * heads.count * capacity)
    return (0..<sequences * heads.count * capacity).filter { cached in
      let (head, cell) = (cached / capacity, cached % capacity)
      let set = head / heads.count * kvHeads + heads.lowerBound + head % heads.count
      return cell >= Int(places.lengths[set]) || places.keyPositions[set * capacity + cell] < 0
    }.map { $0 * bytes..<($0 + 1) * bytes }
  }
}

/// Where the tokens of a problem are.
private struct AttentionPlaces {
  let op: Attention
  let positions: [Int32]
  let keyPositions: [Int32]
  let lengths: [Int32]
  let totals: [Int32]

  init(_ op: Attention) {
    self.op = op
    var random = RandomSource(seed: 1, label: op.description)
    // Large problems are for benchmarks, and as a model has them; so is a cache that is in use to its last cell.
    let isOrdinary = op.keys >= 2048 || op.tokens >= 128 || op.keys == op.capacity
    let style = isOrdinary ? 0 : (op.tokens * 3 + op.keys + op.heads) % 4
    // Positions grow with the cells; or have gaps; or go around as in a ring; or are in no order, and some cells are empty.
    keyPositions = (0..<op.sequences * op.kvHeads).flatMap { _ -> [Int32] in
      switch op.mask == .causal ? min(style, 1) : style {
      case 0: return (0..<op.capacity).map { Int32($0) }
      case 1:
        var position = Int32(random.below(3))
        return (0..<op.capacity).map { _ in
          position += Int32(1 + random.below(2) * random.below(3))
          return position
        }
      case 2:
        let turn = random.below(op.keys)
        return (0..<op.capacity).map { Int32(($0 + turn) % op.keys) }
      default:
        return (0..<op.capacity).map { _ in Int32(random.below(7) == 0 ? -1 : random.below(2 * op.keys)) }
      }
    }
    // Full, nearly full, or of any length; one head of several has nothing.
    lengths = (0..<op.sequences * op.kvHeads).map { set in
      if isOrdinary { return Int32(op.keys) }
      return switch (set + op.keys) % 5 {
      case 0, 1: Int32(op.keys)
      case 2: Int32(max(1, op.keys - random.below(op.keys)))
      case 3: Int32(op.keys - op.keys / 7)
      default: set > 0 ? 0 : Int32(op.keys)
      }
    }
    // The last tokens in order; or with padding before them; or in no order.
    let last = Int(keyPositions.max() ?? 0)
    positions = (0..<op.sequences).flatMap { sequence -> [Int32] in
      let start = max(0, last + 1 - op.tokens)
      if isOrdinary { return (0..<op.tokens).map { Int32(start + $0) } }
      if op.tokens == 1 {
        return [
          [last, last + 7, last * 2 / 3, op.keys > 256 && op.sequences == 1 && op.keys < 1000 ? -1 : last / 2][
            op.keys % 4]
        ].map {
          Int32($0)
        }
      }
      switch (sequence + op.tokens + op.keys) % 3 {
      case 0: return (0..<op.tokens).map { Int32(start + $0) }
      case 1: return (0..<op.tokens).map { $0 == 0 ? -1 : Int32(start + $0) }
      default:
        return (0..<op.tokens).map { token in
          switch token % 5 {
          case 0: Int32(last)
          case 1: -1
          case 2: Int32(last + token)
          case 3: 0
          default: Int32(random.below(last + 1))
          }
        }
      }
    }
    totals = (0..<op.sequences).map { _ in Int32(op.keys + random.below(100)) }
  }

  /// An output of the operator that lists the tiles, by its definition.
  func tiles(_ name: String) -> [Int32] {
    let inputs = [
      "positions": positions, "key_positions": keyPositions, "lengths": lengths, "totals": totals,
    ].mapValues { $0.map(Double.init) }
    return op.tiles.evaluate(inputs)[name]!.map { Int32($0) }
  }
}
