import PumiceGPU
public import PumiceOperators
import PumiceTensors

extension AttentionTiles: Dispatchable {
  public static let variants: [Variant<AttentionTiles>] = [byBounds, plain]

  /// What its shaders share.
  private func step(
    _ shader: String, bindings: [Step.Binding], constants: KeyValuePairs<String, UInt32>, groups: (Int, Int, Int)
  ) -> Step {
    Step(
      shader, generated: ["mask": MaskProgram(mask).text], bindings: bindings, constants: constants, groups: groups)
  }

  private static let byBounds = Variant<AttentionTiles>(
    "subgroup_bounds",
    summary: "A subgroup per row tile: lanes decide key tiles by bounds of positions, and look at those left over.",
    shaders: [
      "AttentionTiles/key_bounds.comp", "AttentionTiles/classify.comp", "AttentionTiles/compact.comp",
    ],
    generated: MaskProgram.sample,
    needs: [.subgroup(.vote), .subgroup(.ballot), .subgroup(.arithmetic), .fixedSubgroupSize, .workgroup(64)],
    refusal: { op, device in
      let limit = device.maxWorkgroupCount
      let runs = groups(op.keyTiles, of: op.run(device))
      let needed =
        [max(runs, groups(op.keyTiles, of: 64)), max(op.rowTiles, op.sequences * op.kvHeads)]
        + [op.sequences * op.kvHeads]
      for (axis, count) in needed.enumerated() where count > limit[axis] {
        return "needs \(count) workgroups along axis \(axis), the device allows \(limit[axis])"
      }
      return nil
    },
    loopIterations: { op, device in
      max(
        op.keysPerTile, op.classifyLoops(run: op.run(device), device), 2 * groups(op.keyTiles, of: device.subgroupSize))
    }
  ) { op, device in
    let lanes = device.subgroupSize
    let heads = op.sequences * op.kvHeads
    let subgroup: (inout Step) -> Void = { step in
      step.defines["SUBGROUP"] = String(lanes)
      step.specialization = [UInt32(lanes)]
      step.subgroupSize = lanes
    }
    let bounds = Step(
      "AttentionTiles/key_bounds.comp", specialization: [64],
      bindings: [.argument("key_positions"), .argument("lengths"), .scratch(0, .write)],
      constants: [
        "capacity": UInt32(op.capacity), "keys_per_tile": UInt32(op.keysPerTile), "tiles": UInt32(op.keyTiles),
      ], groups: (groups(op.keyTiles, of: 64), heads, 1))
    var classify = op.step(
      "AttentionTiles/classify.comp",
      bindings: ["positions", "key_positions", "lengths", "totals", "mask"].map { .argument($0) }
        + [.scratch(0, .read), .argument("list")],
      constants: [
        "tokens": UInt32(op.tokens), "kv_heads": UInt32(op.kvHeads), "group": UInt32(op.group),
        "capacity": UInt32(op.capacity), "rows_per_tile": UInt32(op.rowsPerTile),
        "keys_per_tile": UInt32(op.keysPerTile), "run": UInt32(op.run(device)),
      ], groups: (groups(op.keyTiles, of: op.run(device)), op.rowTiles, heads))
    subgroup(&classify)
    var compact = Step(
      "AttentionTiles/compact.comp", bindings: [.argument("counts"), .argument("list")],
      constants: ["tiles": UInt32(op.keyTiles)], groups: (1, op.rowTiles, heads))
    subgroup(&compact)
    return Plan([bounds, classify, compact], scratch: [12 * heads * op.keyTiles])
  }

  /// Neighbouring key tiles that one subgroup decides: several rounds of its lanes, so that what it knows of the rows pays
  /// off; fewer where looking at them all would be more iterations than a driver allows.
  private func run(_ device: DeviceInfo) -> Int {
    var run = device.subgroupSize * (device.kind == .cpu ? 4 : 1)
    if let limit = device.loopIterationLimit {
      while run > 1, classifyLoops(run: run, device) > limit { run /= 2 }
    }
    return run
  }

  /// Iterations of an invocation of `classify.comp`, at most, each loop's last look at its end included.
  private func classifyLoops(run: Int, _ device: DeviceInfo) -> Int {
    let lanes = device.subgroupSize
    let heads = mask.dependsOnHead ? group : 1
    let rounds = groups(run, of: lanes)
    let tokens = groups(groups(rowsPerTile, of: group) + 1, of: lanes) + 1
    let rows = min(rowsPerTile, self.tokens * group)
    let cells = groups(min(keysPerTile, capacity), of: lanes)
    return 2 * tokens + rounds * (lanes + 2 + heads * (1 + tokens + mask.tileLoops))
      + run * (1 + rows * (2 + cells * (1 + mask.liveLoops)))
  }

  private static let plain = Variant<AttentionTiles>(
    "thread_per_row_tile", summary: "One thread per row tile looks at every pair; for tests and any device.",
    shaders: ["AttentionTiles/plain.comp"], generated: MaskProgram.sample, needs: [.workgroup(64)],
    refusal: { op, device in
      let needed = [groups(op.rowTiles, of: 64), op.sequences * op.kvHeads]
      for (axis, count) in needed.enumerated() where count > device.maxWorkgroupCount[axis] {
        return "needs \(count) workgroups along axis \(axis), the device allows \(device.maxWorkgroupCount[axis])"
      }
      return nil
    },
    loopIterations: { op, _ in
      let rows = min(op.rowsPerTile, op.tokens * op.group)
      return op.keyTiles * (3 + rows * (2 + op.keysPerTile * (1 + op.mask.liveLoops)))
    }
  ) { op, _ in
    var step = op.step(
      "AttentionTiles/plain.comp", bindings: op.arguments.map { .argument($0.name) },
      constants: [
        "tokens": UInt32(op.tokens), "kv_heads": UInt32(op.kvHeads), "group": UInt32(op.group),
        "capacity": UInt32(op.capacity), "rows_per_tile": UInt32(op.rowsPerTile),
        "keys_per_tile": UInt32(op.keysPerTile),
      ], groups: (groups(op.rowTiles, of: 64), op.sequences * op.kvHeads, 1))
    step.specialization = [64]
    return Plan(step)
  }
}
