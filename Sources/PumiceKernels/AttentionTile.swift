import PumiceGPU
import PumiceOperators
import PumiceTensors

/// The variants of Attention that tile the rows: what is read of the cache serves a whole tile.
enum AttentionTile {
  static let register = Variant<Attention>(
    "register_tile",
    summary: "Tiles of rows × keys in registers, probabilities broadcast; for prompts where barriers are dear.",
    shaders: ["Attention/attention_register.comp"] + PlainCache.shaders, generated: Attention.generatedSample,
    needs: [.subgroup(.ballot), .subgroup(.arithmetic), .fixedSubgroupSize],
    refusal: { op, device in refusal(op, rows: Register.rows(device), device) },
    loopIterations: { op, device in
      // Every loop that is not unrolled, and one round more in which it finds its end.
      let keys = Register.keysPerLane(device), block = device.subgroupSize * keys
      func words(_ size: Int, _ format: TensorFormat) -> Int { PlainCache.isHalf(format) ? size / 2 : size }
      let chunks = groups(words(op.valueSize, op.valueFormat), of: device.subgroupSize * Register.chunkWords)
      let lanes = Register.unrollsLanes(device) ? 0 : keys * (device.subgroupSize + 1)
      let masks = Register.rows(device) * keys * (1 + op.mask.liveLoops) + 1
      let perBlock = 1 + masks + words(op.keySize, op.keyFormat) / 4 + 1 + chunks * (1 + lanes) + 1
      return groups(op.keys, of: Attention.keysPerTile) * (2 + groups(Attention.keysPerTile, of: block) * perBlock) + 1
        + Register.rows(device) * (groups(op.valueSize, of: device.subgroupSize) + 1) + PlainCache.loopIterations(op)
    }
  ) { op, device in
    var defines = ["SUBGROUP": String(device.subgroupSize), "ROWS": String(Register.rows(device))]
    defines["KEYS_PER_LANE"] = String(Register.keysPerLane(device))
    defines["CHUNK_WORDS"] = String(Register.chunkWords)
    defines["UNROLL_LANES"] = Register.unrollsLanes(device) ? "[[unroll]]" : "[[dont_unroll]]"
    return plan(
      op, "Attention/attention_register.comp", defines, threads: device.subgroupSize, rows: Register.rows(device),
      subgroupSize: device.subgroupSize)
  }

  static let shared = Variant<Attention>(
    "shared_tile", summary: "Tiles of k and v in shared memory, 32 rows per workgroup; for prompts on GPUs.",
    shaders: ["Attention/attention_shared.comp"] + PlainCache.shaders, generated: Attention.generatedSample,
    needs: [.workgroup(Shared.threads), .sharedMemory(Shared.sharedBytes)],
    refusal: { op, device in
      Shared.units(op) > Shared.mostUnits
        ? "its tiles hold no more than \(Shared.mostUnits * 16) bytes of a key or value"
        : refusal(op, rows: Attention.rowsPerTile, device)
    },
    loopIterations: { op, _ in
      let block = Shared.block(op), units = Shared.units(op)
      let masks = 2 * block / Shared.columns * op.mask.liveLoops
      let perBlock = 3 * groups(block * units, of: Shared.threads) + units + masks + 3 * block + 4
      return groups(op.keys, of: Attention.keysPerTile) * (1 + Attention.keysPerTile / block * perBlock)
        + PlainCache.loopIterations(op)
    }
  ) { op, device in
    plan(
      op, "Attention/attention_shared.comp",
      ["COLUMNS": String(Shared.columns), "BLOCK": String(Shared.block(op))], threads: Shared.threads,
      rows: Attention.rowsPerTile)
  }

  /// The tile of `attention_register.comp`.
  private enum Register {
    /// Narrow subgroups come with few registers: SwiftShader takes a minute to compile a tile of eight rows, for four half
    /// a second.
    static func rows(_ device: DeviceInfo) -> Int { device.subgroupSize < 8 ? 4 : 8 }
    /// No more than a tile of keys has.
    static func keysPerLane(_ device: DeviceInfo) -> Int { max(1, min(2, Attention.keysPerTile / device.subgroupSize)) }
    static let chunkWords = 2
    /// Broadcasts from constant lanes are twice as fast on lavapipe; elsewhere they only take long to compile.
    static func unrollsLanes(_ device: DeviceInfo) -> Bool { [8, 16].contains(device.subgroupSize) }
  }

  /// The tile of `attention_shared.comp`.
  private enum Shared {
    static let columns = 8
    static var threads: Int { Attention.rowsPerTile / 2 * columns }
    /// Units of 16 bytes of the longer of key and value.
    static func units(_ op: Attention) -> Int {
      func units(_ size: Int, _ format: TensorFormat) -> Int { size * (PlainCache.isHalf(format) ? 2 : 4) / 16 }
      return max(units(op.keySize, op.keyFormat), units(op.valueSize, op.valueFormat))
    }
    static let mostUnits = 64
    /// Keys at a time: as many as 16 KiB hold.
    static func block(_ op: Attention) -> Int { units(op) > 32 ? 16 : 32 }
    /// Two tiles of scores, the largest tile of cells, a unit between its rows, and the positions of a block.
    static var sharedBytes: Int {
      16 * max(32 * (32 + 1), 16 * (mostUnits + 1)) + 2 * 4 * Attention.rowsPerTile * (32 + 1) + 4 * 32
    }
  }

  private static func refusal(_ op: Attention, rows: Int, _ device: DeviceInfo) -> String? {
    PlainCache.refusal(op, device)
      ?? Attention.countRefusal([groups(op.tokens * op.group, of: rows), op.computedHeads.count, op.sequences], device)
  }

  private static func plan(
    _ op: Attention, _ shader: String, _ own: [String: String], threads: Int, rows: Int, subgroupSize: Int? = nil
  ) -> Plan {
    let cache = PlainCache(op)
    var plan = cache.plan
    var step = Step(
      shader, defines: op.defines.merging(cache.defines) { first, _ in first }.merging(own) { first, _ in first },
      generated: op.generated, specialization: [UInt32(threads)],
      bindings: [
        op.binding("q"), cache.keys, cache.values, op.binding("positions"), op.binding("key_positions"),
        op.binding("lengths"), op.binding("totals"), op.binding("mask"), op.binding("score"),
        op.binding("tile_counts"), op.binding("tile_list"), op.binding("sinks"), op.binding("y"), cache.logSumExp(op),
      ],
      constants: [
        "tokens": UInt32(op.tokens), "capacity": UInt32(op.capacity), "first_head": op.firstHead,
        "scale": op.scale.bitPattern,
      ], groups: (groups(op.tokens * op.group, of: rows), op.computedHeads.count, op.sequences),
      subgroupSize: subgroupSize)
    if cache.needsLogSumExp(op) { step.defines["LOG_SUM_EXP"] = "" }
    plan.steps.append(step)
    plan.steps += cache.probabilities(op)
    return plan
  }
}
