public import PumiceTensors

/// The exact decoding of stored tensors, block by block as the formats define it.
extension TensorFormat {
  /// Every element of `bytes`, exactly.
  ///
  /// - Precondition: `bytes` is a whole number of blocks.
  public func decode(_ bytes: UnsafeRawBufferPointer) -> [Double] {
    precondition(bytes.count % blockBytes == 0, "\(bytes.count) bytes are no whole number of \(rawValue) blocks")
    let blocks = bytes.count / blockBytes
    var values: [Double] = []
    values.reserveCapacity(blocks * blockLength)
    for block in 0..<blocks { decodeBlock(bytes, at: block * blockBytes, into: &values) }
    return values
  }

  /// Every element of `bytes`, exactly.
  public func decode(_ bytes: [UInt8]) -> [Double] { bytes.withUnsafeBytes { decode($0) } }

  private func decodeBlock(_ bytes: UnsafeRawBufferPointer, at offset: Int, into values: inout [Double]) {
    func f16(_ offset: Int) -> Double {
      Double(Float16(bitPattern: bytes.loadUnaligned(fromByteOffset: offset, as: UInt16.self)))
    }
    switch self {
    case .f32: values.append(Double(bytes.loadUnaligned(fromByteOffset: offset, as: Float.self)))
    case .i32: values.append(Double(bytes.loadUnaligned(fromByteOffset: offset, as: Int32.self)))
    case .f16: values.append(f16(offset))
    case .q8_0:
      let scale = f16(offset)
      for i in 0..<32 { values.append(scale * Double(Int8(bitPattern: bytes[offset + 2 + i]))) }
    case .q4_0:
      let scale = f16(offset)
      for i in 0..<16 { values.append(scale * Double(Int(bytes[offset + 2 + i] & 15) - 8)) }
      for i in 0..<16 { values.append(scale * Double(Int(bytes[offset + 2 + i] >> 4) - 8)) }
    }
  }

  /// `value` as this format would store it alone, exactly as IEEE 754 rounds to nearest; only plain formats can.
  public func rounded(_ value: Double) -> Double {
    switch self {
    case .f32, .i32: Double(Float(value))
    case .f16: Double(Float16(Float(value)))
    case .q8_0, .q4_0: preconditionFailure("\(rawValue) stores blocks, not single values")
    }
  }
}
