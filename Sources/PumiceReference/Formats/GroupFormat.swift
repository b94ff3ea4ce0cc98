import PumiceTensors

extension GroupFormat {
  /// The elements of some rows of a tensor. The value is a product rounded to binary32, and a sum rounded again.
  func decode(_ bytes: UnsafeRawBufferPointer, rows: Int, columns: Int, only wanted: Range<Int>) -> [Double] {
    let sections = sections(rows: rows, columns: columns)!
    let length = group ?? columns
    var values: [Double] = []
    values.reserveCapacity(wanted.count * columns)
    for row in wanted {
      let codes = sections.offsets[0] + row * sections.rowBytes[0]
      let scales = sections.offsets[1] + row * sections.rowBytes[1]
      for column in 0..<columns {
        let code = code(bytes, at: codes, index: column)
        let factor = number(bytes, at: scales, index: column / length)
        switch offset {
        case .symmetric: values.append(Double(factor * Float(step * code - zero)))
        case .bias:
          let biases = sections.offsets[2] + row * sections.rowBytes[2]
          values.append(Double(factor * Float(code) + number(bytes, at: biases, index: column / length)))
        }
      }
    }
    return values
  }

  /// Element `index` of the string of `bits`-bit integers that begins at byte `start`.
  private func code(_ bytes: UnsafeRawBufferPointer, at start: Int, index: Int) -> Int {
    var code = 0
    for bit in 0..<bits {
      let position = index * bits + bit
      code |= Int(bytes[start + position / 8] >> UInt8(position % 8) & 1) << bit
    }
    return code
  }

  private func number(_ bytes: UnsafeRawBufferPointer, at start: Int, index: Int) -> Float {
    let offset = start + index * scale.byteCount
    return switch scale {
    case .f16: Float(bytes.float16(at: offset))
    case .bf16: Float(bytes.bfloat16(at: offset))
    case .f32: bytes.loadUnaligned(fromByteOffset: offset, as: Float.self)
    }
  }
}
