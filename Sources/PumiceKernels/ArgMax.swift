public import PumiceGPU
public import PumiceOperators

extension ArgMax: Dispatchable {
  public static let variants: [Variant<ArgMax>] = RowReduction.variants(
    "ArgMax/argmax.comp", size: { ($0.rows, $0.width) }
  ) { op in
    Step(
      "ArgMax/argmax.comp", bindings: [.argument("x"), .argument("index")], constants: ["width": UInt32(op.width)],
      groups: (op.rows, 1, 1))
  }

  public func preference(on device: DeviceInfo) -> [String] { RowReduction.preference(width: width, on: device) }
}
