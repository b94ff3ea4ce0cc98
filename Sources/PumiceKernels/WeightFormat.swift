public import PumiceTensors

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

  /// Whether the numbers that its codes choose from fit into the registers of so many lanes which decode neighbouring rows, the
  /// first a multiple of their count.
  func keepsLevels(lanes: Int) -> Bool {
    switch self {
    case .normalFloat(let format): 1 << format.bits <= 2 * lanes
    case .palette(let format):
      1 << format.bits <= 8 * lanes && (format.rowsPerTable.map { $0 % lanes == 0 } ?? true)
    case .block(.iq4_nl), .block(.iq4_xs): 16 <= 2 * lanes
    default: false
    }
  }

  /// What shaders that decode weights bind after everything else: the table of a lattice format, or a large one of quantiles.
  var weightBindings: [Step.Binding] {
    switch self {
    case .block(let format) where format.lattice != nil: [.table(.lattice(format))]
    case .normalFloat(let format) where format.bits == 8: [.table(.normalFloat8)]
    default: []
    }
  }
}

/// A table in a buffer of its own that shaders decode weights with.
public enum WeightTable: Hashable, Sendable, CustomStringConvertible {
  /// The rows of a lattice format.
  case lattice(BlockFormat)
  /// The values of the codes of 8 bits.
  case normalFloat8

  /// As the shaders read them, a word for each row or value.
  var words: [UInt32] {
    switch self {
    case .lattice(let format):
      guard let table = format.lattice else { preconditionFailure("\(format) has no table") }
      return table.shaderWords
    case .normalFloat8: return NormalFloatFormat.table(bits: 8).map(\.bitPattern)
    }
  }

  public var description: String {
    switch self {
    case .lattice(let format): "rows of \(format)"
    case .normalFloat8: "values of nf8"
    }
  }
}

extension LatticeTable {
  /// The rows as `Common/Formats/lattice.glsl` reads them, a word each. Four magnitudes, which get signs: a byte for each, plus
  /// 128. Eight magnitudes: four bits of each, 0, 1, 4 and 5 of its binary digits, the other digits being the same in all. Numbers
  /// that have signs already: the codes of their levels.
  var shaderWords: [UInt32] {
    if levels.contains(where: { $0 < 0 }) { return rows.map(UInt32.init) }
    return rows.indices.map { row in
      (0..<length).reduce(0) { word, index in
        let magnitude = UInt32(self[row, index])
        return length == 4
          ? word | (128 + magnitude) << UInt32(8 * index)
          : word | (magnitude & 3 | magnitude >> 2 & 12) << UInt32(8 * (index % 4) + 4 * (index / 4))
      }
    }
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
    if bits == 8 { defines["WEIGHT_LATTICE"] = "" }
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
