public import PumiceGPU
public import PumiceOperators
import PumiceTensors

extension Int8MatMul: Dispatchable {
  public static let variants: [Variant<Int8MatMul>] = [true, false].flatMap { packedDot in
    [threadPerRow(packedDot), subgroupPerRow(packedDot)]
  }

  private static let threads = 64

  private static func name(_ base: String, _ packedDot: Bool) -> String { packedDot ? "\(base)_dot" : base }

  private static func howItMultiplies(_ packedDot: Bool) -> String {
    packedDot ? "by the device's dot product of four bytes" : "byte by byte"
  }

  private static func needs(_ packedDot: Bool) -> [Requirement] { packedDot ? [.feature(.integerDotProduct)] : [] }

  private static func threadPerRow(_ packedDot: Bool) -> Variant<Int8MatMul> {
    Variant(
      name("thread_per_row", packedDot),
      summary: "One thread per row and up to 8 columns, \(howItMultiplies(packedDot)); good on CPUs.",
      shaders: ["Int8MatMul/thread_per_row.comp"], needs: needs(packedDot) + [.workgroup(threads)],
      refusal: { op, device in refusal(op, rows: threads, device) },
      loopIterations: { op, _ in
        switch op.weight {
        case .int8: groups(op.k, of: 4)
        case .dualGrained(let group): op.k / group * (1 + group / 8)
        }
      }
    ) { op, _ in
      var step = op.step("Int8MatMul/thread_per_row.comp", packedDot)
      step.specialization = [UInt32(threads)]
      step.groups = (groups(op.m, of: threads), groups(op.n, of: op.columns), 1)
      return Plan(step)
    }
  }

  private static func subgroupPerRow(_ packedDot: Bool) -> Variant<Int8MatMul> {
    Variant(
      name("subgroup_per_row", packedDot),
      summary: "One subgroup per row and up to 8 columns, \(howItMultiplies(packedDot)); good on GPUs.",
      shaders: ["Int8MatMul/subgroup_per_row.comp"],
      needs: needs(packedDot) + [.subgroup(.arithmetic), .fixedSubgroupSize],
      refusal: { op, device in refusal(op, rows: subgroups(device), device) },
      loopIterations: { op, device in groups(op.k, of: 4 * device.subgroupSize) }
    ) { op, device in
      var step = op.step("Int8MatMul/subgroup_per_row.comp", packedDot)
      step.defines["SUBGROUP"] = String(device.subgroupSize)
      step.specialization = [UInt32(subgroups(device) * device.subgroupSize)]
      step.groups = (groups(op.m, of: subgroups(device)), groups(op.n, of: op.columns), 1)
      step.subgroupSize = device.subgroupSize
      return Plan(step)
    }
  }

  /// Subgroups in a workgroup of 128 threads, which every device allows.
  private static func subgroups(_ device: DeviceInfo) -> Int { max(1, 128 / device.subgroupSize) }

  private static func refusal(_ op: Int8MatMul, rows: Int, _ device: DeviceInfo) -> String? {
    let (x, y) = (groups(op.m, of: rows), groups(op.n, of: op.columns))
    let most = device.maxWorkgroupCount
    return x <= most[0] && y <= most[1]
      ? nil : "needs \(x)×\(y) workgroups, the device allows \(most[0])×\(most[1])"
  }

  /// Columns of a block.
  private var columns: Int { [8, 4, 2, 1].first { $0 <= n }! }

  private func step(_ shader: String, _ packedDot: Bool) -> Step {
    var step = Step(
      shader, defines: ["COLUMNS": String(columns)], bindings: arguments.map { .argument($0.name) },
      constants: ["m": UInt32(m), "n": UInt32(n), "k": UInt32(k)], groups: (1, 1, 1))
    if packedDot { step.defines["PACKED_DOT"] = "" }
    if scaled { step.defines["SCALED"] = "" }
    if case .dualGrained(let group) = weight, let sections = weightSections {
      step.defines["GROUP"] = String(group)
      step.constants += zip(["ratio_at", "zero_at", "scale_at"], sections.offsets.dropFirst()).map {
        (name: $0, value: UInt32($1 / 4))
      }
    }
    return step
  }

  public func preference(on device: DeviceInfo) -> [String] {
    let order = ["thread_per_row", "subgroup_per_row"]
    return (device.kind == .cpu ? order : order.reversed()).flatMap { ["\($0)_dot", $0] }
  }
}
