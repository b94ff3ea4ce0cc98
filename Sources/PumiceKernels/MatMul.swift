public import PumiceGPU
public import PumiceOperators
import PumiceTensors

extension MatMul: Dispatchable {
  public static let variants: [Variant<MatMul>] =
    MatMulVector.variants + MatMulMatrix.variants
    + ThreadPerElement.variants("MatMul/matmul_naive.comp", size: { ($0.m, $0.n) }, loopIterations: \.k) { op in
      Step(
        "MatMul/matmul_naive.comp", defines: op.weight.weightDefines(), bindings: op.bindings,
        constants: ["m": UInt32(op.m), "k": UInt32(op.k), "flags": op.flags], groups: (1, 1, 1))
    }

  /// Few columns: a lane per row on CPUs, where a reduction costs more than a longer loop; coalesced loads on GPUs. Many
  /// columns: tiles in registers alone on CPUs, where shared memory and barriers are slow, and in shared memory on GPUs.
  public func preference(on device: DeviceInfo) -> [String] {
    if n > MatMulVector.maxColumns {
      return device.kind == .cpu ? ["register_tile", "shared_tile"] : ["shared_tile", "register_tile"]
    }
    guard device.kind == .cpu else { return ["subgroup_per_row", "thread_per_row"] }
    return device.sharesUniformLoads
      ? ["thread_per_row_uniform", "thread_per_row"] : ["thread_per_row", "subgroup_per_row"]
  }

  /// What every shader binds that multiplies at once.
  var bindings: [Step.Binding] {
    [.argument("weight"), .argument("x"), biasBinding, .argument("y")] + weight.weightBindings
  }

  /// Bit 0: the bias is added; bit 1: the product is added to y.
  var flags: UInt32 { (bias ? 1 : 0) | (accumulates ? 2 : 0) }

  /// Without a bias its binding is never read; x stands in, so that one pipeline serves both cases.
  var biasBinding: Step.Binding { .argument(bias ? "bias" : "x") }

  /// Why the shaders cannot reach the whole weight, whose 16-bit halves they count in 32 bits; nil if they can.
  var reachRefusal: String? {
    argument("weight").byteCount / 2 <= Int(UInt32.max)
      ? nil : "the weight has more 16-bit halves than 32-bit indices reach"
  }
}
