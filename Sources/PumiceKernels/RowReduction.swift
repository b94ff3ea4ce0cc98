import PumiceGPU
import PumiceOperators

/// The two variants that every operator with one reduction per row shares: the shader includes `Common/reduce.glsl`.
enum RowReduction {
  /// Threads of a workgroup that reduces through shared memory: the most that every Vulkan device allows is 128.
  static let threads = 128
  /// Steps of a tree over 128 threads.
  private static let treeSteps = 7

  /// - Parameters:
  ///   - size: the rows to reduce, and their length.
  ///   - passes: over a row, each with at most one reduction.
  ///   - step: the dispatch of `op` but for the workgroup: shader, macros, bindings, constants; one group per row.
  static func variants<Op: Operator>(
    _ shader: String, size: @escaping @Sendable (Op) -> (rows: Int, width: Int),
    passes: @escaping @Sendable (Op) -> Int = { _ in 3 }, step: @escaping @Sendable (Op) -> Step
  ) -> [Variant<Op>] {
    let refusal: @Sendable (Op, DeviceInfo) -> String? = { op, device in
      size(op).rows <= device.maxWorkgroupCount[0]
        ? nil : "\(size(op).rows) rows are more workgroups than the device's \(device.maxWorkgroupCount[0])"
    }
    return [
      Variant(
        "subgroup_per_row",
        summary: "One subgroup per row, reduced by subgroup operations; good for short rows and many of them.",
        shaders: [shader], needs: [.subgroup(.arithmetic), .fixedSubgroupSize], refusal: refusal,
        loopIterations: { op, device in passes(op) * groups(size(op).width, of: device.subgroupSize) }
      ) { op, device in
        var step = step(op)
        step.defines["REDUCE_SUBGROUP"] = ""
        step.specialization = [UInt32(device.subgroupSize)]
        step.subgroupSize = device.subgroupSize
        return Plan(step)
      },
      Variant(
        "workgroup_per_row", summary: "128 threads per row, reduced by a tree in shared memory; runs everywhere.",
        shaders: [shader], needs: [.workgroup(threads), .sharedMemory(8 * threads)], refusal: refusal,
        loopIterations: { op, _ in passes(op) * (groups(size(op).width, of: threads) + treeSteps) }
      ) { op, device in
        var step = step(op)
        step.defines["REDUCE_THREADS"] = String(threads)
        step.specialization = [UInt32(threads)]
        return Plan(step)
      },
    ]
  }

  /// On a CPU a barrier costs more than a longer loop; a GPU wants more than one subgroup on a long row.
  static func preference(width: Int, on device: DeviceInfo) -> [String] {
    device.kind == .cpu || width <= 4 * device.subgroupSize
      ? ["subgroup_per_row", "workgroup_per_row"] : ["workgroup_per_row", "subgroup_per_row"]
  }
}
