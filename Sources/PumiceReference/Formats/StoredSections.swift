import PumiceTensors

/// A tensor with sections, and access to what they hold.
struct StoredSections {
  let bytes: UnsafeRawBufferPointer
  let sections: TensorSections
  let rows: Int
  let columns: Int

  init(_ bytes: UnsafeRawBufferPointer, _ sections: TensorSections, _ shape: Shape) {
    self.bytes = bytes
    self.sections = sections
    (rows, columns) = (shape.rows, shape.rowLength)
  }

  /// Integer `index` of `bits` bits in the string that a section is, or that begins at byte `start` of it.
  func code(_ section: Int, bits: Int, index: Int, start: Int = 0) -> Int {
    var code = 0
    for bit in 0..<bits {
      let position = index * bits + bit
      let byte = bytes[sections.offsets[section] + start + position / 8]
      code |= Int(byte >> UInt8(position % 8) & 1) << bit
    }
    return code
  }

  /// Number `index` of a section.
  func number(_ section: Int, _ format: NumberFormat, index: Int) -> Float {
    let offset = sections.offsets[section] + index * format.byteCount
    return switch format {
    case .f16: Float(bytes.float16(at: offset))
    case .bf16: Float(bytes.bfloat16(at: offset))
    case .f32: bytes.loadUnaligned(fromByteOffset: offset, as: Float.self)
    }
  }

  /// The 32-bit word `index` of a section.
  func word(_ section: Int, index: Int) -> UInt32 {
    bytes.loadUnaligned(fromByteOffset: sections.offsets[section] + 4 * index, as: UInt32.self)
  }

  /// The byte `index` of a section.
  func byte(_ section: Int, index: Int) -> UInt8 { bytes[sections.offsets[section] + index] }

  /// The elements of some rows, each by its row and column.
  func elements(_ wanted: Range<Int>, _ value: (_ row: Int, _ column: Int) -> Float) -> [Double] {
    var values: [Double] = []
    values.reserveCapacity(wanted.count * columns)
    for row in wanted { for column in 0..<columns { values.append(Double(value(row, column))) } }
    return values
  }
}
