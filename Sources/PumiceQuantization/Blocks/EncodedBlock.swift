/// The bytes of one block while they are written; zeros at first.
struct EncodedBlock {
  let bytes: UnsafeMutableRawBufferPointer
  /// Whether a scale was beyond the numbers of the format.
  private(set) var hasOverflow = false

  init(_ bytes: UnsafeMutableRawBufferPointer) {
    self.bytes = bytes
    bytes.initializeMemory(as: UInt8.self, repeating: 0)
  }

  /// Notes that no number of the format is large enough for the elements.
  mutating func overflow() { hasOverflow = true }

  /// An f16 number at a byte.
  mutating func half(_ value: Float, at offset: Int) {
    let half = Float16(value)
    if !half.isFinite { overflow() }
    bytes.storeBytes(of: half.bitPattern.littleEndian, toByteOffset: offset, as: UInt16.self)
  }

  mutating func byte(_ value: UInt8, at offset: Int) { bytes[offset] = value }

  /// Element `i` of a string of `width`-bit codes, least significant bit first; no code crosses a byte.
  mutating func code(_ value: some BinaryInteger, _ i: Int, width: Int, at offset: Int) {
    bytes[offset + i * width / 8] |= UInt8(truncatingIfNeeded: value) << UInt8(i * width % 8)
  }

  /// Element `i` of codes of `width` bits that are stored in planes of `plane` bytes: neighbours lie in neighbouring bytes.
  @inline(__always)
  mutating func planar(_ value: UInt8, _ i: Int, width: Int, plane: Int, at offset: Int) {
    let perPlane = plane * 8 / width
    let inside = i % perPlane
    bytes[offset + i / perPlane * plane + inside % plane] |= value << UInt8(inside / plane * width)
  }
}
