import PumiceTensors

extension BlockFormat {
  /// Appends the elements of the block that begins at byte `offset`.
  func decode(_ bytes: UnsafeRawBufferPointer, at offset: Int, into values: inout [Double]) {
    switch self {
    case .q8_0:
      let scale = bytes.float16(at: offset)
      for i in 0..<32 { values.append(scale * Double(Int8(bitPattern: bytes[offset + 2 + i]))) }
    case .q4_0:
      let scale = bytes.float16(at: offset)
      for i in 0..<16 { values.append(scale * Double(Int(bytes[offset + 2 + i] & 15) - 8)) }
      for i in 0..<16 { values.append(scale * Double(Int(bytes[offset + 2 + i] >> 4) - 8)) }
    }
  }
}
