public import PumiceOperators

extension ScaledSum: Dispatchable {
  public static let variants: [Variant<ScaledSum>] = ThreadPerElement.variants(
    "ScaledSum/scaled_sum.comp", size: { ($0.width, $0.rows) }
  ) { op in
    var defines: [String: String] = [:]
    if op.rowGain { defines["ROW_GAIN"] = "" }
    if op.gain { defines["GAIN"] = "" }
    if op.addend != .none { defines["ADDEND_\(op.addend.rawValue.uppercased())"] = "" }
    if op.inPlace { defines["IN_PLACE"] = "" }
    let limit: Float
    switch op.range {
    case .all: limit = 0
    case .softCap(let c): (defines["SOFT_CAP"], limit) = ("", c)
    case .clamp(let c): (defines["CLAMP"], limit) = ("", c)
    }
    return Step(
      "ScaledSum/scaled_sum.comp", defines: defines, bindings: op.arguments.map { .argument($0.name) },
      constants: [
        "width": UInt32(op.width), "scale": op.scale.bitPattern, "addend_scale": op.addendScale.bitPattern,
        "limit": limit.bitPattern,
      ], groups: (1, 1, 1))
  }
}
