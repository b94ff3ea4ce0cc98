public import PumiceGPU
public import PumiceOperators

extension BitPlaneMatMul: Dispatchable {
  public static let variants: [Variant<BitPlaneMatMul>] = [threadPerRow, subgroupPerRow, sharedTile]

  private static let threads = 64

  private static let threadPerRow = Variant<BitPlaneMatMul>(
    "thread_per_row",
    summary: "One thread per row and up to 8 columns, x at shared addresses; runs everywhere, good on CPUs.",
    shaders: ["BitPlaneMatMul/thread_per_row.comp"], needs: [.workgroup(threads)],
    refusal: { op, device in
      refusal((groups(op.m, of: threads), groups(op.n, of: op.unrolledColumns)), device)
    },
    loopIterations: { op, _ in BitPlanes.words(op.k) }
  ) { op, _ in
    var step = op.step("BitPlaneMatMul/thread_per_row.comp")
    step.defines["COLUMNS"] = String(op.unrolledColumns)
    step.specialization = [UInt32(threads)]
    step.groups = (groups(op.m, of: threads), groups(op.n, of: op.unrolledColumns), 1)
    return Plan(step)
  }

  private static let subgroupPerRow = Variant<BitPlaneMatMul>(
    "subgroup_per_row", summary: "One subgroup per row and up to 8 columns, its lanes along the row; good on GPUs.",
    shaders: ["BitPlaneMatMul/subgroup_per_row.comp"], needs: [.subgroup(.arithmetic), .fixedSubgroupSize],
    refusal: { op, device in
      refusal((groups(op.m, of: subgroups(device)), groups(op.n, of: op.summedColumns)), device)
    },
    loopIterations: { op, device in groups(BitPlanes.words(op.k), of: device.subgroupSize) * (1 + op.x.count) }
  ) { op, device in
    var step = op.step("BitPlaneMatMul/subgroup_per_row.comp")
    step.defines["SUBGROUP"] = String(device.subgroupSize)
    step.defines["COLUMNS"] = String(op.summedColumns)
    step.specialization = [UInt32(subgroups(device) * device.subgroupSize)]
    step.groups = (groups(op.m, of: subgroups(device)), groups(op.n, of: op.summedColumns), 1)
    step.subgroupSize = device.subgroupSize
    return Plan(step)
  }

  /// Subgroups in a workgroup of 128 threads, which every device allows.
  private static func subgroups(_ device: DeviceInfo) -> Int { max(1, 128 / device.subgroupSize) }

  private static let tileRows = 64, tileColumns = 16, tileThreads = 128

  private static let sharedTile = Variant<BitPlaneMatMul>(
    "shared_tile", summary: "Tiles of 64 rows × 16 columns in shared memory, 2 × 4 sums per thread; good on GPUs.",
    shaders: ["BitPlaneMatMul/shared_tile.comp"],
    // Eight planes of 4 words, or four of 8, of each row and column, with their pads.
    needs: [.workgroup(tileThreads), .sharedMemory(4 * (4 * 8 * (tileRows + 1) + 8 * 8 * (tileColumns + 1)))],
    refusal: { op, device in refusal((groups(op.m, of: tileRows), groups(op.n, of: tileColumns)), device) },
    loopIterations: { op, _ in
      let loads = op.tileDepth * (op.weight.count * tileRows + op.x.count * tileColumns) / tileThreads
      return groups(BitPlanes.words(op.k), of: op.tileDepth) * (1 + loads + op.tileDepth * (1 + op.x.count))
    }
  ) { op, _ in
    var step = op.step("BitPlaneMatMul/shared_tile.comp")
    step.defines["DEPTH"] = String(op.tileDepth)
    step.groups = (groups(op.m, of: tileRows), groups(op.n, of: tileColumns), 1)
    return Plan(step)
  }

  /// Words of a plane that a tile holds: eight are what a GPU reads at once, and more planes than four do not fit then.
  private var tileDepth: Int { weight.count <= 4 ? 8 : 4 }

  /// Columns of a block that have one sum each.
  private var summedColumns: Int { [8, 4, 2, 1].first { $0 <= n }! }

  public func preference(on device: DeviceInfo) -> [String] {
    guard device.kind != .cpu else { return ["thread_per_row"] }
    return n > 8 ? ["shared_tile", "subgroup_per_row"] : ["subgroup_per_row", "shared_tile"]
  }

  private static func refusal(_ count: (Int, Int), _ device: DeviceInfo) -> String? {
    let most = device.maxWorkgroupCount
    return count.0 <= most[0] && count.1 <= most[1]
      ? nil : "needs \(count.0)×\(count.1) workgroups, the device allows \(most[0])×\(most[1])"
  }

  /// Columns of a block whose pairs of planes are all unrolled: as many as keep the code short.
  private var unrolledColumns: Int {
    [8, 4, 2, 1].first { $0 <= n && $0 * weight.count * x.count <= 32 } ?? 1
  }

  private func step(_ shader: String) -> Step {
    var defines = ["PLANES_W": String(weight.count), "PLANES_X": String(x.count)]
    if zeroPoints { defines["ZERO_POINTS"] = "" }
    if scaled { defines["SCALED"] = "" }
    let (w, x) = (weight.coefficientPairs, x.coefficientPairs)
    return Step(
      shader, defines: defines, bindings: arguments.map { .argument($0.name) },
      constants: [
        "m": UInt32(m), "n": UInt32(n), "k": UInt32(k), "w01": w[0], "w23": w[1], "w45": w[2], "w67": w[3],
        "x01": x[0], "x23": x[1], "x45": x[2], "x67": x[3],
      ], groups: (1, 1, 1))
  }
}
