import PumiceTensors

extension TensorFormat {
  /// The macros that make `Common/weights.glsl` decode this format, and others.
  func weightDefines(_ others: [String: String] = [:]) -> [String: String] {
    var defines = others
    switch self {
    case .f32, .f16, .bf16, .i32, .block: defines["WEIGHT_\(name.uppercased())"] = ""
    case .group(let group):
      defines["WEIGHT_GROUPED"] = ""
      defines["CODE_BITS"] = String(group.bits)
      // Whole rows may end with half of a longer step.
      defines["GROUP_STEP"] = (group.group ?? 32) % 64 == 0 ? "64" : "32"
      defines["GROUP_LENGTH"] = group.group.map(String.init) ?? "WEIGHT_COLUMNS"
      defines["NUMBER_\(group.scale.rawValue.uppercased())"] = ""
      if group.offset == .bias { defines["WEIGHT_OFFSETS"] = "" }
    }
    return defines
  }
}
