import PumiceTensors

extension TensorFormat {
  /// The macros that make `Common/weights.glsl` decode this format, and others.
  func weightDefines(_ others: [String: String] = [:]) -> [String: String] {
    let own: [String: String] =
      switch self {
      case .f32, .f16, .bf16, .i32, .i8: ["WEIGHT_\(name.uppercased())": ""]
      case .block(let format): format.defines
      case .group(let format): format.defines
      case .normalFloat(let format): format.defines
      case .palette(let format): format.defines
      case .dualGrained(let format):
        [
          "WEIGHT_DUAL_GRAINED": "", "CODE_BITS": "4", "GROUP_LENGTH": "\(format.group)", NumberFormat.f16.define: "",
        ]
      case .gptq(let format): format.defines
      case .awq(let format): ["WEIGHT_AWQ": "", "GROUP_LENGTH": "\(format.group)"]
      }
    return own.merging(others) { _, new in new }
  }

  /// What shaders that decode weights bind after everything else: the table of a lattice format.
  var weightBindings: [Step.Binding] {
    if case .block(let format) = self, format.lattice != nil { [.lattice(format)] } else { [] }
  }
}

/// A group of whole rows, as the shaders write it.
private func length(_ group: Int?) -> String { group.map(String.init) ?? "WEIGHT_COLUMNS" }

extension NumberFormat {
  fileprivate var define: String { "NUMBER_\(rawValue.uppercased())" }
}

extension BlockFormat {
  fileprivate var defines: [String: String] {
    var defines = ["WEIGHT_\(rawValue.uppercased())": ""]
    if lattice != nil { defines["WEIGHT_LATTICE"] = "" }
    return defines
  }
}

extension GroupFormat {
  fileprivate var defines: [String: String] {
    var defines = ["WEIGHT_GROUP": "", "CODE_BITS": "\(bits)", "GROUP_LENGTH": length(group), scale.define: ""]
    // Whole rows may end with half of a longer step.
    defines["GROUP_STEP"] = (group ?? 32) % 64 == 0 ? "64" : "32"
    if offset == .bias { defines["WEIGHT_OFFSETS"] = "" }
    return defines
  }
}

extension NormalFloatFormat {
  fileprivate var defines: [String: String] {
    var defines = ["WEIGHT_NORMAL_FLOAT": "", "CODE_BITS": "\(bits)", "GROUP_LENGTH": "\(group)"]
    switch scale {
    case .number(let number): defines[number.define] = ""
    case .quantized(let bits, let block, let second):
      defines["SCALE_BITS"] = "\(bits)"
      defines["SCALE_BLOCK"] = "\(block)"
      defines[second.define] = ""
    }
    return defines
  }
}

extension PaletteFormat {
  fileprivate var defines: [String: String] {
    [
      "WEIGHT_PALETTE": "", "CODE_BITS": "\(bits)", "VECTOR": "\(vector)",
      "TABLE_ROWS": rowsPerTable.map(String.init) ?? "WEIGHT_ROWS", entry.define: "",
    ]
  }
}

extension GPTQFormat {
  fileprivate var defines: [String: String] {
    var defines = [
      "WEIGHT_GPTQ": "", "CODE_BITS": "\(bits)", "GROUP_LENGTH": length(group), "ZERO_OFFSET": "\(zeroOffset)",
    ]
    if isOrdered { defines["ORDERED_GROUPS"] = "" }
    return defines
  }
}
