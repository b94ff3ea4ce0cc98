// Layouts that keep the codes of neighbouring rows together, because their files store the transposed matrix.

/// GPTQ's layout (AutoGPTQ, GPTQModel): for a weight of m rows and k columns
///
/// 1. `qweight`, k / 32 · bits × m words: down each column a string of codes, least significant bit first.
/// 2. `qzeros`, groups × m · bits / 32 words: along each row a string of zero points.
/// 3. `scales`, groups × m numbers in f16.
/// 4. with act-order `g_idx`, k 32-bit integers: the group of each column.
///
/// The value is scale · (q − z), where z is the stored zero point, plus one in files of the first version.
public struct GPTQFormat: SectionedFormat {
  /// 2, 3, 4 or 8.
  public let bits: Int
  /// Columns of a group, a multiple of 32; nil for all.
  public let group: Int?
  /// Whether columns belong to groups as `g_idx` says.
  public let isOrdered: Bool
  /// What is added to stored zero points: 1 in the format `gptq`, 0 in `gptq_v2`.
  public let zeroOffset: Int

  /// - Returns: nil for an impossible width or group.
  public init?(bits: Int, group: Int?, isOrdered: Bool = false, zeroOffset: Int = 1) {
    guard [2, 3, 4, 8].contains(bits), group.map({ $0 > 0 && $0 % 32 == 0 }) ?? true, 0...1 ~= zeroOffset else {
      return nil
    }
    self.bits = bits
    self.group = group
    self.isOrdered = isOrdered
    self.zeroOffset = zeroOffset
  }

  /// `gptq4:128`, `gptq3:row:v2`, `gptq4:128:ordered`.
  init?(name: FormatName) {
    guard let bits = name.number(after: "gptq"), let group = name.group() else { return nil }
    let isOrdered = name.take("ordered")
    self.init(bits: bits, group: group.length, isOrdered: isOrdered, zeroOffset: name.take("v2") ? 0 : 1)
  }

  public var name: String {
    "gptq\(bits):" + (group.map(String.init) ?? "row") + (isOrdered ? ":ordered" : "") + (zeroOffset == 0 ? ":v2" : "")
  }

  public var rowMultiple: Int { group ?? 32 }

  /// Rows whose zero points fill whole words.
  private var rowUnit: Int { bits == 3 ? 32 : 32 / bits }

  public var bitsPerElement: Double { Double(bits) + (group.map { Double(16 + bits) / Double($0) } ?? 0) }

  public func sections(rows: Int, columns: Int) -> TensorSections? {
    guard columns > 0, columns % rowMultiple == 0, rows % rowUnit == 0 else { return nil }
    let groups = columns / (group ?? columns)
    return TensorSections(
      [[columns / 32 * bits, rows, 4], [groups, rows / rowUnit, rowUnit * bits / 8], [groups, rows, 2]]
        + (isOrdered ? [[columns, 4]] : []))
  }
}

/// AWQ's layout (AutoAWQ, version `gemm`): for a weight of m rows and k columns
///
/// 1. `qweight`, k × m / 8 words: along each row eight codes of 4 bits in a word, in the order 0, 2, 4, 6, 1, 3, 5, 7.
/// 2. `qzeros`, groups × m / 8 words: zero points likewise.
/// 3. `scales`, groups × m numbers in f16.
///
/// The value is scale · (q − z).
public struct AWQFormat: SectionedFormat {
  /// Columns of a group, a multiple of 32.
  public let group: Int

  /// - Returns: nil for an impossible group.
  public init?(group: Int) {
    guard group > 0, group % 32 == 0 else { return nil }
    self.group = group
  }

  /// `awq4:128`.
  init?(name: FormatName) {
    guard name.number(after: "awq") == 4, let group = name.number(after: "") else { return nil }
    self.init(group: group)
  }

  public var name: String { "awq4:\(group)" }
  public var rowMultiple: Int { group }
  public var bitsPerElement: Double { 4 + 20 / Double(group) }

  /// The place in a word, in codes, of the code of row `row`.
  public static func place(row: Int) -> Int { row % 2 * 4 + row % 8 / 2 }

  public func sections(rows: Int, columns: Int) -> TensorSections? {
    guard columns > 0, columns % group == 0, rows % 8 == 0 else { return nil }
    let groups = columns / group
    return TensorSections([[columns, rows / 8, 4], [groups, rows / 8, 4], [groups, rows, 2]])
  }
}
