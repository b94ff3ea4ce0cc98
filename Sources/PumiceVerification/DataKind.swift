public import PumiceTensors

/// What kind of numbers a case is fed: each has broken some kernel somewhere.
public enum DataKind: String, CaseIterable, Codable, Hashable, Sendable {
  /// Standard normal.
  case normal
  /// Normal, with one in 64 elements a thousand to ten thousand times larger, as in the activations of language models.
  case outliers
  case zeros
  /// Subnormal numbers of the format, mixed with ordinary ones.
  case denormals
  /// Every row is zero but for one element: a dropped or swapped index cannot hide in a sum.
  case oneHot = "one_hot"
  /// Every element is the same.
  case equal

  /// `rows` × `columns` numbers.
  func values(rows: Int, columns: Int, _ random: inout RandomSource) -> [Float] {
    let constant = Float(random.normal())
    var values: [Float] = []
    values.reserveCapacity(rows * columns)
    for _ in 0..<rows {
      let hot = random.below(columns)
      for column in 0..<columns {
        switch self {
        case .normal: values.append(Float(random.normal()))
        case .outliers:
          let size = random.below(64) == 0 ? 1e3 + 9e3 * random.uniform() : 1
          values.append(Float(random.normal() * size))
        case .zeros: values.append(0)
        case .denormals:
          values.append(random.below(2) == 0 ? Float(random.normal()) * 0x1p-127 : Float(random.normal()))
        case .oneHot: values.append(column == hot ? Float(random.normal() + 8) : 0)
        case .equal: values.append(constant)
        }
      }
    }
    return values
  }

  /// The bytes of a tensor of this kind in any format.
  public func bytes(_ shape: Shape, _ format: TensorFormat, _ random: inout RandomSource) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(format.byteCount(shape)!)
    switch format {
    case .f32:
      for value in values(rows: shape.rows, columns: shape.rowLength, &random) { bytes.append(word: value.bitPattern) }
    case .f16:
      for value in values(rows: shape.rows, columns: shape.rowLength, &random) {
        // Numbers that are subnormal in f32 vanish in f16, which has its own.
        let half = self == .denormals && abs(value) < 0x1p-120 ? Float16(value * 0x1p110) : Float16(value)
        bytes.append(word: half.isInfinite ? Float16.greatestFiniteMagnitude.bitPattern : half.bitPattern)
      }
    case .bf16:
      for value in values(rows: shape.rows, columns: shape.rowLength, &random) {
        bytes.append(word: UInt16(value.bitPattern >> 16))
      }
    case .block(let block):
      let scales = values(rows: shape.rows, columns: max(1, shape.rowLength / block.length), &random)
      for (index, scale) in scales.enumerated() {
        // Half of the scales are subnormal in binary16.
        let isTiny = self == .denormals && index % 2 == 0
        bytes += block.bytes(
          scale: isTiny ? Float16(bitPattern: UInt16(random.below(1024))) : Float16(scale / 16), &random)
      }
    case .group, .normalFloat, .palette, .dualGrained, .gptq, .awq:
      bytes = format.sectionBytes(of: self, shape, &random)
    case .i8: for _ in 0..<shape.count { bytes.append(UInt8(truncatingIfNeeded: random.next())) }
    case .i32: for _ in 0..<shape.count { bytes.append(word: UInt32(random.below(1 << 16))) }
    }
    return bytes
  }
}

extension [UInt8] {
  /// Appends the bytes of an integer, least significant first, as every format here stores it.
  mutating func append(word value: some FixedWidthInteger) {
    Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
  }
}

/// The bytes of an integer, least significant first, as every format here stores it.
func littleEndian<T: FixedWidthInteger>(_ value: T) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { Array($0) } }
