public import PumiceGPU
public import PumiceOperators
import PumiceTensors

/// A column and its expert at a time, which is all that decoding has, or tiles of columns that go to one expert, made on the
/// device: then each expert's weights are decoded once for every tile. The sums have the order that MatMul's have in the
/// variant of that name.
extension ExpertMatMul: Dispatchable {
  public static let variants: [Variant<ExpertMatMul>] =
    [threadPerRow, threadPerRowTiles, subgroupPerRow, sharedTile]
    + ThreadPerElement.variants(
      "ExpertMatMul/expert_matmul.comp", size: { ($0.m, $0.pairs) }, loopIterations: \.k
    ) { op in op.step("ExpertMatMul/expert_matmul.comp", [:], routes: .argument("experts")) }

  public func preference(on device: DeviceInfo) -> [String] {
    guard device.kind == .cpu else {
      return pairs > 8 * experts ? ["shared_tile", "subgroup_per_row"] : ["subgroup_per_row", "shared_tile"]
    }
    // Tiles pay where experts have several columns on average.
    return pairs > 2 * experts
      ? ["thread_per_row_tiles", "thread_per_row"] : ["thread_per_row", "thread_per_row_tiles"]
  }

  // MARK: A column at a time

  private static let threadPerRow = Variant<ExpertMatMul>(
    "thread_per_row", summary: "One lane per row of the expert, one column at a time; good on CPUs.",
    shaders: ["MatMul/matmul_thread_per_row.comp"],
    needs: [.subgroup(.ballot), .maxSubgroupSize(64), .fixedSubgroupSize],
    refusal: { op, device in op.refusal(rowsPerGroup: device.subgroupSize, columns: op.pairs, device) },
    loopIterations: { op, _ in groups(op.k, of: 32) + 31 }
  ) { op, device in
    var step = op.laneStep(columns: 1, [:], routes: .argument("experts"), device)
    step.groups.1 = op.pairs
    return Plan(step)
  }

  private static let subgroupPerRow = Variant<ExpertMatMul>(
    "subgroup_per_row", summary: "One subgroup per row of the expert, one column at a time; good on GPUs.",
    shaders: ["MatMul/matmul_subgroup_per_row.comp"],
    needs: [.subgroup(.arithmetic), .fixedSubgroupSize],
    refusal: { op, device in op.refusal(rowsPerGroup: subgroups(device), columns: op.pairs, device) },
    loopIterations: { op, device in op.k / (8 * device.subgroupSize) + 2 + 8 * 4 }
  ) { op, device in
    var step = op.step(
      "MatMul/matmul_subgroup_per_row.comp", ["COLUMNS": "1", "ROWS": "1", "SUBGROUP": "\(device.subgroupSize)"],
      routes: .argument("experts"))
    step.specialization = [UInt32(subgroups(device) * device.subgroupSize)]
    step.subgroupSize = device.subgroupSize
    step.groups = (groups(op.m, of: subgroups(device)), op.pairs, 1)
    return Plan(step)
  }

  /// Subgroups in a workgroup of 128 threads, which every device allows.
  private static func subgroups(_ device: DeviceInfo) -> Int { max(1, 128 / device.subgroupSize) }

  // MARK: Tiles

  private static let laneColumns = 8, tileRows = 64
  private static let tileShaders = ["ExpertMatMul/count.comp", "ExpertMatMul/place.comp"]

  private static let threadPerRowTiles = Variant<ExpertMatMul>(
    "thread_per_row_tiles", summary: "One lane per row of the expert, 8 of its columns at once; good on CPUs.",
    shaders: tileShaders + ["MatMul/matmul_thread_per_row.comp"],
    needs: [.subgroup(.ballot), .maxSubgroupSize(64), .fixedSubgroupSize, .workgroup(64)],
    refusal: { op, device in
      op.refusal(rowsPerGroup: device.subgroupSize, columns: op.tiles(of: laneColumns), device)
    },
    loopIterations: { op, _ in max(groups(op.k, of: 32) + 31, op.tileIterations(laneColumns)) }
  ) { op, device in
    op.tilePlan(
      columns: laneColumns,
      op.laneStep(columns: laneColumns, ["EXPERT_TILES": ""], routes: .scratch(1, .read), device))
  }

  private static let sharedTile = Variant<ExpertMatMul>(
    "shared_tile", summary: "Tiles of 64 rows × 16 to 64 columns of an expert in shared memory; good on GPUs.",
    shaders: tileShaders + ["MatMul/shared_tile.comp"],
    needs: [.workgroup(128), .sharedMemory(2 * 32 * 17 * 16)],
    refusal: { op, device in
      op.refusal(rowsPerGroup: tileRows, columns: op.tiles(of: 16 * op.threadColumns), device)
    },
    loopIterations: { op, _ in max(groups(op.k, of: 32) * 33, op.tileIterations(16 * op.threadColumns)) }
  ) { op, _ in
    var step = op.step(
      "MatMul/shared_tile.comp", ["THREAD_COLUMNS": "\(op.threadColumns)", "EXPERT_TILES": ""],
      routes: .scratch(1, .read))
    step.constants.insert((name: "n", value: UInt32(op.pairs)), at: 1)
    step.groups.0 = groups(op.m, of: tileRows)
    return op.tilePlan(columns: 16 * op.threadColumns, step)
  }

  /// Columns of one thread of a shared tile: as many as experts have on average. The order of the sum is the same with each.
  private var threadColumns: Int { pairs <= 16 * experts ? 1 : pairs <= 32 * experts ? 2 : 4 }

  /// The most tiles that there can be.
  private func tiles(of columns: Int) -> Int { min(pairs, groups(pairs, of: columns) + min(experts, pairs)) }

  /// Iterations of the loops of the shader that makes tiles, of one expert or of what is left.
  private func tileIterations(_ columns: Int) -> Int { pairs + experts + tiles(of: columns) }

  private func tilePlan(columns: Int, _ product: Step) -> Plan {
    let tiles = tiles(of: columns)
    let constants: KeyValuePairs<String, UInt32> = ["expert_count": UInt32(experts), "pairs": UInt32(pairs)]
    let threads = ThreadPerElement.threads
    let count = Step(
      "ExpertMatMul/count.comp", specialization: [UInt32(threads)],
      bindings: [.argument("experts"), .scratch(0, .write)], constants: constants,
      groups: (groups(experts, of: threads), 1, 1))
    var place = Step(
      "ExpertMatMul/place.comp", defines: ["TILE_COLUMNS": "\(columns)"], specialization: [UInt32(threads)],
      bindings: [.argument("experts"), .scratch(0, .read), .scratch(1, .write)], constants: constants,
      groups: (groups(experts + 1, of: threads), 1, 1))
    place.constants.append((name: "tiles", value: UInt32(tiles)))
    var product = product
    product.groups.1 = tiles
    return Plan([count, place, product], scratch: [4 * experts, 4 * (3 * tiles + pairs)])
  }

  // MARK: All

  /// Pairs of a token and a slot.
  private var pairs: Int { tokens * slots }

  private func refusal(rowsPerGroup: Int, columns: Int, _ device: DeviceInfo) -> String? {
    let x = groups(m, of: rowsPerGroup)
    let most = device.maxWorkgroupCount
    if x > most[0] || columns > most[1] {
      return "needs \(x)×\(columns) workgroups, the device allows \(most[0])×\(most[1])"
    }
    return argument("weight").byteCount / 2 <= Int(UInt32.max)
      ? nil : "the weight has more 16-bit halves than 32-bit indices reach"
  }

  private func step(_ shader: String, _ defines: [String: String], routes: Step.Binding) -> Step {
    var own = ["EXPERTS": ""]
    if !inputPerSlot { own["INPUT_SHARED"] = "" }
    return Step(
      shader, defines: weight.weightDefines(own.merging(defines) { _, new in new }),
      // Without a bias its binding is never read; x stands in.
      bindings: [.argument("weight"), .argument("x"), .argument(bias ? "bias" : "x"), .argument("y"), routes]
        + weight.weightBindings,
      constants: [
        "m": UInt32(m), "k": UInt32(k), "flags": bias ? 1 : 0, "expert_count": UInt32(experts), "slots": UInt32(slots),
      ], groups: (1, 1, 1))
  }

  /// One lane per row.
  private func laneStep(
    columns: Int, _ defines: [String: String], routes: Step.Binding, _ device: DeviceInfo
  ) -> Step {
    let lanes = device.subgroupSize
    var step = step("MatMul/matmul_thread_per_row.comp", defines, routes: routes)
    step.defines["COLUMNS"] = "\(columns)"
    step.defines["LANES"] = "\(lanes)"
    if device.sharesUniformLoads, lanes <= 8 { step.defines["UNIFORM_LOADS"] = "" }
    let rowBytes = argument("weight").byteCount / (experts * m)
    if weight.blockBytes != nil, rowBytes % 4 == 0, columns <= 2 || weight.blockLength == 1 {
      step.defines["WEIGHT_ROWS_ALIGNED"] = ""
    }
    // Lanes then have rows of one table, because every expert begins with a whole number of them.
    if device.subgroupOperations.contains(.shuffle), weight.keepsLevels(lanes: lanes), m % lanes == 0 {
      step.defines["WEIGHT_LEVEL_LANES"] = "\(lanes)"
    }
    step.subgroupSize = lanes
    step.groups.0 = groups(m, of: lanes)
    return step
  }
}
