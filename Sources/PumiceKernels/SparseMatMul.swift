public import PumiceGPU
public import PumiceOperators
import PumiceTensors

extension SparseMatMul: Dispatchable {
  public static let variants: [Variant<SparseMatMul>] = RowReduction.variants(
    "SparseMatMul/sparse_matmul.comp", size: { (max($0.groupRows, $0.n), $0.layout == .rows ? $0.k : $0.count) }
  ) { op in
    let bindings = op.arguments.map { Step.Binding.argument($0.name) }
    return Step(
      "SparseMatMul/sparse_matmul.comp",
      defines: op.values.weightDefines(["LAYOUT_\(op.layout.rawValue.uppercased())": ""]),
      bindings: bindings, constants: ["m": UInt32(op.m), "k": UInt32(op.k), "count": UInt32(op.count)],
      groups: (op.groupRows, op.n, 1))
  }

  public func preference(on device: DeviceInfo) -> [String] {
    RowReduction.preference(width: layout == .rows ? k : count / m, on: device)
  }

  /// Rows that a workgroup each is made for.
  private var groupRows: Int { layout == .rows ? count : m }
}
