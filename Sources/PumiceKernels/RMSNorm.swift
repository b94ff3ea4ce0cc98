public import PumiceGPU
public import PumiceOperators

extension RMSNorm: Dispatchable {
  public static let variants: [Variant<RMSNorm>] = RowReduction.variants(
    "RMSNorm/rms_norm.comp", size: { ($0.rows, $0.width) }
  ) { op in
    Step(
      "RMSNorm/rms_norm.comp", defines: op.addsResidual ? ["ADDS_RESIDUAL": ""] : [:],
      bindings: op.arguments.map { .argument($0.name) },
      constants: ["width": UInt32(op.width), "epsilon": op.epsilon.bitPattern], groups: (op.rows, 1, 1))
  }

  public func preference(on device: DeviceInfo) -> [String] { RowReduction.preference(width: width, on: device) }
}
