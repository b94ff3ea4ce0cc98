/// How the elements of a tensor are stored: plain numbers, blocks of codes with their scales, or codes and scales apart.
///
/// Blocks and groups run along the last (contiguous) dimension of a row-major tensor and never cross a row. Every stored
/// value is a binary32 number: where a format's formula gives more digits, the value is that number rounded once.
public enum TensorFormat: Hashable, Sendable {
  /// IEEE 754 binary32.
  case f32
  /// IEEE 754 binary16.
  case f16
  /// The upper half of a binary32.
  case bf16
  /// 32-bit signed integers: token ids and positions. Never a weight.
  case i32
  /// 8-bit signed integers: codes of activations, and of weights that are multiplied as integers.
  case i8
  /// A block format of GGUF.
  case block(BlockFormat)
  /// Codes of any width, with scales for groups of any length.
  case group(GroupFormat)
  /// Codes that choose quantiles of the normal distribution.
  case normalFloat(NormalFloatFormat)
  /// Indices into tables.
  case palette(PaletteFormat)
  /// Integer scales of groups under one scale for each row.
  case dualGrained(DualGrainedFormat)
  /// The layout of GPTQ's files.
  case gptq(GPTQFormat)
  /// The layout of AWQ's files.
  case awq(AWQFormat)

  public static let q8_0 = TensorFormat.block(.q8_0)
  public static let q4_0 = TensorFormat.block(.q4_0)

  /// The formats of plain numbers that weights come in.
  public static let plainWeights: [TensorFormat] = [.f32, .f16, .bf16]
  /// GGUF's block formats.
  public static let blockWeights: [TensorFormat] = BlockFormat.allCases.map { .block($0) }

  /// Whether the elements are floating-point numbers, stored without a scale.
  public var isPlain: Bool { Self.plainWeights.contains(self) }

  /// Whether the elements are whole numbers without a scale, which no weight of a product of real numbers is.
  public var isInteger: Bool { self == .i32 || self == .i8 }

  /// Elements that share one block; 1 for plain numbers. Rows are a multiple of it.
  public var blockLength: Int {
    switch self {
    case .f32, .f16, .bf16, .i32, .i8: 1
    case .block(let block): block.length
    case .group, .normalFloat, .palette, .dualGrained, .gptq, .awq: sectioned!.rowMultiple
    }
  }

  /// Average storage per element of long rows, in bits.
  public var bitsPerElement: Double {
    switch self {
    case .f32, .i32: 32
    case .f16, .bf16: 16
    case .i8: 8
    case .block(let block): Double(block.byteCount * 8) / Double(block.length)
    case .group, .normalFloat, .palette, .dualGrained, .gptq, .awq: sectioned!.bitsPerElement
    }
  }

  /// Bytes of a block, for formats in which a tensor is a row of blocks and nothing else; nil where it has sections.
  public var blockBytes: Int? {
    switch self {
    case .f32, .i32: 4
    case .f16, .bf16: 2
    case .i8: 1
    case .block(let block): block.byteCount
    case .group, .normalFloat, .palette, .dualGrained, .gptq, .awq: nil
    }
  }

  /// The format as one whose tensors have sections; nil for the others.
  public var sectioned: (any SectionedFormat)? {
    switch self {
    case .f32, .f16, .bf16, .i32, .i8, .block: nil
    case .group(let format): format
    case .normalFloat(let format): format
    case .palette(let format): format
    case .dualGrained(let format): format
    case .gptq(let format): format
    case .awq(let format): format
    }
  }

  /// Bytes of a tensor of `rows` × `columns`, or nil when a row is no whole number of blocks or the product overflows.
  public func byteCount(rows: Int, columns: Int) -> Int? {
    guard rows >= 0, columns >= 0, columns % blockLength == 0 else { return nil }
    if let sectioned { return sectioned.sections(rows: rows, columns: columns)?.byteCount }
    let (blocks, tooMany) = (columns / blockLength).multipliedReportingOverflow(by: rows)
    let (bytes, overflow) = blocks.multipliedReportingOverflow(by: blockBytes!)
    return tooMany || overflow ? nil : bytes
  }

  /// Bytes of `count` neighbouring elements, or nil when they are no whole number of blocks, the product overflows, or
  /// the format has sections, in which neighbours do not lie together.
  public func byteCount(elements count: Int) -> Int? {
    blockBytes == nil ? nil : byteCount(rows: 1, columns: count)
  }

  /// Bytes of a tensor of that shape, or nil when a row is no whole number of blocks or the product overflows.
  public func byteCount(_ shape: Shape) -> Int? { byteCount(rows: shape.rows, columns: shape.rowLength) }
}

/// The name, as options and JSON take it: GGUF's type names in lower case, `g4:64:asym` for group formats and the like.
extension TensorFormat: Codable, CustomStringConvertible {
  public init?(name: String) {
    switch name {
    case "f32": self = .f32
    case "f16": self = .f16
    case "bf16": self = .bf16
    case "i32": self = .i32
    case "i8": self = .i8
    default:
      if let block = BlockFormat(rawValue: name) {
        self = .block(block)
        return
      }
      func parsed<Format>(_ make: (FormatName) -> Format?) -> Format? {
        let rest = FormatName(name)
        return make(rest).flatMap { rest.isEmpty ? $0 : nil }
      }
      if let format = parsed(GroupFormat.init(name:)) {
        self = .group(format)
      } else if let format = parsed(NormalFloatFormat.init(name:)) {
        self = .normalFloat(format)
      } else if let format = parsed(PaletteFormat.init(name:)) {
        self = .palette(format)
      } else if let format = parsed(DualGrainedFormat.init(name:)) {
        self = .dualGrained(format)
      } else if let format = parsed(GPTQFormat.init(name:)) {
        self = .gptq(format)
      } else if let format = parsed(AWQFormat.init(name:)) {
        self = .awq(format)
      } else {
        return nil
      }
      // One name for each format.
      if self.name != name { return nil }
    }
  }

  public var name: String {
    switch self {
    case .f32: "f32"
    case .f16: "f16"
    case .bf16: "bf16"
    case .i32: "i32"
    case .i8: "i8"
    case .block(let block): block.rawValue
    case .group, .normalFloat, .palette, .dualGrained, .gptq, .awq: sectioned!.name
    }
  }

  public var description: String { name }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let name = try container.decode(String.self)
    guard let format = Self(name: name) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "\(name) is no format of tensors")
    }
    self = format
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(name)
  }
}
