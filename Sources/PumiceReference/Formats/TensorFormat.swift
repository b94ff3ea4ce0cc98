public import PumiceTensors

/// The decoding of stored tensors as the formats define it: the values are binary32 numbers.
extension TensorFormat {
  /// Every element of a tensor.
  ///
  /// - Precondition: `bytes` has as many bytes as the shape needs.
  public func decode(_ bytes: UnsafeRawBufferPointer, _ shape: Shape) -> [Double] {
    precondition(bytes.count == byteCount(shape), "\(bytes.count) bytes for \(shape) elements of \(name)")
    if sectioned != nil { return decodeSections(bytes, shape, 0..<shape.rows) }
    return decode(bytes)
  }

  /// Every element of a tensor.
  public func decode(_ bytes: [UInt8], _ shape: Shape) -> [Double] { bytes.withUnsafeBytes { decode($0, shape) } }

  /// The elements of some rows of a tensor, one row after the other.
  public func decode(rows: [Int], of bytes: [UInt8], _ shape: Shape) -> [Double] {
    bytes.withUnsafeBytes { bytes in
      if sectioned != nil { return rows.flatMap { decodeSections(bytes, shape, $0..<$0 + 1) } }
      let rowBytes = byteCount(elements: shape.rowLength)!
      return rows.flatMap { decode(UnsafeRawBufferPointer(rebasing: bytes[$0 * rowBytes..<($0 + 1) * rowBytes])) }
    }
  }

  private func decodeSections(_ bytes: UnsafeRawBufferPointer, _ shape: Shape, _ rows: Range<Int>) -> [Double] {
    let tensor = StoredSections(bytes, sectioned!.sections(rows: shape.rows, columns: shape.rowLength)!, shape)
    return switch self {
    case .f32, .f16, .bf16, .i32, .i8, .block: preconditionFailure("\(name) has no sections")
    case .group(let format): format.decode(tensor, rows)
    case .normalFloat(let format): format.decode(tensor, rows)
    case .palette(let format): format.decode(tensor, rows)
    case .dualGrained(let format): format.decode(tensor, rows)
    case .gptq(let format): format.decode(tensor, rows)
    case .awq(let format): format.decode(tensor, rows)
    }
  }

  /// Neighbouring elements.
  ///
  /// - Precondition: the format has no sections, and `bytes` is a whole number of blocks.
  public func decode(_ bytes: UnsafeRawBufferPointer) -> [Double] {
    guard let blockBytes, bytes.count % blockBytes == 0 else {
      preconditionFailure("\(bytes.count) bytes are no whole number of \(name) blocks")
    }
    let count = bytes.count / blockBytes
    switch self {
    case .f32: return (0..<count).map { Double(bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self)) }
    case .i32: return (0..<count).map { Double(bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Int32.self)) }
    case .i8: return bytes.map { Double(Int8(bitPattern: $0)) }
    case .f16: return (0..<count).map { bytes.float16(at: 2 * $0) }
    case .bf16: return (0..<count).map { bytes.bfloat16(at: 2 * $0) }
    case .block(let block):
      var values: [Double] = []
      values.reserveCapacity(count * block.length)
      for index in 0..<count { block.decode(bytes, at: index * blockBytes, into: &values) }
      return values
    case .group, .normalFloat, .palette, .dualGrained, .gptq, .awq: preconditionFailure("\(name) has sections")
    }
  }

  /// Neighbouring elements.
  public func decode(_ bytes: [UInt8]) -> [Double] { bytes.withUnsafeBytes { decode($0) } }

  /// `value` as this format would store it alone, rounded to nearest; only plain formats can.
  public func rounded(_ value: Double) -> Double {
    switch self {
    case .f32, .i32: Double(Float(value))
    case .i8: value.rounded(.toNearestOrEven)
    case .f16: Double(Float16(Float(value)))
    case .bf16: roundedToBFloat16(value)
    case .block, .group, .normalFloat, .palette, .dualGrained, .gptq, .awq:
      preconditionFailure("\(name) stores blocks, not single values")
    }
  }
}

/// The nearest number with eight bits of significand, ties to even.
private func roundedToBFloat16(_ value: Double) -> Double {
  let bits = Float(value).bitPattern
  guard bits & 0x7f80_0000 != 0x7f80_0000 else { return value }
  return Double(Float(bitPattern: (bits &+ 0x7fff &+ (bits >> 16 & 1)) & 0xffff_0000))
}

extension UnsafeRawBufferPointer {
  /// The binary16 number at a byte.
  func float16(at offset: Int) -> Double {
    Double(Float16(bitPattern: loadUnaligned(fromByteOffset: offset, as: UInt16.self)))
  }

  /// The bfloat16 number at a byte.
  func bfloat16(at offset: Int) -> Double {
    Double(Float(bitPattern: UInt32(loadUnaligned(fromByteOffset: offset, as: UInt16.self)) << 16))
  }
}
