/// A GGUF file written byte by byte, so that it can be wrong.
struct RawFile {
  var bytes: [UInt8]

  init(version: UInt32 = 3, tensors: UInt64 = 0, keys: UInt64 = 0) {
    bytes = Array("GGUF".utf8) + raw(version) + raw(tensors) + raw(keys)
  }

  mutating func pair(_ key: String, type: UInt32, _ value: (inout [UInt8]) -> Void) {
    bytes += raw(UInt64(key.utf8.count)) + Array(key.utf8) + raw(type)
    value(&bytes)
  }
}

/// An entry of the list of tensors.
struct RawTensor {
  var bytes: [UInt8]

  init(_ name: String, _ dimensions: [UInt64], type: UInt32 = 0, offset: UInt64 = 0) {
    bytes = raw(UInt64(name.utf8.count)) + Array(name.utf8) + raw(UInt32(dimensions.count))
    for dimension in dimensions { bytes += raw(dimension) }
    bytes += raw(type) + raw(offset)
  }
}

/// The bytes of a number, lowest first.
func raw<T: FixedWidthInteger>(_ value: T) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { Array($0) } }

/// Steele, Lea & Flood 2014: a generator that is the same everywhere.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
