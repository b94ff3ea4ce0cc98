public import PumiceGPU
public import PumiceOperators

extension QuantizeActivations: Dispatchable {
  public static let variants: [Variant<QuantizeActivations>] = RowReduction.variants(
    "QuantizeActivations/quantize_activations.comp", size: { ($0.rows, $0.width) }
  ) { op in
    Step(
      "QuantizeActivations/quantize_activations.comp", defines: op.symmetric ? [:] : ["ASYMMETRIC": ""],
      bindings: op.arguments.map { .argument($0.name) },
      constants: [
        "width": UInt32(op.width), "levels": Float(op.levels).bitPattern,
        "least": UInt32(bitPattern: Int32(op.codes.lowerBound)),
        "greatest": UInt32(bitPattern: Int32(op.codes.upperBound)), "smallest": Self.smallest.bitPattern,
      ], groups: (op.rows, 1, 1))
  }

  public func preference(on device: DeviceInfo) -> [String] { RowReduction.preference(width: width, on: device) }
}
