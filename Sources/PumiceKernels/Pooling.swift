public import PumiceGPU
public import PumiceOperators

extension Pooling: Dispatchable {
  public static let variants: [Variant<Pooling>] = RowReduction.variants(
    "Pooling/pooling.comp", size: { ($0.sequences, $0.width) }, passes: { ($0.method == .mean ? $0.tokens : 0) + 3 }
  ) { op in
    var defines: [String: String] = op.normalizes ? ["NORMALIZES": ""] : [:]
    switch op.method {
    case .mean: defines["MEAN"] = ""
    case .last: defines["LAST"] = ""
    case .first: break
    }
    return Step(
      "Pooling/pooling.comp", defines: defines, bindings: op.arguments.map { .argument($0.name) },
      constants: ["tokens": UInt32(op.tokens), "width": UInt32(op.width)], groups: (op.sequences, 1, 1))
  }

  public func preference(on device: DeviceInfo) -> [String] { RowReduction.preference(width: width, on: device) }
}
