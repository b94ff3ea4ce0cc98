public import PumiceTensors

/// Scaled dot-product attention with grouped heads over a cache, under any mask (Vaswani et al. 2017; Ainslie et al. 2023):
///
///     y[s, t, h, :] = Σ_j softmax_j(f(scale · q[s, t, h, :] · k[s, g, j, :])) · v[s, g, j, :],   g = h / group,
///
/// over the cells j that the mask lets head h of token t see. Cell j holds the token of position `key_positions[s, g, j]`;
/// cells from `lengths[s, g]` on, and those of position −1, are empty and never read. A query of position −1 is padding.
/// f are the `modifications` of the score, one after the other. With `hasSinks` a learned logit of each head takes part in
/// the softmax and has the value zero. A row that sees nothing is zeros.
///
/// What a shader looks at is said by `tile_counts` and `tile_list`, which the operator `tiles` makes on the device: once for
/// all attention with the same mask and positions. A sequence's result depends neither on the other sequences nor on the
/// order in which a device works through the tiles.
///
/// Where the key-value heads of a layer are stored in different formats, one operator computes a `part` of them that share a
/// pair of formats. Its k and v hold the heads of the part and no others; all other arguments are those of the whole layer, so
/// that heads keep their numbers, and of the outputs the rows of other heads stay as they were. A head has the same bits
/// whatever part it belongs to.
public struct Attention: Operator {
  public static let name = OperatorName.attention

  /// What it can write besides y.
  public enum Output: String, CaseIterable, Codable, Hashable, Sendable {
    /// `log_sum_exp` [sequences, tokens, heads]: log Σ_j exp of the scores and of the sink; −∞ for a row that sees nothing
    /// and has no sink.
    case logSumExp = "log_sum_exp"
    /// `column_sums` [sequences, heads, capacity]: the probabilities that each cell got, summed over the tokens (H2O, Zhang
    /// et al. 2023).
    case columnSums = "column_sums"
    /// `last_row` [sequences, heads, capacity]: the probabilities of the last token (SnapKV, LazyLLM).
    case lastRow = "last_row"
  }

  /// Rows and cells of a tile: see `AttentionTiles`.
  public static let rowsPerTile = 32, keysPerTile = 32
  /// The largest size of a key or a value: what a latent of 512 elements and its rotated part take (DeepSeek-V2).
  public static let mostSize = 576

  public var sequences: Int
  /// Queries of each sequence.
  public var tokens: Int
  /// Query heads.
  public var heads: Int
  public var kvHeads: Int
  /// The key-value heads that are computed, those of k and v; nil for all.
  public var part: Range<Int>?
  /// Elements of a query and a key.
  public var keySize: Int
  /// Elements of a value.
  public var valueSize: Int
  /// Cells of each key-value head of a sequence.
  public var capacity: Int
  /// What no entry of `lengths` may be more than, at most `capacity`: the less it is, the less work is dispatched.
  public var keys: Int
  public var keyFormat: TensorFormat
  public var valueFormat: TensorFormat
  public var scale: Float
  public var mask: AttentionMask
  public var modifications: [ScoreModification]
  public var hasSinks: Bool
  public var outputs: Set<Output>

  /// - Parameters:
  ///   - part: the key-value heads that are computed; by default all.
  ///   - valueSize, valueFormat: by default those of the keys.
  ///   - keys: by default the capacity.
  ///   - scale: by default 1/√keySize.
  public init(
    sequences: Int = 1, tokens: Int, heads: Int, kvHeads: Int, part: Range<Int>? = nil, keySize: Int,
    valueSize: Int? = nil, capacity: Int, keys: Int? = nil, keyFormat: TensorFormat, valueFormat: TensorFormat? = nil,
    scale: Float? = nil, mask: AttentionMask = .causal,
    modifications: [ScoreModification] = [], hasSinks: Bool = false, outputs: Set<Output> = []
  ) {
    self.sequences = sequences
    self.tokens = tokens
    self.heads = heads
    self.kvHeads = kvHeads
    self.part = part
    self.keySize = keySize
    self.valueSize = valueSize ?? keySize
    self.capacity = capacity
    self.keys = keys ?? capacity
    self.keyFormat = keyFormat
    self.valueFormat = valueFormat ?? keyFormat
    self.scale = scale ?? 1 / Float(keySize).squareRoot()
    self.mask = mask
    self.modifications = modifications
    self.hasSinks = hasSinks
    self.outputs = outputs
  }

  /// The operator that makes `tile_counts` and `tile_list`: its `counts` and `list`.
  public var tiles: AttentionTiles {
    AttentionTiles(
      sequences: sequences, tokens: tokens, heads: heads, kvHeads: kvHeads, capacity: capacity, mask: mask,
      rowsPerTile: Self.rowsPerTile, keysPerTile: Self.keysPerTile)
  }

  /// Query heads that share a key-value head.
  public var group: Int { heads / kvHeads }

  /// The key-value heads that are computed.
  public var computedHeads: Range<Int> { part ?? 0..<max(0, kvHeads) }

  public var arguments: [Argument] {
    let tiles = self.tiles
    var arguments: [Argument] = [
      .input("q", [sequences, tokens, heads, keySize]).aligned(to: 16),
      .input("k", [sequences, computedHeads.count, capacity, keySize], keyFormat).aligned(to: 16),
      .input("v", [sequences, computedHeads.count, capacity, valueSize], valueFormat).aligned(to: 16),
      .input("positions", [sequences, tokens], .i32), .input("key_positions", [sequences, kvHeads, capacity], .i32),
      .input("lengths", [sequences, kvHeads], .i32), .input("totals", [sequences], .i32), tiles.argument("mask"),
      .input("tile_counts", [sequences, kvHeads, tiles.rowTiles], .i32),
      .input("tile_list", [sequences, kvHeads, tiles.rowTiles, tiles.keyTiles], .i32),
    ]
    if !modifications.isEmpty { arguments.append(.input("score", [scoreWords], .i32)) }
    if hasSinks { arguments.append(.input("sinks", [heads])) }
    // Of what other parts have written nothing may be lost.
    let output = part == nil ? Argument.output : Argument.inout
    arguments.append(output("y", [sequences, tokens, heads, valueSize], .f32))
    for kind in Output.allCases where outputs.contains(kind) {
      arguments.append(
        output(kind.rawValue, kind == .logSumExp ? [sequences, tokens, heads] : [sequences, heads, capacity], .f32))
    }
    return arguments
  }

  /// As if every query saw all keys.
  public var flops: Double {
    2 * Double(sequences * tokens) * Double(computedHeads.count * group) * Double(keys) * Double(keySize + valueSize)
  }
  public var bytes: Double {
    Double(sequences * computedHeads.count) * Double(keys)
      * (Double(keySize) * keyFormat.bitsPerElement + Double(valueSize) * valueFormat.bitsPerElement) / 8
      + 4 * Double(sequences * tokens) * Double(computedHeads.count * group) * Double(keySize + valueSize)
  }

  public func validate() throws(OperatorError) {
    try requireSizes([
      "sequences": sequences, "tokens": tokens, "heads": heads, "kvHeads": kvHeads, "keySize": keySize,
      "valueSize": valueSize, "capacity": capacity, "keys": keys,
    ])
    try require(keys <= capacity, "\(keys) keys are more than the cache's capacity \(capacity)")
    try tiles.validate()
    try require(part: part, of: kvHeads)
    for (name, size, format) in [("key", keySize, keyFormat), ("value", valueSize, valueFormat)] {
      try requireCache(of: name, size: size, format)
      try require(size <= Self.mostSize, "the \(name) size \(size) is more than \(Self.mostSize)")
      try require(
        Double(sequences * kvHeads) * Double(capacity) * Double(size) <= Double(UInt32.max)
          && Double(sequences * tokens) * Double(heads) * Double(size) <= Double(UInt32.max),
        "a tensor is larger than 32-bit indices reach")
    }
    try require(scale.isFinite, "scale \(scale) is not finite")
    do throws(AttentionMaskError) {
      for modification in modifications { try modification.validate(heads: heads) }
      try modifications.requireNumbers(heads: heads, mask: mask, positions: capacity)
    } catch {
      throw OperatorError(Self.name, error.description)
    }
  }

  public var description: String {
    var parts = ["\(keyFormat.name)\(valueFormat == keyFormat ? "" : "/\(valueFormat.name)")"]
    parts.append("\(sequences > 1 ? "\(sequences)×" : "")\(tokens) tokens")
    parts.append("heads \(heads)/\(kvHeads)×\(keySize)\(valueSize == keySize ? "" : "/\(valueSize)")")
    if let part { parts.append("part \(part)") }
    parts.append("\(keys) keys of \(capacity)")
    let mask = mask.description
    parts.append(mask.count > 60 ? "\(mask.prefix(60))…" : mask)
    parts += modifications.map(\.description)
    if hasSinks { parts.append("sinks") }
    parts += Output.allCases.filter(outputs.contains).map(\.rawValue)
    return "attention(\(parts.joined(separator: ", ")))"
  }

  /// Words of the argument `score`, the numbers of the modifications: what `ScoreProgram` has.
  private var scoreWords: Int {
    modifications.reduce(modifications.count) { count, modification in
      if case .alibi(let slopes) = modification { count + slopes.count } else { count }
    }
  }
}
