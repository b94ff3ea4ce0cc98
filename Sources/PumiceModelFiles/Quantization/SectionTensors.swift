public import PumiceTensors

/// One of the tensors in which a safetensors file holds a weight: a section of its format.
public struct SectionTensor: Hashable, Sendable {
  /// What follows the layer's name and a dot.
  public var suffix: String
  public var shape: Shape
  public var type: SafetensorsType
}

/// How Pumice's extension of MLX's layout, version 1, names the sections of a format. The first is always `weight`, words of
/// codes; the order is that of the format's sections.
///
/// | format | tensors |
/// | --- | --- |
/// | groups | `weight`, `scales` and, with an offset, `biases`: MLX's own |
/// | palettes | `weight`, `palettes` [tables, entries · elements of an entry] |
/// | normal floats | `weight`, `scales`; of quantized scales `weight`, `scale_codes`, `second_scales`, `least_scale` |
/// | dual grained | `weight`, `ratios`, `zeros`, `scales` |
extension TensorFormat {
  /// The tensors of a weight of `rows` × `columns`, or nil when it does not fit the format or the extension has none for
  /// it: plain numbers, GGUF's blocks, GPTQ and AWQ.
  public func sectionTensors(rows: Int, columns: Int) -> [SectionTensor]? {
    guard let layout = codeLayout, let sections = sectioned?.sections(rows: rows, columns: columns),
      sections.byteCount <= .max / 32
    else { return nil }
    let codes = SectionTensor(
      suffix: "weight", shape: [rows, columns / (32 * layout.elements) * layout.bits], type: .u32)
    switch self {
    case .group(let format):
      let shape: Shape = [rows, format.groups(columns: columns)], type = format.scale.safetensorsType
      let scales = SectionTensor(suffix: "scales", shape: shape, type: type)
      return [codes, scales]
        + (format.offset == .bias ? [SectionTensor(suffix: "biases", shape: shape, type: type)] : [])
    case .palette(let format):
      let tables = format.rowsPerTable.map { (rows - 1) / $0 + 1 } ?? 1
      let shape: Shape = [tables, format.vector << format.bits]
      return [codes, SectionTensor(suffix: "palettes", shape: shape, type: format.entry.safetensorsType)]
    case .normalFloat(let format):
      switch format.scale {
      case .number(let number):
        let shape: Shape = [rows, columns / format.group]
        return [codes, SectionTensor(suffix: "scales", shape: shape, type: number.safetensorsType)]
      case .quantized(let bits, let block, let second):
        let count = rows * (columns / format.group)
        return [
          codes, SectionTensor(suffix: "scale_codes", shape: [(count * bits + 31) / 32], type: .u32),
          SectionTensor(suffix: "second_scales", shape: [(count + block - 1) / block], type: second.safetensorsType),
          SectionTensor(suffix: "least_scale", shape: [1], type: .f32),
        ]
      }
    case .dualGrained(let format):
      let shape: Shape = [rows, columns / format.group]
      return [
        codes, SectionTensor(suffix: "ratios", shape: shape, type: .i8),
        SectionTensor(suffix: "zeros", shape: shape, type: .i8),
        SectionTensor(suffix: "scales", shape: [rows], type: .f16),
      ]
    case .f32, .f16, .bf16, .i32, .i8, .block, .gptq, .awq: return nil
    }
  }

  /// Bits of a code and how many elements it stands for; nil for formats that the extension does not name.
  var codeLayout: (bits: Int, elements: Int)? {
    switch self {
    case .group(let format): (format.bits, 1)
    case .palette(let format): (format.bits, format.vector)
    case .normalFloat(let format): (format.bits, 1)
    case .dualGrained: (4, 1)
    case .f32, .f16, .bf16, .i32, .i8, .block, .gptq, .awq: nil
    }
  }
}

extension NumberFormat {
  /// The type of such numbers in a file.
  var safetensorsType: SafetensorsType {
    switch self {
    case .f16: .f16
    case .bf16: .bf16
    case .f32: .f32
    }
  }
}

extension LinearTensors {
  /// The format to compute with, whose sections are `parts`; nil when there is none for it.
  public var format: TensorFormat? {
    switch storage {
    case .plain(let weight): return weight.format
    case .mlx(let tensors):
      let scale: NumberFormat =
        switch tensors.scales.type {
        case .bf16: .bf16
        case .f32: .f32
        default: .f16
        }
      let offset: GroupFormat.Offset = tensors.biases == nil ? .symmetric : .bias
      return GroupFormat(bits: tensors.scheme.bits, group: tensors.scheme.group, offset: offset, scale: scale)
        .map { .group($0) }
    case .gptq(let tensors):
      return GPTQFormat(
        bits: tensors.bits, group: tensors.group, isOrdered: tensors.groups != nil, zeroOffset: tensors.zeroOffset
      ).map { .gptq($0) }
    case .awq(let tensors): return AWQFormat(group: tensors.group ?? inputs).map { .awq($0) }
    case .sections(let format, _): return format
    }
  }
}
