public import PumiceGPU
public import PumiceOperators

extension RMSNorm: Dispatchable {
  public static let variants: [Variant<RMSNorm>] = RowReduction.variants(
    "RMSNorm/rms_norm.comp", size: { ($0.rows, $0.width) }
  ) { op in
    var defines: [String: String] = op.addsResidual ? ["ADDS_RESIDUAL": ""] : [:]
    if let codes = op.codes {
      defines["LEAST_CODE"] = String(codes.lowerBound)
      defines["GREATEST_CODE"] = String(codes.upperBound)
    }
    return Step(
      "RMSNorm/rms_norm.comp", defines: defines, bindings: op.arguments.map { .argument($0.name) },
      constants: ["width": UInt32(op.width), "epsilon": op.epsilon.bitPattern, "gains": UInt32(op.gains)],
      groups: (op.rows, 1, 1))
  }

  public func preference(on device: DeviceInfo) -> [String] { RowReduction.preference(width: width, on: device) }
}
