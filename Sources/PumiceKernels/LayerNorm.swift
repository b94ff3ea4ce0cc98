public import PumiceGPU
public import PumiceOperators

extension LayerNorm: Dispatchable {
  public static let variants: [Variant<LayerNorm>] = RowReduction.variants(
    "LayerNorm/layer_norm.comp", size: { ($0.rows, $0.width) }
  ) { op in
    var defines: [String: String] = [:]
    if op.gain { defines["GAIN"] = "" }
    if op.bias { defines["BIAS"] = "" }
    if op.addsResidual { defines["ADDS_RESIDUAL"] = "" }
    return Step(
      "LayerNorm/layer_norm.comp", defines: defines, bindings: op.arguments.map { .argument($0.name) },
      constants: ["width": UInt32(op.width), "epsilon": op.epsilon.bitPattern, "gains": UInt32(op.gains)],
      groups: (op.rows, 1, 1))
  }

  public func preference(on device: DeviceInfo) -> [String] { RowReduction.preference(width: width, on: device) }
}
