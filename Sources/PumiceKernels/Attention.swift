public import PumiceGPU
public import PumiceOperators
import PumiceTensors

extension Attention: Dispatchable {
  public static let variants: [Variant<Attention>] =
    [threadPerRow, subgroupPerRow, registerTile, sharedTile]
    + ThreadPerElement.variants(
      "Attention/attention_naive.comp", size: { ($0.heads, $0.tokens) },
      loopIterations: { ($0.keys + 1) * (2 * $0.headSize + 1) }
    ) { op in
      Step(
        "Attention/attention_naive.comp", defines: op.format == .f16 ? ["CACHE_F16": ""] : [:],
        bindings: op.arguments.map { .argument($0.name) },
        constants: [
          "tokens": UInt32(op.tokens), "heads": UInt32(op.heads), "group": UInt32(op.group),
          "head_size": UInt32(op.headSize), "keys": UInt32(op.keys), "capacity": UInt32(op.capacity),
          "scale": op.scale.bitPattern,
        ], groups: (1, 1, 1))
    }

  /// One token leaves nothing to share but the heads of a group, so the work is split over the keys. Several rows share
  /// what is read of the cache; where barriers are dear that happens in registers.
  public func preference(on device: DeviceInfo) -> [String] {
    let isCPU = device.kind == .cpu
    return if tokens == 1 {
      isCPU
        ? ["thread_per_row", "subgroup_per_row", "register_tile"]
        : ["subgroup_per_row", "thread_per_row", "shared_tile"]
    } else {
      isCPU
        ? ["register_tile", "thread_per_row", "shared_tile"] : ["shared_tile", "register_tile", "subgroup_per_row"]
    }
  }

  /// Query heads that share a key-value head.
  var group: Int { heads / kvHeads }

  /// What all shaders but the naive one are specialized by.
  fileprivate var defines: [String: String] {
    var defines = ["HEAD_SIZE": String(headSize)]
    if format == .f16 { defines["CACHE_F16"] = "" }
    return defines
  }
}

// MARK: Variants that split the keys

/// Keys are split at fixed bounds, so that the result of a row depends on nothing but the row.
private let splitLength = 256

/// Scratch memory that the splits of one dispatch may take.
private let scratchLimit = 1 << 30

extension Attention {
  fileprivate static let threadPerRow = Variant<Attention>(
    "thread_per_row",
    summary: "A lane owns rows of k, then words of v; queries and probabilities are broadcast; split over the keys.",
    shaders: ["Attention/attention_broadcast.comp", "Attention/attention_merge.comp"],
    needs: [.subgroup(.ballot), .subgroup(.arithmetic), .fixedSubgroupSize],
    refusal: { op, device in op.splitRefusal(device) },
    loopIterations: { op, device in
      let blocks = splitLength / (device.subgroupSize * BroadcastTile.keysPerLane)
      return max(1, blocks) * (op.headSize / 4 + BroadcastTile.keysPerLane * device.subgroupSize + 1) + 2 * op.splits
    }
  ) { op, device in
    var defines = op.defines
    defines["KEYS_PER_LANE"] = String(BroadcastTile.keysPerLane)
    return op.splitPlan("Attention/attention_broadcast.comp", defines, device)
  }

  fileprivate static let subgroupPerRow = Variant<Attention>(
    "subgroup_per_row",
    summary:
      "Lanes stride along the elements of a key, scores by shuffles; split over the keys; for one token on GPUs.",
    shaders: ["Attention/attention_subgroup.comp", "Attention/attention_merge.comp"],
    needs: [.subgroup(.shuffle), .subgroup(.arithmetic), .fixedSubgroupSize],
    refusal: { op, device in op.splitRefusal(device) },
    loopIterations: { op, _ in splitLength + 2 * op.splits }
  ) { op, device in
    var defines = op.defines
    let units = op.headSize * (op.format == .f16 ? 2 : 4) / 16
    var lanes = 1
    while lanes < units, lanes < device.subgroupSize { lanes *= 2 }
    defines["KEY_LANES"] = String(lanes)
    // A GPU hides the latency of its memory behind loads; on a CPU more of them only make longer code.
    defines["KEYS_AHEAD"] = device.kind == .cpu ? "1" : "4"
    return op.splitPlan("Attention/attention_subgroup.comp", defines, device)
  }

  private var splits: Int { groups(keys, of: splitLength) }
  /// Query heads that share what a subgroup reads: up to four, as long as a lane's part of their sums is 64 elements.
  /// More would spill from any register file, and drivers take seconds to compile it.
  private func splitHeads(_ device: DeviceInfo) -> Int {
    max(1, min(group, 4, 64 / groups(headSize, of: device.subgroupSize)))
  }
  private var scratchBytes: Int { 4 * tokens * heads * splits * (headSize + 2) }

  private func splitRefusal(_ device: DeviceInfo) -> String? {
    if splits > 1, scratchBytes > scratchLimit {
      return "its splits need \(scratchBytes) bytes of scratch memory, more than \(scratchLimit)"
    }
    let rows = splits > 1 ? tokens * heads : 0
    let needed = [splits, max(kvHeads * groups(group, of: splitHeads(device)), rows), tokens]
    for (axis, count) in needed.enumerated() where count > device.maxWorkgroupCount[axis] {
      return "needs \(count) workgroups along axis \(axis), the device allows \(device.maxWorkgroupCount[axis])"
    }
    return nil
  }

  /// The splits, and their merge if there are several.
  private func splitPlan(_ shader: String, _ shaderDefines: [String: String], _ device: DeviceInfo) -> Plan {
    var defines = shaderDefines
    defines["SUBGROUP"] = String(device.subgroupSize)
    defines["HEADS"] = String(splitHeads(device))
    defines["SPLIT"] = String(splitLength)
    if splits == 1 { defines["DIRECT"] = "" }
    let step = Step(
      shader, defines: defines, specialization: [UInt32(device.subgroupSize)],
      bindings: ["q", "k", "v", "positions"].map { .argument($0) } + [
        splits == 1 ? .argument("y") : .scratch(0, .write)
      ],
      constants: [
        "heads": UInt32(heads), "group": UInt32(group), "keys": UInt32(keys), "capacity": UInt32(capacity),
        "splits": UInt32(splits), "scale": scale.bitPattern,
      ], groups: (splits, kvHeads * groups(group, of: splitHeads(device)), tokens), subgroupSize: device.subgroupSize)
    if splits == 1 { return Plan(step) }
    let threads = 64
    var mergeDefines = self.defines
    mergeDefines["SPLIT"] = String(splitLength)
    let merge = Step(
      "Attention/attention_merge.comp", defines: mergeDefines, specialization: [UInt32(threads)],
      bindings: [.scratch(0, .read), .argument("positions"), .argument("y")],
      constants: ["heads": UInt32(heads), "keys": UInt32(keys), "splits": UInt32(splits)],
      groups: (groups(headSize, of: threads), tokens * heads, 1))
    return Plan([step, merge], scratch: [scratchBytes])
  }
}

/// The tile of `attention_broadcast.comp`.
private enum BroadcastTile {
  static let keysPerLane = 2
}

// MARK: Variants that tile the rows

extension Attention {
  fileprivate static let registerTile = Variant<Attention>(
    "register_tile",
    summary: "Tiles of rows × keys in registers, probabilities broadcast; for prompts where barriers are dear.",
    shaders: ["Attention/attention_register.comp"],
    needs: [.subgroup(.ballot), .subgroup(.arithmetic), .fixedSubgroupSize],
    refusal: { op, device in op.tileRefusal(rows: RegisterTile.rows(device), device) },
    loopIterations: { op, device in
      let block = device.subgroupSize * RegisterTile.keysPerLane
      let chunks = groups(op.headSize, of: device.subgroupSize * RegisterTile.chunkWords)
      return groups(op.keys, of: block) * (op.headSize / 4 + 1 + chunks * (1 + block))
    }
  ) { op, device in
    var defines = op.defines
    defines["SUBGROUP"] = String(device.subgroupSize)
    defines["ROWS"] = String(RegisterTile.rows(device))
    defines["KEYS_PER_LANE"] = String(RegisterTile.keysPerLane)
    defines["CHUNK_WORDS"] = String(RegisterTile.chunkWords)
    // Broadcasts from constant lanes are twice as fast on lavapipe; elsewhere they only take long to compile.
    defines["UNROLL_LANES"] = [8, 16].contains(device.subgroupSize) ? "[[unroll]]" : "[[dont_unroll]]"
    return Plan(
      op.tileStep(
        "Attention/attention_register.comp", defines, threads: device.subgroupSize, rows: RegisterTile.rows(device),
        subgroupSize: device.subgroupSize))
  }

  fileprivate static let sharedTile = Variant<Attention>(
    "shared_tile", summary: "Tiles of k and v in shared memory, 32 rows per workgroup; for prompts on GPUs.",
    shaders: ["Attention/attention_shared.comp"],
    needs: [.workgroup(SharedTile.threads), .sharedMemory(SharedTile.sharedBytes)],
    refusal: { op, device in op.tileRefusal(rows: SharedTile.rows, device) },
    loopIterations: { op, _ in
      let block = SharedTile.block(op), units = SharedTile.units(op)
      return groups(op.keys, of: block) * (2 * groups(block * units, of: SharedTile.threads) + units + 3 * block + 1)
    }
  ) { op, device in
    var defines = op.defines
    defines["TILE_ROWS"] = String(SharedTile.rows)
    defines["COLUMNS"] = String(SharedTile.columns)
    defines["BLOCK"] = String(SharedTile.block(op))
    return Plan(
      op.tileStep("Attention/attention_shared.comp", defines, threads: SharedTile.threads, rows: SharedTile.rows))
  }

  private func tileRefusal(rows: Int, _ device: DeviceInfo) -> String? {
    let tiles = groups(tokens * group, of: rows)
    let limit = device.maxWorkgroupCount
    return tiles <= limit[0] && kvHeads <= limit[1]
      ? nil : "needs \(tiles)×\(kvHeads) workgroups, the device allows \(limit[0])×\(limit[1])"
  }

  private func tileStep(
    _ shader: String, _ defines: [String: String], threads: Int, rows: Int, subgroupSize: Int? = nil
  ) -> Step {
    Step(
      shader, defines: defines, specialization: [UInt32(threads)], bindings: arguments.map { .argument($0.name) },
      constants: [
        "tokens": UInt32(tokens), "heads": UInt32(heads), "group": UInt32(group), "keys": UInt32(keys),
        "capacity": UInt32(capacity), "scale": scale.bitPattern,
      ], groups: (groups(tokens * group, of: rows), kvHeads, 1), subgroupSize: subgroupSize)
  }
}

/// The tile of `attention_register.comp`.
private enum RegisterTile {
  /// Narrow subgroups come with few registers: SwiftShader takes a minute to compile a tile of eight rows, for four half
  /// a second.
  static func rows(_ device: DeviceInfo) -> Int { device.subgroupSize < 8 ? 4 : 8 }
  static let keysPerLane = 2
  static let chunkWords = 2
}

/// The tile of `attention_shared.comp`.
private enum SharedTile {
  static let rows = 32
  static let columns = 8
  static var threads: Int { rows / 2 * columns }
  static func units(_ op: Attention) -> Int { op.headSize * (op.format == .f16 ? 2 : 4) / 16 }
  /// Keys at a time: as many as 16 KiB hold.
  static func block(_ op: Attention) -> Int { units(op) > 32 ? 16 : 32 }
  /// Two tiles of scores and the largest tile of cells, a unit between its rows, and the last key.
  static var sharedBytes: Int { 16 * max(32 * (32 + 1), 16 * (64 + 1)) + 2 * 4 * rows * (32 + 1) + 4 }
}
