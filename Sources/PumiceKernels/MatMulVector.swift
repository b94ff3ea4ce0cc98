import PumiceGPU
import PumiceOperators
import PumiceTensors

/// The variants of MatMul for few columns (decoding): every weight is read once for up to eight columns.
enum MatMulVector {
  /// The most columns of one dispatch.
  static let maxColumns = 8

  static let variants = [threadPerRow, threadPerRowUniform, subgroupPerRow]

  /// For devices that are CPUs: no reduction, and every load of x serves all rows of a subgroup.
  static let threadPerRow = threadPerRow(
    "thread_per_row", summary: "One lane per row, x spread in the subgroup; up to 8 columns, good on CPUs.",
    needs: [.subgroup(.ballot), .maxSubgroupSize(64)], defines: [:])

  /// The same sums in the same order; each word that a lane needs is read by all.
  static let threadPerRowUniform = threadPerRow(
    "thread_per_row_uniform",
    summary: "One lane per row, every word read by all lanes at once; up to 8 columns, good on newer llvmpipe.",
    needs: [.maxSubgroupSize(8)], defines: ["UNIFORM_LOADS": ""])

  private static func threadPerRow(
    _ name: String, summary: String, needs: [Requirement], defines: [String: String]
  ) -> Variant<MatMul> {
    Variant(
      name, summary: summary, shaders: ["MatMul/matmul_thread_per_row.comp"], needs: needs + [.fixedSubgroupSize],
      refusal: { op, device in refusal(op, rowsPerGroup: device.subgroupSize, device) },
      loopIterations: { op, _ in groups(op.k, of: 32) + 31 }
    ) { op, device in
      var step = step("MatMul/matmul_thread_per_row.comp", op, device)
      step.defines["LANES"] = String(device.subgroupSize)
      step.defines.merge(defines) { _, new in new }
      // With many columns the shifts are a small part of the work, and half the code is worth more.
      if op.weight.blockBytes != nil, !op.rowsAreShifted, op.n <= 2 || op.weight.blockLength == 1 {
        step.defines["WEIGHT_ROWS_ALIGNED"] = ""
      }
      if device.subgroupOperations.contains(.shuffle), op.weight.keepsLevels(lanes: device.subgroupSize) {
        step.defines["WEIGHT_LEVEL_LANES"] = String(device.subgroupSize)
      }
      step.groups = (groups(op.m, of: device.subgroupSize), 1, 1)
      return Plan(step)
    }
  }

  /// For GPUs: consecutive words in consecutive lanes.
  static let subgroupPerRow = Variant<MatMul>(
    "subgroup_per_row",
    summary: "One subgroup per row or two, its lanes along the row; up to 8 columns, good on GPUs.",
    shaders: ["MatMul/matmul_subgroup_per_row.comp"],
    needs: [.subgroup(.arithmetic), .fixedSubgroupSize],
    refusal: { op, device in refusal(op, rowsPerGroup: subgroups(device), device) },
    loopIterations: { op, device in op.k / (8 * device.subgroupSize) + 2 + 8 * 4 }
  ) { op, device in
    // Two rows share the loads of x, where that leaves enough subgroups to fill a large GPU.
    let rows = op.m >= 4096 ? 2 : 1
    var step = step("MatMul/matmul_subgroup_per_row.comp", op, device)
    step.defines["SUBGROUP"] = String(device.subgroupSize)
    step.defines["ROWS"] = String(rows)
    step.specialization = [UInt32(subgroups(device) * device.subgroupSize)]
    step.groups = (groups(op.m, of: rows * subgroups(device)), 1, 1)
    return Plan(step)
  }

  /// Subgroups in a workgroup of 128 threads, which every device allows.
  private static func subgroups(_ device: DeviceInfo) -> Int { max(1, 128 / device.subgroupSize) }

  private static func refusal(_ op: MatMul, rowsPerGroup: Int, _ device: DeviceInfo) -> String? {
    if op.n > maxColumns { return "takes at most \(maxColumns) columns" }
    let groups = groups(op.m, of: rowsPerGroup)
    if groups > device.maxWorkgroupCount[0] {
      return "needs \(groups) workgroups, the device allows \(device.maxWorkgroupCount[0])"
    }
    return op.reachRefusal
  }

  private static func step(_ shader: String, _ op: MatMul, _ device: DeviceInfo) -> Step {
    Step(
      shader, defines: op.weight.weightDefines(["COLUMNS": String(op.n)]),
      bindings: op.bindings,
      constants: ["m": UInt32(op.m), "k": UInt32(op.k), "flags": op.flags], groups: (1, 1, 1),
      subgroupSize: device.subgroupSize)
  }
}

extension MatMul {
  /// Whether rows are no whole number of 32-bit words.
  fileprivate var rowsAreShifted: Bool { argument("weight").byteCount / m % 4 != 0 }
}
