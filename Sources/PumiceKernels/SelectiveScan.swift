public import PumiceOperators

extension SelectiveScan: Dispatchable {
  /// States of one iteration of the inner loop.
  private static let run = 8

  public static let variants: [Variant<SelectiveScan>] = ThreadPerElement.variants(
    "SelectiveScan/selective_scan.comp", size: { ($0.heads * $0.headSize, 1) },
    loopIterations: { $0.tokens * (PumiceKernels.groups($0.stateSize, of: run) + 1) }
  ) { op in
    var defines = ["RUN": "\(run)"]
    if op.decayPerState { defines["DECAY_PER_STATE"] = "" }
    if op.skip { defines["SKIP"] = "" }
    return Step(
      "SelectiveScan/selective_scan.comp", defines: defines, bindings: op.arguments.map { .argument($0.name) },
      constants: [
        "tokens": UInt32(op.tokens), "heads": UInt32(op.heads), "head_size": UInt32(op.headSize),
        "group_count": UInt32(op.groups), "state_size": UInt32(op.stateSize),
      ], groups: (1, 1, 1))
  }
}
