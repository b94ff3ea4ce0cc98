import PumiceGPU
import PumiceOperators
import PumiceTensors

/// MatMul for many columns: both matrices are read in tiles, so that a decoded weight serves many columns.
///
/// In every variant an element of y is a sum over k in one fixed order, so that a column has the same bits alone and among
/// others.
enum MatMulMatrix {
  static let variants = [registerTile, sharedTile]

  // MARK: Register tiles

  /// Columns that a subgroup computes, and rows that each of its lanes does.
  private static let tileColumns = 16, tileRows = 4
  /// Elements of k that are decoded, then multiplied: a panel of 32 rows stays in the cache of a core.
  private static let stretch = 512
  /// The most rows whose stretch is decoded before it is multiplied, and the most columns copied: 32 and 8 MiB of f32.
  private static let slabRows = 16_384, slabColumns = 4096

  private static let registerTile = Variant<MatMul>(
    "register_tile",
    summary: "Decoded panels, then 16 columns × 4 rows per lane in registers, x spread in the subgroup; good on CPUs.",
    shaders: [
      "MatMul/register_tile_pack_weight.comp", "MatMul/register_tile_pack_input.comp", "MatMul/register_tile.comp",
    ],
    needs: [.fixedSubgroupSize, .subgroup(.ballot), .subgroup(.shuffle)],
    refusal: { op, device in
      let panelRows = tileRows * device.subgroupSize
      let needed = [
        max(slabColumns / tileColumns, groups(slabRows, of: panelRows) * tileRows, stretch / device.subgroupSize),
        max(groups(slabRows, of: panelRows), stretch / 32, slabColumns / tileColumns),
      ]
      for (axis, count) in needed.enumerated() where count > device.maxWorkgroupCount[axis] {
        return "needs \(count) workgroups, the device allows \(device.maxWorkgroupCount[axis])"
      }
      return op.reachRefusal
    },
    loopIterations: { _, device in stretch / min(device.subgroupSize, 16) + stretch / device.subgroupSize },
    plan: registerTilePlan)

  private static func registerTilePlan(_ op: MatMul, _ device: DeviceInfo) -> Plan {
    let lanes = device.subgroupSize
    let panelRows = tileRows * lanes
    let unit = max(32, lanes)
    let defines = [
      "SUBGROUP_SIZE": "\(lanes)", "TILE_ROWS": "\(tileRows)", "TILE_COLUMNS": "\(tileColumns)",
      "SPREAD": "\(min(lanes, 16))",
    ]
    var steps: [Step] = []
    for row in stride(from: 0, to: op.m, by: slabRows) {
      let panels = groups(min(slabRows, op.m - row), of: panelRows)
      for begin in stride(from: 0, to: op.k, by: stretch) {
        let count = groups(min(stretch, op.k - begin), of: unit) * unit
        steps.append(
          Step(
            "MatMul/register_tile_pack_weight.comp",
            defines: op.weight.weightDefines(["PANEL_ROWS": "\(panelRows)"]), specialization: [UInt32(lanes)],
            bindings: [.argument("weight"), .scratch(0, .write)] + op.weight.weightBindings,
            constants: [
              "m": UInt32(op.m), "k": UInt32(op.k), "row_begin": UInt32(row), "k_begin": UInt32(begin),
              "k_count": UInt32(count),
            ], groups: (panels * tileRows, count / 32, 1)))
        for column in stride(from: 0, to: op.n, by: slabColumns) {
          let tiles = groups(min(slabColumns, op.n - column), of: tileColumns)
          steps.append(
            Step(
              "MatMul/register_tile_pack_input.comp", defines: defines, specialization: [UInt32(lanes)],
              bindings: [.argument("x"), .scratch(1, .write)],
              constants: [
                "n": UInt32(op.n), "k": UInt32(op.k), "column_begin": UInt32(column), "k_begin": UInt32(begin),
                "k_count": UInt32(count),
              ], groups: (count / lanes, tiles, 1)))
          let isFirst = begin == 0, isLast = begin + stretch >= op.k
          steps.append(
            Step(
              "MatMul/register_tile.comp", defines: defines, specialization: [UInt32(lanes)],
              bindings: [.scratch(0, .read), .scratch(1, .read), op.biasBinding, .argument("y")],
              constants: [
                "m": UInt32(op.m), "n": UInt32(op.n), "row_begin": UInt32(row), "column_begin": UInt32(column),
                "k_count": UInt32(count), "flags": (isFirst && !op.accumulates ? 1 : 0) | (isLast && op.bias ? 2 : 0),
              ], groups: (tiles, panels, 1), subgroupSize: lanes))
        }
      }
    }
    let depth = groups(min(stretch, op.k), of: unit) * unit
    let rows = groups(min(slabRows, op.m), of: panelRows) * panelRows
    let columns = groups(min(slabColumns, op.n), of: tileColumns) * tileColumns
    return Plan(steps, scratch: [4 * rows * depth, 4 * columns * depth])
  }

  // MARK: Shared tiles

  private static let tileRowsShared = 64

  /// Columns of one thread, a sixteenth of the workgroup's: fewer where the others would be empty. The order of the sum is
  /// the same with each.
  private static func threadColumns(_ op: MatMul) -> Int { op.n <= 16 ? 1 : op.n <= 32 ? 2 : 4 }

  private static func sharedTileGroups(_ op: MatMul) -> (Int, Int, Int) {
    (groups(op.m, of: tileRowsShared), groups(op.n, of: 16 * threadColumns(op)), 1)
  }

  private static let sharedTile = Variant<MatMul>(
    "shared_tile",
    summary: "Tiles of 64 rows × up to 64 columns in shared memory, 8 × 4 sums per thread; good on GPUs.",
    shaders: ["MatMul/shared_tile.comp"],
    needs: [.workgroup(128), .sharedMemory(2 * 32 * 17 * 16)],
    refusal: { op, device in
      let (x, y, _) = sharedTileGroups(op)
      let most = device.maxWorkgroupCount
      return x <= most[0] && y <= most[1]
        ? op.reachRefusal : "needs \(x)×\(y) workgroups, the device allows \(most[0])×\(most[1])"
    },
    loopIterations: { op, _ in groups(op.k, of: 32) * 33 }
  ) { op, _ in
    Plan(
      Step(
        "MatMul/shared_tile.comp",
        defines: op.weight.weightDefines(["THREAD_COLUMNS": "\(threadColumns(op))"]),
        bindings: op.bindings,
        constants: ["m": UInt32(op.m), "n": UInt32(op.n), "k": UInt32(op.k), "flags": op.flags],
        groups: sharedTileGroups(op)))
  }
}
