import PumiceTensors

// Random bytes for formats with codes: any code is valid, any scale is not.

extension BlockFormat {
  /// A block of random codes.
  func bytes(scale: Float16, _ random: inout RandomSource) -> [UInt8] {
    var bytes = (0..<byteCount).map { _ in UInt8(truncatingIfNeeded: random.next() >> 56) }
    bytes.withUnsafeMutableBytes { setScales($0, at: 0) { Float(scale) } }
    return bytes
  }

  /// Sets every number with an exponent in the block that begins at byte `start`.
  func setScales(_ bytes: UnsafeMutableRawBufferPointer, at start: Int, _ scale: () -> Float) {
    switch self {
    case .q4_0, .q8_0: bytes.storeBytes(of: Float16(scale()).bitPattern, toByteOffset: start, as: UInt16.self)
    }
  }
}

extension GroupFormat {
  /// A tensor of random codes, with scales and offsets of that kind.
  func bytes(of kind: DataKind, _ shape: Shape, _ random: inout RandomSource) -> [UInt8] {
    let size = TensorFormat.group(self).byteCount(shape)!
    var bytes = (0..<size).map { _ in UInt8(truncatingIfNeeded: random.next() >> 56) }
    var numbers: [Float] = []
    for _ in sections(rows: shape.rows, columns: shape.rowLength)!.offsets.dropFirst() {
      numbers += kind.values(rows: shape.rows, columns: groups(columns: shape.rowLength), &random).map {
        // A device may take a subnormal scale for zero, and so lose whole values: these are as small as can be relied on.
        abs($0) < 0x1p-100 ? $0 * 0x1p24 : $0 / 16
      }
    }
    var next = numbers.makeIterator()
    bytes.withUnsafeMutableBytes { setNumbers($0, shape) { next.next()! } }
    return bytes
  }

  /// Sets every scale and offset of a tensor.
  func setNumbers(_ bytes: UnsafeMutableRawBufferPointer, _ shape: Shape, _ number: () -> Float) {
    let sections = sections(rows: shape.rows, columns: shape.rowLength)!
    for (offset, rowBytes) in zip(sections.offsets, sections.rowBytes).dropFirst() {
      for start in stride(from: offset, to: offset + shape.rows * rowBytes, by: scale.byteCount) {
        let value = number()
        switch scale {
        case .f16: bytes.storeBytes(of: finite(Float16(value)).bitPattern, toByteOffset: start, as: UInt16.self)
        case .bf16: bytes.storeBytes(of: UInt16(value.bitPattern >> 16), toByteOffset: start, as: UInt16.self)
        case .f32: bytes.storeBytes(of: value.bitPattern, toByteOffset: start, as: UInt32.self)
        }
      }
    }
  }

  private func finite(_ value: Float16) -> Float16 {
    max(-.greatestFiniteMagnitude, min(.greatestFiniteMagnitude, value))
  }
}
