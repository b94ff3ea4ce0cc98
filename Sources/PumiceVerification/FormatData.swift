import PumiceTensors

// Random bytes for formats with codes: any code is valid, any scale is not.

extension BlockFormat {
  /// A block of random codes. Every other number with an exponent is another one, of another sign, so that none can stand in
  /// for its neighbour.
  func bytes(scale: Float16, _ random: inout RandomSource) -> [UInt8] {
    var bytes = (0..<byteCount).map { _ in UInt8(truncatingIfNeeded: random.next() >> 56) }
    var next = Float(scale)
    bytes.withUnsafeMutableBytes { bytes in
      setScales(bytes, at: 0) {
        defer { next *= -0.75 }
        return next
      }
    }
    return bytes
  }

  /// Sets every number with an exponent in the block that begins at byte `start`.
  func setScales(_ bytes: UnsafeMutableRawBufferPointer, at start: Int, _ scale: () -> Float) {
    func setFloat16(_ offset: Int) {
      bytes.storeBytes(of: Float16(scale()).bitPattern, toByteOffset: start + offset, as: UInt16.self)
    }
    switch self {
    case .q1_0, .q2_0, .q4_0, .q5_0, .q8_0, .iq4_nl, .iq4_xs, .iq2_xxs, .iq2_xs, .iq2_s, .iq3_xxs, .iq3_s, .iq1_s:
      setFloat16(0)
    case .q4_1, .q5_1, .q4_K, .q5_K:
      setFloat16(0)
      setFloat16(2)
    case .q2_K:
      setFloat16(80)
      setFloat16(82)
    case .q3_K: setFloat16(108)
    case .q6_K: setFloat16(208)
    case .tq1_0: setFloat16(52)
    case .tq2_0: setFloat16(64)
    case .iq1_m:
      // Four bits in the highest of each of four 16-bit words.
      let bits = Float16(scale()).bitPattern
      for i in 0..<4 {
        let high = start + 48 + 2 * i + 1
        bytes[high] = bytes[high] & 15 | UInt8(truncatingIfNeeded: bits >> (4 * i)) << 4
      }
    case .mxfp4:
      // A power of two next to the scale; the largest whose multiples are finite is 2^125.
      let value = abs(scale())
      bytes[start] = value == 0 ? 0 : UInt8(max(0, min(252, Int(value.exponent) + 127)))
    case .nvfp4: for i in 0..<4 { bytes[start + i] = Self.e4m3(scale()) }
    }
  }

  /// A number of four bits of exponent and three of significand below the value's magnitude, at most 448.
  private static func e4m3(_ value: Float) -> UInt8 {
    let magnitude = min(abs(value), 448)
    guard magnitude >= 0x1p-6 else { return UInt8(magnitude * 0x1p9) }
    return UInt8((Int(magnitude.exponent) + 7) << 3 | Int((magnitude.significand - 1) * 8))
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
