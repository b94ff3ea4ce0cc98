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
    for offset in halfOffsets {
      bytes.storeBytes(of: Float16(scale()).bitPattern, toByteOffset: start + offset, as: UInt16.self)
    }
    switch self {
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
    default: break
    }
  }

  /// A number of four bits of exponent and three of significand below the value's magnitude, at most 448.
  private static func e4m3(_ value: Float) -> UInt8 {
    let magnitude = min(abs(value), 448)
    guard magnitude >= 0x1p-6 else { return UInt8(magnitude * 0x1p9) }
    return UInt8((Int(magnitude.exponent) + 7) << 3 | Int((magnitude.significand - 1) * 8))
  }
}

/// What a section of a tensor holds.
enum SectionContent {
  /// Any bits.
  case codes
  case numbers(NumberFormat)
  /// Bytes below `end`.
  case bytes(end: Int)
  /// 32-bit integers below `end`.
  case indices(end: Int)
}

extension TensorFormat {
  /// What the sections hold, for random data; nil for formats without sections.
  func contents(_ shape: Shape) -> [SectionContent]? {
    switch self {
    case .f32, .f16, .bf16, .i32, .i8, .block: nil
    case .group(let format):
      [.codes, .numbers(format.scale)] + (format.offset == .bias ? [.numbers(format.scale)] : [])
    case .normalFloat(let format):
      switch format.scale {
      case .number(let number): [.codes, .numbers(number)]
      case .quantized(_, _, let second): [.codes, .codes, .numbers(second), .numbers(.f32)]
      }
    case .palette(let format): [.codes, .numbers(format.entry)]
    case .dualGrained: [.codes, .codes, .bytes(end: 16), .numbers(.f16)]
    case .gptq(let format):
      [.codes, .codes, .numbers(.f16)]
        + (format.isOrdered ? [.indices(end: shape.rowLength / (format.group ?? shape.rowLength))] : [])
    case .awq: [.codes, .codes, .numbers(.f16)]
    }
  }

  /// A tensor with sections: random codes, and numbers of that kind.
  func sectionBytes(of kind: DataKind, _ shape: Shape, _ random: inout RandomSource) -> [UInt8] {
    var bytes = (0..<byteCount(shape)!).map { _ in UInt8(truncatingIfNeeded: random.next() >> 56) }
    bytes.withUnsafeMutableBytes { bytes in
      fillSections(bytes, shape, &random) { count, random in
        kind.values(rows: 1, columns: count, &random).map {
          // A device may take a subnormal scale for zero, and so lose whole values: these are as small as can be relied on.
          abs($0) < 0x1p-100 ? $0 * 0x1p24 : $0 / 16
        }
      }
    }
    return bytes
  }

  /// Sets everything in sections that not any bits may be.
  ///
  /// - Parameter numbers: makes so many numbers.
  func fillSections(
    _ bytes: UnsafeMutableRawBufferPointer, _ shape: Shape, _ random: inout RandomSource,
    numbers: (Int, inout RandomSource) -> [Float]
  ) {
    let sections = sectioned!.sections(rows: shape.rows, columns: shape.rowLength)!
    for (content, (offset, size)) in zip(contents(shape)!, zip(sections.offsets, sections.sizes)) {
      switch content {
      case .codes: break
      case .numbers(let format):
        for (index, value) in numbers(size / format.byteCount, &random).enumerated() {
          bytes.store(value, format, at: offset + index * format.byteCount)
        }
      case .bytes(let end):
        for index in offset..<offset + size { bytes[index] = UInt8(random.below(end)) }
      case .indices(let end):
        for start in stride(from: offset, to: offset + size, by: 4) {
          bytes.storeBytes(of: UInt32(random.below(end)), toByteOffset: start, as: UInt32.self)
        }
      }
    }
  }
}

extension UnsafeMutableRawBufferPointer {
  /// Stores a number, the nearest finite one.
  fileprivate func store(_ value: Float, _ format: NumberFormat, at offset: Int) {
    switch format {
    case .f16:
      let limit = Float(Float16.greatestFiniteMagnitude)
      storeBytes(
        of: Float16(Swift.max(-limit, Swift.min(limit, value))).bitPattern, toByteOffset: offset, as: UInt16.self)
    case .bf16: storeBytes(of: UInt16(value.bitPattern >> 16), toByteOffset: offset, as: UInt16.self)
    case .f32: storeBytes(of: value.bitPattern, toByteOffset: offset, as: UInt32.self)
    }
  }
}
