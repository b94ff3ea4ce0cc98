/// Codes of 2, 3, 4 or 8 bits that choose quantiles of the normal distribution (QLoRA, Dettmers et al. 2023; the tables for 2 and
/// 3 bits as LoftQ makes them, Li et al. 2023; for 8 as LQ-LoRA does), scaled per group by the group's largest magnitude.
///
/// Sections: codes as in `GroupFormat`, and scales, either numbers as there or quantized again (LQ-LoRA, Guo et al. 2024).
/// Quantized scales are counted through the tensor, row after row: a string of unsigned integers of `bits`; one number per
/// `block` of them; one binary32 number for the tensor. Scale i is u[i] · second[i / block] + least.
public struct NormalFloatFormat: SectionedFormat {
  public enum Scale: Hashable, Sendable {
    case number(NumberFormat)
    /// `bits` 2, 3, 4 or 8; `block` at least 1.
    case quantized(bits: Int, block: Int, second: NumberFormat)
  }

  /// 2, 3, 4 or 8.
  public let bits: Int
  /// Elements of a group: 16, or a multiple of 32.
  public let group: Int
  public let scale: Scale

  /// - Returns: nil for an impossible width or length.
  public init?(bits: Int, group: Int, scale: Scale = .number(.f16)) {
    guard [2, 3, 4, 8].contains(bits), group == 16 || group > 0 && group % 32 == 0 else { return nil }
    if case .quantized(let bits, let block, _) = scale, ![2, 3, 4, 8].contains(bits) || block < 1 { return nil }
    self.bits = bits
    self.group = group
    self.scale = scale
  }

  /// `nf4:64`, `nf3:32:bf16`, `nf4:64:q8:256:f32`.
  init?(name: FormatName) {
    guard let bits = name.number(after: "nf"), let group = name.number(after: "") else { return nil }
    if let second = name.number(after: "q") {
      guard let block = name.number(after: ""), let number = name.number() else { return nil }
      self.init(bits: bits, group: group, scale: .quantized(bits: second, block: block, second: number))
    } else {
      self.init(bits: bits, group: group, scale: .number(name.number() ?? .f16))
    }
  }

  public var name: String {
    switch scale {
    case .number(.f16): "nf\(bits):\(group)"
    case .number(let number): "nf\(bits):\(group):\(number.rawValue)"
    case .quantized(let second, let block, let number): "nf\(bits):\(group):q\(second):\(block):\(number.rawValue)"
    }
  }

  public var rowMultiple: Int { max(group, 32) }

  public var bitsPerElement: Double {
    let scaleBits =
      switch scale {
      case .number(let number): Double(8 * number.byteCount)
      case .quantized(let bits, let block, let second): Double(bits) + Double(8 * second.byteCount) / Double(block)
      }
    return Double(bits) + scaleBits / Double(group)
  }

  public func sections(rows: Int, columns: Int) -> TensorSections? {
    guard columns > 0, columns % rowMultiple == 0 else { return nil }
    let codes = [rows, columns / 32, 4 * bits]
    switch scale {
    case .number(let number): return TensorSections([codes, [rows, columns / group, number.byteCount]])
    case .quantized(let bits, let block, let second):
      let (scales, overflow) = rows.multipliedReportingOverflow(by: columns / group)
      guard !overflow, scales <= Int.max / 8 - 31 else { return nil }
      return TensorSections([
        codes, [(scales * bits + 31) / 32, 4], [(scales + block - 1) / block, second.byteCount], [4],
      ])
    }
  }

  /// The values of the codes, ascending; all are binary32 numbers.
  public var table: [Float] { Self.table(bits: bits) }

  /// The values of all codes of `bits` bits.
  public static func table(bits: Int) -> [Float] {
    switch bits {
    case 2: [-1, 0, 0.337915241718292236328125, 1]
    case 3:
      [
        -1, -0.47862803936004638671875, -0.217141211032867431640625, 0, 0.16093020141124725341796875,
        0.337915241718292236328125, 0.562617003917694091796875, 1,
      ]
    case 8: table8
    default:
      [
        -1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
        -0.09105003625154495, 0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
        0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1,
      ]
    }
  }
}
