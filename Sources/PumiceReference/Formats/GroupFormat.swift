import PumiceTensors

// Formats whose codes lie along the rows. All operations are those of binary32.

extension GroupFormat {
  /// The elements of some rows.
  func decode(_ tensor: StoredSections, _ rows: Range<Int>) -> [Double] {
    let length = group ?? tensor.columns, groups = groups(columns: tensor.columns)
    return tensor.elements(rows) { row, column in
      let code = tensor.code(0, bits: bits, index: row * tensor.columns + column)
      let factor = tensor.number(1, scale, index: row * groups + column / length)
      return switch offset {
      case .symmetric: factor * Float(step * code - zero)
      case .bias: factor * Float(code) + tensor.number(2, scale, index: row * groups + column / length)
      }
    }
  }
}

extension NormalFloatFormat {
  /// The elements of some rows.
  func decode(_ tensor: StoredSections, _ rows: Range<Int>) -> [Double] {
    let groups = tensor.columns / group, table = table
    return tensor.elements(rows) { row, column in
      let index = row * groups + column / group
      let factor: Float
      switch scale {
      case .number(let number): factor = tensor.number(1, number, index: index)
      case .quantized(let bits, let block, let second):
        let code = tensor.code(1, bits: bits, index: index)
        factor = Float(code) * tensor.number(2, second, index: index / block) + tensor.number(3, .f32, index: 0)
      }
      return factor * table[tensor.code(0, bits: bits, index: row * tensor.columns + column)]
    }
  }
}

extension PaletteFormat {
  /// The elements of some rows.
  func decode(_ tensor: StoredSections, _ rows: Range<Int>) -> [Double] {
    tensor.elements(rows) { row, column in
      let index = tensor.code(0, bits: bits, index: (row * tensor.columns + column) / vector)
      let table = rowsPerTable.map { row / $0 } ?? 0
      return tensor.number(1, entry, index: ((table << bits) + index) * vector + column % vector)
    }
  }
}

extension DualGrainedFormat {
  /// The elements of some rows.
  func decode(_ tensor: StoredSections, _ rows: Range<Int>) -> [Double] {
    let groups = tensor.columns / group
    return tensor.elements(rows) { row, column in
      let index = row * groups + column / group
      let code = tensor.code(0, bits: 4, index: row * tensor.columns + column)
      let ratio = Int(Int8(bitPattern: tensor.byte(1, index: index)))
      let zero = Int(Int8(bitPattern: tensor.byte(2, index: index)))
      return Float((code - zero) * ratio) * tensor.number(3, .f16, index: row)
    }
  }
}
