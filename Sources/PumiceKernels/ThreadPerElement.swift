import PumiceGPU
import PumiceOperators

/// The one variant of operators whose elements are independent of one another: one thread each, along rows.
enum ThreadPerElement {
  static let threads = 64

  /// - Parameters:
  ///   - size: how many threads a row needs, and how many rows there are.
  ///   - loopIterations: iterations of all loops of one thread.
  ///   - step: the dispatch of `op` but for the workgroup and its count.
  static func variants<Op: Operator>(
    _ shader: String, size: @escaping @Sendable (Op) -> (threads: Int, rows: Int),
    loopIterations: @escaping @Sendable (Op) -> Int = { _ in 0 }, step: @escaping @Sendable (Op) -> Step
  ) -> [Variant<Op>] {
    [
      Variant(
        "thread_per_element", summary: "One thread per independent piece of the output; nothing is shared.",
        shaders: [shader], needs: [.workgroup(threads)],
        refusal: { op, device in
          let (columns, rows) = size(op)
          let x = groups(columns, of: threads)
          let limit = device.maxWorkgroupCount
          return x <= limit[0] && rows <= limit[1]
            ? nil : "needs \(x)×\(rows) workgroups, the device allows \(limit[0])×\(limit[1])"
        },
        loopIterations: { op, _ in loopIterations(op) }
      ) { op, device in
        let (columns, rows) = size(op)
        var step = step(op)
        step.specialization = [UInt32(threads)]
        step.groups = (groups(columns, of: threads), rows, 1)
        return Plan(step)
      }
    ]
  }
}
