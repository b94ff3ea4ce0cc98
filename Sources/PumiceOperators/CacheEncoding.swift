public import PumiceTensors

/// How the numbers of a new row become codes in a key-value cache, where no format of plain numbers is asked for.
///
/// Neighbouring numbers share a scale and perhaps an offset; each is stored as the code of a level, and its value is
/// scale · level + offset. All is computed from these numbers alone, in one pass, without a search:
///
/// - No number is stored as 0, and magnitudes above 2¹⁰⁰, infinities among them, as 2¹⁰⁰.
/// - The offset is the least number; the scale is what `scale` says. Both are rounded to nearest, ties to even, in their type;
///   beyond its largest number they are that number. A scale below 2⁻¹⁰⁰ is zero.
/// - The level is the nearest to (x − offset) / scale, for the scale and offset as they are stored, and to 0 where the scale
///   is 0. So numbers beyond the last level have that one.
///
/// The rules for the scale are those of the reference encoders of ggml for q8_0 to q5_1, where codes differ in this alone: ggml
/// divides by the scale before it is rounded. For iq4_nl it is where ggml's search begins.
public struct CacheEncoding: Hashable, Sendable {
  public enum Scale: Hashable, Sendable {
    /// The number of the largest magnitude, the first of several, divided by a level, which it then has.
    case extreme(level: Int)
    /// The largest magnitude divided by a level, so that nothing is beyond a level but by the rounding of the scale.
    case magnitude(level: Int)
    /// The greatest number less the least, divided by the last level; the least is the offset.
    case range(level: Int)

    /// What something is divided by.
    public var divisor: Int {
      switch self {
      case .extreme(let level), .magnitude(let level), .range(let level): level
      }
    }
  }

  /// Numbers that share a scale.
  public let length: Int
  /// The type of scale and offset.
  public let number: NumberFormat
  public let scale: Scale
  /// The values of the codes but for scale and offset, ascending.
  public let levels: [Float]

  /// Whether there is an offset.
  public var hasOffset: Bool { if case .range = scale { true } else { false } }

  /// The largest magnitude that is told from others.
  public static let largest: Float = 0x1p100
  /// The least scale that is not zero.
  public static let leastScale: Float = 0x1p-100

  /// - Returns: nil for formats that have no encoder, among them those of plain numbers, and for rows that are no whole
  ///   number of blocks.
  public init?(_ format: TensorFormat, rowLength: Int) {
    guard rowLength > 0, rowLength % format.blockLength == 0 else { return nil }
    switch format {
    case .block(let block): self.init(block)
    case .group(let group):
      // One bit has no level between the signs: a scale from the largest number would make all others too large.
      guard group.bits > 1 else { return nil }
      let half = 1 << (group.bits - 1), length = group.group ?? rowLength
      switch group.offset {
      case .symmetric: self.init(length, group.scale, .magnitude(level: half - 1), -half...half - 1)
      case .bias: self.init(length, group.scale, .range(level: 2 * half - 1), 0...2 * half - 1)
      }
    case .normalFloat(let format):
      // Scales that are themselves quantized are spread over the tensor: one new row would change others.
      guard case .number(let number) = format.scale else { return nil }
      self.init(length: format.group, number: number, scale: .magnitude(level: 1), levels: format.table)
    case .f32, .f16, .bf16, .i32, .i8, .palette, .dualGrained, .gptq, .awq: return nil
    }
  }

  private init?(_ block: BlockFormat) {
    switch block {
    case .q8_0: self.init(32, .f16, .magnitude(level: 127), -128...127)
    case .q4_0: self.init(32, .f16, .extreme(level: -8), -8...7)
    case .q5_0: self.init(32, .f16, .extreme(level: -16), -16...15)
    case .q4_1: self.init(32, .f16, .range(level: 15), 0...15)
    case .q5_1: self.init(32, .f16, .range(level: 31), 0...31)
    case .iq4_nl:
      self.init(
        length: 32, number: .f16, scale: .extreme(level: -127),
        levels: [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113])
    default: return nil
    }
  }

  private init(_ length: Int, _ number: NumberFormat, _ scale: Scale, _ levels: ClosedRange<Int>) {
    self.init(length: length, number: number, scale: scale, levels: levels.map(Float.init))
  }

  private init(length: Int, number: NumberFormat, scale: Scale, levels: [Float]) {
    self.length = length
    self.number = number
    self.scale = scale
    self.levels = levels
  }
}

extension Operator {
  /// Throws unless `part` is some of the key-value heads of a layer, or nil for all.
  func require(part: Range<Int>?, of kvHeads: Int) throws(OperatorError) {
    guard let part else { return }
    try require(!part.isEmpty, "the part \(part) of the key-value heads is empty")
    try require(
      part.lowerBound >= 0 && part.upperBound <= kvHeads,
      "the part \(part) does not lie within \(kvHeads) key-value heads")
  }

  /// Throws unless a cache can hold keys or values of `size` elements in `format`.
  ///
  /// - Parameter what: `key` or `value`.
  func requireCache(of what: String, size: Int, _ format: TensorFormat) throws(OperatorError) {
    try require(size % 8 == 0, "the \(what) size \(size) is no multiple of 8")
    if format.isPlain { return }
    try require(
      size % format.blockLength == 0,
      "the \(what) size \(size) is no multiple of the \(format.blockLength) that \(format.name) needs")
    try require(
      CacheEncoding(format, rowLength: size) != nil,
      "a cache of \(what)s in \(format.name) is not supported: it has no encoder")
  }
}
