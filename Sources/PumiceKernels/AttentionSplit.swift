import PumiceGPU
import PumiceOperators
import PumiceTensors

/// The variants of Attention that split the list of tiles: scores of a few rows, then their sums of values, then the merge
/// of all splits. Keys and values are decoded from any format where they are used.
enum AttentionSplit {
  static let variants = [threadPerRow, subgroupPerRow]

  private static let threadPerRow = variant(
    "thread_per_row",
    summary: "A lane owns a key, then elements of the value; scores, values and merge apart; for one token on CPUs.",
    needs: []
  ) { _, _ in 1 }

  private static let subgroupPerRow = variant(
    "subgroup_per_row",
    summary: "Lanes share a key, scores by shuffles; scores, values and merge apart; for one token on GPUs.",
    needs: [.subgroup(.shuffle)]
  ) { op, device in
    // Units of 16 bytes of a plain key, else blocks of 32 elements.
    let units =
      op.keyFormat.isPlain ? op.keySize * (op.keyFormat == .f32 ? 4 : 2) / 16 : op.keySize / 32
    var lanes = 1
    while 2 * lanes <= units, lanes < device.subgroupSize { lanes *= 2 }
    return lanes
  }

  /// Tiles of a split. The same everywhere, so that a result does not depend on how many splits there are.
  private static let splitTiles = 8
  private static let mergeThreads = 64

  /// - Parameter keyLanes: lanes that share a key.
  private static func variant(
    _ name: String, summary: String, needs: [Requirement],
    keyLanes: @escaping @Sendable (Attention, DeviceInfo) -> Int
  ) -> Variant<Attention> {
    Variant(
      name, summary: summary,
      shaders: [
        "Attention/attention_scores.comp", "Attention/attention_values.comp", "Attention/attention_merge.comp",
      ] + PlainCache.shaders,
      generated: Attention.generatedSample, needs: [.subgroup(.arithmetic), .fixedSubgroupSize] + needs,
      refusal: { op, device in refusal(op, device) },
      loopIterations: { op, device in
        let rounds = groups(Attention.keysPerTile * keyLanes(op, device), of: device.subgroupSize)
        let masks = rows(op, device) * (1 + op.mask.liveLoops) + 1
        let scores = splitTiles * (2 + rounds * (3 + masks + op.keySize / 4))
        let values = groups(op.valueSize, of: 32 * device.subgroupSize) * (splitTiles + 1) * (Attention.keysPerTile + 1)
        return max(scores, values, splits(op) * (2 + device.subgroupSize)) + PlainCache.loopIterations(op)
      }
    ) { op, device in plan(op, device, keyLanes: keyLanes(op, device)) }
  }

  private static func splits(_ op: Attention) -> Int {
    groups(groups(op.keys, of: Attention.keysPerTile), of: splitTiles)
  }

  /// Rows that share what a subgroup reads: up to four, as long as a lane's part of their sums is 64 elements or it decodes
  /// them from codes. More would spill from any register file, and drivers take seconds to compile it.
  private static func rows(_ op: Attention, _ device: DeviceInfo) -> Int {
    let elements = groups(op.valueSize, of: device.subgroupSize)
    let most = op.valueFormat.isPlain ? max(1, min(4, 64 / elements)) : 4
    var rows = 1
    while 2 * rows <= min(most, op.tokens * op.group) { rows *= 2 }
    return rows
  }

  /// Cells whose values are read at once, and so partial sums of a split: see `attention_values.comp`.
  private static func parts(_ op: Attention, _ device: DeviceInfo) -> Int {
    if op.valueFormat.isPlain { return 1 }
    return device.subgroupSize / min(op.valueSize / 32, device.subgroupSize)
  }

  private static func scratch(_ op: Attention, _ device: DeviceInfo) -> [Int] {
    let chunkRows = rows(op, device)
    let chunked = op.sets * groups(op.tokens * op.group, of: chunkRows) * chunkRows
    return [
      4 * chunked * op.tiles.keyTiles * Attention.keysPerTile, 8 * chunked * splits(op),
      4 * chunked * splits(op) * parts(op, device) * op.valueSize,
    ]
  }

  private static func refusal(_ op: Attention, _ device: DeviceInfo) -> String? {
    let bytes = scratch(op, device).reduce(0, +)
    if bytes > PlainCache.scratchLimit {
      return "its splits need \(bytes) bytes of scratch memory, more than \(PlainCache.scratchLimit)"
    }
    let chunks = groups(op.tokens * op.group, of: rows(op, device))
    return Attention.countRefusal([splits(op), max(chunks, op.tokens * op.group), op.sets], device)
      ?? (op.outputs.isDisjoint(with: [.columnSums, .lastRow]) ? nil : PlainCache.refusal(op, device))
  }

  private static func plan(_ op: Attention, _ device: DeviceInfo, keyLanes: Int) -> Plan {
    let probabilities = !op.outputs.isDisjoint(with: [.columnSums, .lastRow])
    let cache = PlainCache(op)
    // Unpacked keys and values are for the probabilities alone.
    var plan = probabilities ? cache.plan : Plan([])
    let first = plan.scratch.count
    plan.scratch += scratch(op, device)
    let chunks = groups(op.tokens * op.group, of: rows(op, device))
    var defines = op.defines
    defines["SUBGROUP"] = String(device.subgroupSize)
    defines["ROWS"] = String(rows(op, device))
    defines["SPLIT_TILES"] = String(splitTiles)
    func step(
      _ shader: String, _ own: [String: String], generated: [String: String] = [:], _ bindings: [Step.Binding],
      _ constants: KeyValuePairs<String, UInt32>
    ) -> Step {
      Step(
        "Attention/\(shader).comp", defines: defines.merging(own) { _, new in new }, generated: generated,
        specialization: [UInt32(device.subgroupSize)], bindings: bindings, constants: constants,
        groups: (splits(op), chunks, op.sets), subgroupSize: device.subgroupSize)
    }
    func format(_ macro: String, _ format: TensorFormat) -> [String: String] {
      format.isPlain
        ? ["\(macro)_\(format.name.uppercased())": ""] : format.weightDefines(["GROUP_STEP": "32"])
    }
    plan.steps.append(
      step(
        "attention_scores", format("KEY", op.keyFormat).merging(["KEY_LANES": String(keyLanes)]) { first, _ in first },
        generated: op.generated,
        [
          op.binding("q"), op.binding("k"), op.binding("positions"), op.binding("key_positions"), op.binding("lengths"),
          op.binding("totals"), op.binding("mask"), op.binding("score"), op.binding("tile_counts"),
          op.binding("tile_list"), .scratch(first, .readWrite), .scratch(first + 1, .write),
        ] + op.keyFormat.weightBindings,
        [
          "tokens": UInt32(op.tokens), "capacity": UInt32(op.capacity), "first_head": op.firstHead,
          "part_heads": op.partHeads, "splits": UInt32(splits(op)), "scale": op.scale.bitPattern,
        ]))
    var values = format("VALUE", op.valueFormat)
    if !op.valueFormat.isPlain { values["KEYS_AT_ONCE"] = String(parts(op, device)) }
    plan.steps.append(
      step(
        "attention_values", values,
        [
          .scratch(first, .read), op.binding("v"), op.binding("tile_counts"), op.binding("tile_list"),
          .scratch(first + 2, .write),
        ] + op.valueFormat.weightBindings,
        [
          "tokens": UInt32(op.tokens), "capacity": UInt32(op.capacity), "first_head": op.firstHead,
          "part_heads": op.partHeads, "splits": UInt32(splits(op)),
        ]))
    if cache.needsLogSumExp(op) { defines["LOG_SUM_EXP"] = "" }
    var merge = Step(
      "Attention/attention_merge.comp", defines: defines, specialization: [UInt32(mergeThreads)],
      bindings: [
        .scratch(first + 2, .read), .scratch(first + 1, .read), op.binding("tile_counts"), op.binding("sinks"),
        op.binding("y"), cache.logSumExp(op),
      ],
      constants: [
        "tokens": UInt32(op.tokens), "first_head": op.firstHead, "part_heads": op.partHeads,
        "splits": UInt32(splits(op)), "parts": UInt32(parts(op, device)),
      ], groups: (groups(op.valueSize, of: mergeThreads), op.tokens * op.group, op.sets))
    merge.defines["SUBGROUP"] = nil
    plan.steps.append(merge)
    plan.steps += cache.probabilities(op)
    return plan
  }
}
