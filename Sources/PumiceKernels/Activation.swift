public import PumiceOperators

extension Activation: Dispatchable {
  /// Threads in one row of workgroups; the rows are there only because one dimension of groups may not reach.
  private static let rowThreads = 1 << 20

  public static let variants: [Variant<Activation>] = ThreadPerElement.variants(
    "Activation/activation.comp", size: { (min($0.count, rowThreads), groups($0.count, of: rowThreads)) }
  ) { op in
    var defines = [op.function.rawValue.uppercased(): ""]
    if op.gated { defines["GATED"] = "" }
    if op.addsOne { defines["ADDS_ONE"] = "" }
    if op.limit != nil { defines["LIMITED"] = "" }
    return Step(
      "Activation/activation.comp", defines: defines, bindings: op.arguments.map { .argument($0.name) },
      constants: [
        "count": UInt32(op.count), "threads_per_row": UInt32(rowThreads), "limit": (op.limit ?? 0).bitPattern,
      ], groups: (1, 1, 1))
  }
}
