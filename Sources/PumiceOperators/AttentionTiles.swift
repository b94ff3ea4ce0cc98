public import PumiceTensors

/// The tiles of keys that attention has to look at: for each tile of query rows a list of those in which any row sees any
/// key, made on the device, because positions are known there alone.
///
/// Rows of a key-value head are token-major, row = token · group + head within the group, in tiles of `rowsPerTile`. Cell j
/// of the cache belongs to tile j / `keysPerTile`; cells need not be in the order of their positions. A row whose token has
/// position −1 is padding and sees nothing; a cell is empty if its key position is −1 or its index is not below `lengths`.
///
/// `list` holds the tiles with a live pair of row and cell in ascending order, then −1; `counts` says how many. Bit 30
/// (`fullTile`) is set if nothing in the tile needs to be masked: no row of it is padding, no cell of it is empty or lies
/// past the end of the cache, and every row sees every cell. Rows past the last are not there and change nothing.
public struct AttentionTiles: Operator {
  public static let name = OperatorName.attentionTiles

  /// The bit of a list's entry that says that the tile needs no mask.
  public static let fullTile = 1 << 30

  public let sequences: Int
  /// Queries of each sequence.
  public let tokens: Int
  /// Query heads.
  public let heads: Int
  public let kvHeads: Int
  /// Cells of each key-value head of a sequence.
  public let capacity: Int
  public let mask: AttentionMask
  public let rowsPerTile: Int
  public let keysPerTile: Int
  /// Words of the mask's numbers.
  private let maskWords: Int

  public init(
    sequences: Int = 1, tokens: Int, heads: Int, kvHeads: Int, capacity: Int, mask: AttentionMask,
    rowsPerTile: Int = 64, keysPerTile: Int = 64
  ) {
    self.sequences = sequences
    self.tokens = tokens
    self.heads = heads
    self.kvHeads = kvHeads
    self.capacity = capacity
    self.mask = mask
    self.rowsPerTile = rowsPerTile
    self.keysPerTile = keysPerTile
    let isValid = (try? mask.validate(heads: heads)) != nil
    maskWords = isValid ? mask.parameters(heads: heads).count : 0
  }

  /// Query heads that share a key-value head.
  public var group: Int { heads / kvHeads }
  /// Tiles of rows of each key-value head.
  public var rowTiles: Int { (tokens * group + rowsPerTile - 1) / rowsPerTile }
  /// Tiles of cells of each key-value head.
  public var keyTiles: Int { (capacity + keysPerTile - 1) / keysPerTile }

  public var arguments: [Argument] {
    [
      .input("positions", [sequences, tokens], .i32), .input("key_positions", [sequences, kvHeads, capacity], .i32),
      .input("lengths", [sequences, kvHeads], .i32), .input("totals", [sequences], .i32),
      .input("mask", [maskWords], .i32), .output("counts", [sequences, kvHeads, rowTiles], .i32),
      .output("list", [sequences, kvHeads, rowTiles, keyTiles], .i32),
    ]
  }
  /// As if every pair of row and cell were looked at.
  public var flops: Double { Double(sequences * tokens) * Double(heads) * Double(capacity) }

  public func validate() throws(OperatorError) {
    try requireSizes([
      "sequences": sequences, "tokens": tokens, "heads": heads, "kvHeads": kvHeads, "capacity": capacity,
      "rowsPerTile": rowsPerTile, "keysPerTile": keysPerTile,
    ])
    try require(heads % kvHeads == 0, "\(heads) heads are no multiple of \(kvHeads) key-value heads")
    do throws(AttentionMaskError) { try mask.validate(heads: heads) } catch {
      throw OperatorError(Self.name, error.description)
    }
    for (count, factors) in [
      ("rows", [sequences, tokens, heads]), ("cells", [sequences, kvHeads, capacity]),
      ("tiles", [sequences, kvHeads, rowTiles, keyTiles]),
    ] {
      try require(
        factors.reduce(1.0) { $0 * Double($1) } < 0x1p30, "\(count) are more than 32-bit indices reach")
    }
  }

  public var description: String {
    let mask = mask.description
    let shown = mask.count > 80 ? "\(mask.prefix(80))…" : mask
    return "attention_tiles(\(shown), \(sequences)×\(tokens) tokens, heads \(heads)/\(kvHeads), \(capacity) cells, "
      + "tiles \(rowsPerTile)×\(keysPerTile))"
  }
}
