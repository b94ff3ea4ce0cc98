public import PumiceGPU
public import PumiceOperators
import PumiceTensors

extension Attention: Dispatchable {
  public static let variants: [Variant<Attention>] =
    AttentionSplit.variants + [AttentionTile.register, AttentionTile.shared, threadPerElement]

  /// One token leaves nothing to share but the heads of a group, so the work is split over the keys. Several rows share
  /// what is read of the cache; where barriers are dear that happens in registers.
  public func preference(on device: DeviceInfo) -> [String] {
    let isCPU = device.kind == .cpu
    return if tokens == 1 {
      isCPU
        ? ["thread_per_row", "subgroup_per_row", "register_tile"]
        : ["subgroup_per_row", "thread_per_row", "shared_tile"]
    } else {
      isCPU
        ? ["register_tile", "thread_per_row", "shared_tile"] : ["shared_tile", "register_tile", "subgroup_per_row"]
    }
  }

  /// The last that changes scores.
  public var userFunction: String? {
    modifications.lazy.compactMap { if case .user(let function) = $0 { function.name } else { nil } }.last
  }

  static let generatedSample = MaskProgram.sample.merging(ScoreProgram.sample) { first, _ in first }
  var generated: [String: String] { ["mask": MaskProgram(mask).text, "score": ScoreProgram(modifications).text] }

  /// Key-value heads of all sequences that k and v hold.
  var sets: Int { sequences * computedHeads.count }
  /// Query heads that are computed.
  var queryHeads: Int { computedHeads.count * group }
  var firstHead: UInt32 { UInt32(computedHeads.lowerBound) }
  var partHeads: UInt32 { UInt32(computedHeads.count) }

  /// Macros that all shaders are specialized by.
  var defines: [String: String] {
    var defines = [
      "HEADS": String(heads), "GROUP": String(group), "KEY_SIZE": String(keySize), "VALUE_SIZE": String(valueSize),
      "ROW_TILE": String(Self.rowsPerTile), "KEY_TILE": String(Self.keysPerTile),
    ]
    if hasSinks { defines["HAS_SINKS"] = "" }
    return defines
  }

  /// What is bound where a shader has a binding that this operator has no use for.
  func binding(_ name: String) -> Step.Binding {
    switch name {
    case "score" where modifications.isEmpty, "sinks" where !hasSinks: .argument("q")
    case Output.logSumExp.rawValue where !outputs.contains(.logSumExp): .argument("y")
    default: .argument(name)
    }
  }

  /// Why the device's workgroups do not reach so far; nil if they do.
  static func countRefusal(_ needed: [Int], _ device: DeviceInfo) -> String? {
    for (axis, count) in needed.enumerated() where count > device.maxWorkgroupCount[axis] {
      return "needs \(count) workgroups along axis \(axis), the device allows \(device.maxWorkgroupCount[axis])"
    }
    return nil
  }

  // MARK: Plain variant

  private static let threads = 64

  private static let threadPerElement = Variant<Attention>(
    "thread_per_element", summary: "One thread per row of queries looks at every cell; for tests and any device.",
    shaders: ["Attention/attention_naive.comp"] + PlainCache.shaders, generated: generatedSample,
    needs: [.workgroup(threads)],
    refusal: { op, device in
      PlainCache.refusal(op, device)
        ?? countRefusal([groups(op.queryHeads, of: threads), op.tokens, op.sequences], device)
    },
    loopIterations: { op, _ in (op.keys + 1) * (op.keySize + op.valueSize + op.mask.liveLoops + 2) + 2 * op.valueSize }
  ) { op, device in
    let cache = PlainCache(op)
    var plan = cache.plan
    var step = Step(
      "Attention/attention_naive.comp", defines: op.defines.merging(cache.defines) { first, _ in first },
      generated: op.generated, specialization: [UInt32(threads)],
      bindings: [
        op.binding("q"), cache.keys, cache.values, op.binding("positions"), op.binding("key_positions"),
        op.binding("lengths"), op.binding("totals"), op.binding("mask"), op.binding("score"), op.binding("sinks"),
        op.binding("y"), cache.logSumExp(op),
      ],
      constants: [
        "tokens": UInt32(op.tokens), "capacity": UInt32(op.capacity), "first_head": op.firstHead,
        "part_heads": op.partHeads, "scale": op.scale.bitPattern,
      ], groups: (groups(op.queryHeads, of: threads), op.tokens, op.sequences))
    if cache.needsLogSumExp(op) { step.defines["LOG_SUM_EXP"] = "" }
    plan.steps.append(step)
    plan.steps += cache.probabilities(op)
    return plan
  }
}
