import PumiceGPU
import PumiceOperators
import PumiceTensors

/// Keys and values as plain numbers for shaders that read nothing else: where they lie, and the steps that unpack other
/// formats to f32 in scratch memory first. Also the probabilities, which every variant leaves to one shader.
///
/// Scratch memory: log-sum-exp if an output needs it, then the unpacked keys, then the unpacked values.
struct PlainCache {
  static let shaders = ["Attention/unpack_cache.comp", "Attention/attention_probabilities.comp"]
  private static let threads = 64
  /// Elements that a thread unpacks.
  private static let run = 8
  /// Scratch memory that one dispatch may take.
  static let scratchLimit = 1 << 30

  let keys: Step.Binding
  let values: Step.Binding
  /// KEY_F16, VALUE_BF16, …
  let defines: [String: String]
  /// The scratch memory, and the steps that fill it.
  let plan: Plan

  init(_ op: Attention) {
    var plan = Plan([])
    var defines: [String: String] = [:]
    if !op.outputs.isDisjoint(with: [.columnSums, .lastRow]), !op.outputs.contains(.logSumExp) {
      plan.scratch.append(4 * op.sequences * op.tokens * op.heads)
    }
    func cache(_ name: String, _ macro: String, _ size: Int, _ format: TensorFormat) -> Step.Binding {
      if format.isPlain {
        defines["\(macro)_\(format.name.uppercased())"] = ""
        return .argument(name)
      }
      defines["\(macro)_F32"] = ""
      plan.scratch.append(4 * op.sets * op.capacity * size)
      let index = plan.scratch.count - 1
      plan.steps.append(
        Step(
          "Attention/unpack_cache.comp", defines: format.weightDefines(), specialization: [UInt32(Self.threads)],
          bindings: [.argument(name), .argument("lengths"), .scratch(index, .write)] + format.weightBindings,
          constants: [
            "rows": UInt32(op.sets * op.capacity), "columns": UInt32(size), "capacity": UInt32(op.capacity),
            "kv_heads": UInt32(op.kvHeads), "first_head": op.firstHead, "part_heads": op.partHeads,
          ], groups: (groups(size, of: Self.run * Self.threads), op.keys, op.sets)))
      return .scratch(index, .read)
    }
    keys = cache("k", "KEY", op.keySize, op.keyFormat)
    values = cache("v", "VALUE", op.valueSize, op.valueFormat)
    self.defines = defines
    self.plan = plan
  }

  /// Formats of 16 bits; shaders that read plain numbers get all others in 32.
  static func isHalf(_ format: TensorFormat) -> Bool { format == .f16 || format == .bf16 }

  static func refusal(_ op: Attention, _ device: DeviceInfo) -> String? {
    let cache = PlainCache(op), plan = cache.plan
    let bytes = plan.scratch.reduce(0, +)
    if bytes > scratchLimit { return "needs \(bytes) bytes of scratch memory, more than \(scratchLimit)" }
    for step in plan.steps + cache.probabilities(op) {
      if let refusal = Attention.countRefusal([step.groups.0, step.groups.1, step.groups.2], device) { return refusal }
    }
    return nil
  }

  /// Whether a shader must write log-sum-exp, for the caller or for the probabilities.
  func needsLogSumExp(_ op: Attention) -> Bool { !op.outputs.isEmpty }

  /// Where log-sum-exp is written; without a use for it, something that is never touched.
  func logSumExp(_ op: Attention, _ access: Access = .write) -> Step.Binding {
    if op.outputs.contains(.logSumExp) || op.outputs.isEmpty { return op.binding("log_sum_exp") }
    return .scratch(0, access)
  }

  /// The step after all others that writes column sums and the last row, if they are wanted.
  func probabilities(_ op: Attention) -> [Step] {
    let wanted = op.outputs.intersection([.columnSums, .lastRow])
    if wanted.isEmpty { return [] }
    var defines = op.defines.merging(self.defines) { first, _ in first }
    for output in wanted { defines[output.rawValue.uppercased()] = "" }
    func target(_ output: Attention.Output) -> Step.Binding {
      .argument(wanted.contains(output) ? output.rawValue : wanted.first!.rawValue)
    }
    return [
      Step(
        "Attention/attention_probabilities.comp", defines: defines, generated: op.generated,
        specialization: [UInt32(Self.threads)],
        bindings: [
          op.binding("q"), keys, op.binding("positions"), op.binding("key_positions"), op.binding("lengths"),
          op.binding("totals"), op.binding("mask"), op.binding("score"), logSumExp(op, .read), target(.columnSums),
          target(.lastRow),
        ],
        constants: [
          "tokens": UInt32(op.tokens), "capacity": UInt32(op.capacity), "first_head": op.firstHead,
          "part_heads": op.partHeads, "scale": op.scale.bitPattern,
        ], groups: (groups(op.capacity, of: Self.threads), op.queryHeads, op.sequences))
    ]
  }

  /// Iterations of the loops of one invocation of the steps that this makes.
  static func loopIterations(_ op: Attention) -> Int {
    op.outputs.isDisjoint(with: [.columnSums, .lastRow])
      ? 0 : (op.tokens + 1) * (op.keySize / 4 + op.mask.liveLoops + 2)
  }
}
