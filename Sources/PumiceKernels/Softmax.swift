public import PumiceGPU
public import PumiceOperators

extension Softmax: Dispatchable {
  public static let variants: [Variant<Softmax>] = RowReduction.variants(
    "Softmax/softmax.comp", size: { ($0.rows, $0.width) }
  ) { op in
    Step(
      "Softmax/softmax.comp", bindings: [.argument("x"), .argument("y")],
      constants: ["width": UInt32(op.width), "scale": op.scale.bitPattern], groups: (op.rows, 1, 1))
  }

  public func preference(on device: DeviceInfo) -> [String] { RowReduction.preference(width: width, on: device) }
}
