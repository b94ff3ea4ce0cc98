public import PumiceTensors

/// How LQ-LoRA stores a matrix (Guo et al. 2024): codes that choose values of a table, a scale for each block of elements,
/// quantized to integers, and a number for each block of scales.
public struct DoubleQuantization: Hashable, Sendable {
  /// Bits of a code: 2, 3, 4 or 8.
  public let bits: Int
  /// Bits of a scale: 2, 3, 4 or 8.
  public let scaleBits: Int
  /// The format of the numbers that scale the scales.
  public let second: NumberFormat
  /// Elements that share a scale: 16, 32 or 64.
  public let block: Int
  /// Scales that share a number: 16, 64 or 256.
  public let superBlock: Int

  public init(bits: Int, scaleBits: Int, second: NumberFormat, block: Int, superBlock: Int) {
    self.bits = bits
    self.scaleBits = scaleBits
    self.second = second
    self.block = block
    self.superBlock = superBlock
  }

  /// All 432 that LQ-LoRA chooses from.
  public static let grid: [DoubleQuantization] = [2, 3, 4, 8].flatMap { bits in
    [2, 3, 4, 8].flatMap { scaleBits in
      NumberFormat.allCases.flatMap { second in
        [16, 32, 64].flatMap { block in
          [16, 64, 256].map { superBlock in
            DoubleQuantization(bits: bits, scaleBits: scaleBits, second: second, block: block, superBlock: superBlock)
          }
        }
      }
    }
  }

  /// QLoRA's NF4 with double quantization.
  public static let nf4 = DoubleQuantization(bits: 4, scaleBits: 8, second: .f32, block: 64, superBlock: 256)

  /// Storage of a weight in large matrices: b + b₀/B₀ + b₁/(B₀·B₁).
  public var bitsPerWeight: Double {
    Double(bits) + Double(scaleBits) / Double(block) + Double(8 * second.byteCount) / Double(block * superBlock)
  }

  /// Bytes of codes, scales and second scales of so many elements, each without gaps. To these one binary32 number comes for
  /// the whole matrix: the least scale.
  public func byteCount(elements: Int) -> Int {
    let scales = (elements + block - 1) / block
    let seconds = (scales + superBlock - 1) / superBlock
    return (elements * bits + 7) / 8 + (scales * scaleBits + 7) / 8 + seconds * second.byteCount
  }

  /// A matrix in this storage.
  public struct Encoded: Hashable, Sendable {
    public let configuration: DoubleQuantization
    public let count: Int
    /// Strings of codes, least significant bit first.
    public let codes: [UInt8]
    public let scales: [UInt8]
    /// Little-endian numbers.
    public let seconds: [UInt8]
    /// What is added to all scales.
    public let least: Float

    /// Bytes of all but `least`.
    public var byteCount: Int { codes.count + scales.count + seconds.count }
  }

  /// Encodes neighbouring elements: scales, less the least of them, as unsigned integers of the largest in their block of
  /// scales; then the nearest values of the table at the scales as stored.
  ///
  /// - Parameters:
  ///   - table: ascending values of the codes, 2^bits of them.
  ///   - ideal: the scale of each block, not negative; nil for the largest magnitudes.
  /// - Throws: `notFinite`, and `tooLarge` when a scale is beyond the numbers of `second`.
  public func encode(_ values: [Float], table: [Float], scales ideal: [Float]? = nil) throws(QuantizationError)
    -> Encoded
  {
    precondition(table.count == 1 << bits)
    if let index = values.firstIndex(where: { !$0.isFinite }) {
      throw QuantizationError(.notFinite, "element \(index) is \(values[index])")
    }
    let ideal =
      ideal
      ?? stride(from: 0, to: values.count, by: block).map { start in
        values[start..<min(start + block, values.count)].reduce(0) { max($0, abs($1)) }
      }
    let least = ideal.min() ?? 0, top = Float(1 << scaleBits - 1)
    var scaleCodes = BitString(), seconds: [UInt8] = [], scales: [Float] = []
    for start in stride(from: 0, to: ideal.count, by: superBlock) {
      let run = ideal[start..<min(start + superBlock, ideal.count)]
      let number = second.nearest(((run.max() ?? 0) - least) / top)
      guard number.isFinite else {
        throw QuantizationError(.tooLarge, "the scales from block \(start) on are beyond \(second.rawValue)")
      }
      seconds += second.bytes(number)
      for scale in run {
        let code = number > 0 ? min(((scale - least) / number).rounded(), top) : 0
        scaleCodes.append(UInt8(code), bits: scaleBits)
        scales.append(code * number + least)
      }
    }
    let codebook = TableCodes(table)
    var codes = BitString()
    for (index, value) in values.enumerated() {
      let scale = scales[index / block]
      codes.append(UInt8(codebook.code(Lanes(repeating: scale > 0 ? value / scale : 0))[0]), bits: bits)
    }
    return Encoded(
      configuration: self, count: values.count, codes: codes.bytes, scales: scaleCodes.bytes, seconds: seconds,
      least: least)
  }

  /// What the codes stand for.
  public func decode(_ encoded: Encoded, table: [Float]) -> [Float] {
    (0..<encoded.count).map { index in
      let block = index / self.block, bytes = second.byteCount, at = block / superBlock * bytes
      let number = second.value(encoded.seconds[at..<at + bytes])
      let scale = Float(BitString.element(block, of: encoded.scales, bits: scaleBits)) * number + encoded.least
      return table[Int(BitString.element(index, of: encoded.codes, bits: bits))] * scale
    }
  }
}

/// A string of codes of some bits each, least significant bit first.
struct BitString {
  private(set) var bytes: [UInt8] = []
  private var count = 0

  mutating func append(_ code: UInt8, bits: Int) {
    for bit in 0..<bits {
      if count % 8 == 0 { bytes.append(0) }
      bytes[count / 8] |= (code >> UInt8(bit) & 1) << UInt8(count % 8)
      count += 1
    }
  }

  static func element(_ index: Int, of bytes: [UInt8], bits: Int) -> UInt8 {
    (0..<bits).reduce(0) { code, bit in
      let position = index * bits + bit
      return code | (bytes[position / 8] >> UInt8(position % 8) & 1) << UInt8(bit)
    }
  }
}
