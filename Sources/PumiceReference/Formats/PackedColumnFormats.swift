import PumiceTensors

// Formats whose codes lie along the columns. All operations are those of binary32.

extension GPTQFormat {
  /// The elements of some rows.
  func decode(_ tensor: StoredSections, _ rows: Range<Int>) -> [Double] {
    let length = group ?? tensor.columns
    return tensor.elements(rows) { row, column in
      // The string goes down: bit b of it is in word b / 32 of the rows' words.
      var code = 0
      for bit in 0..<bits {
        let position = column * bits + bit
        let word = tensor.word(0, index: position / 32 * tensor.rows + row)
        code |= Int(word >> UInt32(position % 32) & 1) << bit
      }
      let group = isOrdered ? Int(tensor.word(3, index: column)) : column / length
      let zero = tensor.code(1, bits: bits, index: group * tensor.rows + row) + zeroOffset
      return tensor.number(2, .f16, index: group * tensor.rows + row) * Float(code - zero)
    }
  }
}

extension AWQFormat {
  /// The elements of some rows.
  func decode(_ tensor: StoredSections, _ rows: Range<Int>) -> [Double] {
    tensor.elements(rows) { row, column in
      func code(_ section: Int, _ line: Int) -> Int {
        let word = tensor.word(section, index: line * (tensor.rows / 8) + row / 8)
        return Int(word >> UInt32(4 * Self.place(row: row)) & 15)
      }
      let group = column / group
      return tensor.number(2, .f16, index: group * tensor.rows + row) * Float(code(0, column) - code(1, group))
    }
  }
}
