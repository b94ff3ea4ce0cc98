/// Reads little-endian numbers from bytes, from the front to the back; nil where the bytes end.
struct ByteReader {
  let bytes: UnsafeRawBufferPointer
  private(set) var offset = 0

  init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  var remaining: Int { bytes.count - offset }

  /// The next `count` bytes.
  mutating func skip(_ count: Int) -> UnsafeRawBufferPointer? {
    guard count >= 0, count <= remaining else { return nil }
    defer { offset += count }
    return UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count])
  }

  mutating func read<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type) -> T? {
    guard remaining >= MemoryLayout<T>.size else { return nil }
    defer { offset += MemoryLayout<T>.size }
    return T(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: T.self))
  }

  /// The next `count` numbers; the bytes are known to be there before the array is made.
  mutating func read<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type, count: Int) -> [T]? {
    let (size, overflow) = count.multipliedReportingOverflow(by: MemoryLayout<T>.size)
    guard !overflow, let source = skip(size) else { return nil }
    return [T](unsafeUninitializedCapacity: count) { target, initialized in
      UnsafeMutableRawBufferPointer(target).copyBytes(from: source)
      for index in 0..<count { target[index] = T(littleEndian: target[index]) }
      initialized = count
    }
  }
}

/// The first multiple of `alignment` that is not below `value`; nil on overflow.
func roundUp(_ value: Int, to alignment: Int) -> Int? {
  let (sum, overflow) = value.addingReportingOverflow(alignment - 1)
  return overflow ? nil : sum / alignment * alignment
}
