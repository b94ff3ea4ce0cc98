public import PumiceOperators

extension SwiGLU: Dispatchable {
  /// Threads in one row of workgroups; the rows are there only because one dimension of groups may not reach.
  private static let rowThreads = 1 << 20

  public static let variants: [Variant<SwiGLU>] = ThreadPerElement.variants(
    "SwiGLU/swiglu.comp", size: { (min($0.count, rowThreads), groups($0.count, of: rowThreads)) }
  ) { op in
    Step(
      "SwiGLU/swiglu.comp", bindings: [.argument("gate"), .argument("up"), .argument("y")],
      constants: ["count": UInt32(op.count), "threads_per_row": UInt32(rowThreads)], groups: (1, 1, 1))
  }
}
