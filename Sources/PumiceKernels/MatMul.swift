import PumiceGPU
public import PumiceOperators
import PumiceTensors

extension MatMul: Dispatchable {
  public static let variants: [Variant<MatMul>] = ThreadPerElement.variants(
    "MatMul/matmul_naive.comp", size: { ($0.m, $0.n) }, loopIterations: \.k
  ) { op in
    Step(
      "MatMul/matmul_naive.comp", defines: op.formatDefines, bindings: op.bindings,
      constants: ["m": UInt32(op.m), "k": UInt32(op.k)], groups: (1, 1, 1))
  }

  /// Every argument, in order.
  var bindings: [Step.Binding] { arguments.map { .argument($0.name) } }

  /// The macros that choose the weight's format and the bias.
  var formatDefines: [String: String] {
    bias ? [weight.weightMacro: "", "HAS_BIAS": ""] : [weight.weightMacro: ""]
  }
}
