/// How much each bit of a code is worth: the value of a code is the sum of the coefficients of its set bits.
///
/// A tensor of codes is stored as bit planes `[planes, rows, words]`: bit b of word w of plane t is bit t of code 32·w + b
/// of the row. Rows are padded to whole words with zero bits, which add nothing to a product whatever they are worth.
public struct BitPlanes: Hashable, Codable, Sendable, CustomStringConvertible {
  /// One per plane, that of bit 0 first; 1 to 8 of them.
  public var coefficients: [Int]

  public init(coefficients: [Int]) { self.coefficients = coefficients }

  /// 0 … 2ᵇ − 1.
  public static func unsigned(_ bits: Int) -> BitPlanes { BitPlanes(coefficients: (0..<bits).map { 1 << $0 }) }

  /// Two's complement, −2ᵇ⁻¹ … 2ᵇ⁻¹ − 1: the highest bit counts negative.
  public static func signed(_ bits: Int) -> BitPlanes {
    BitPlanes(coefficients: (0..<bits).map { $0 == bits - 1 ? -1 << $0 : 1 << $0 })
  }

  /// −2 … 2 in three planes: the five levels of 2-bit weights with bit balance (W2* of Zeng et al. 2024, "ABQ-LLM").
  public static let balanced = BitPlanes(coefficients: [1, 1, -2])

  /// Planes: bits of a code.
  public var count: Int { coefficients.count }

  /// What a code is worth. Bits above the planes are ignored.
  public func value(_ code: Int) -> Int {
    coefficients.indices.reduce(0) { code >> $1 & 1 == 1 ? $0 + coefficients[$1] : $0 }
  }

  /// The least code of that value; nil if there is none.
  public func code(_ value: Int) -> Int? { (0..<1 << count).first { self.value($0) == value } }

  public var least: Int { coefficients.reduce(0) { $0 + min(0, $1) } }
  public var greatest: Int { coefficients.reduce(0) { $0 + max(0, $1) } }

  /// 32-bit words of one row of a plane.
  public static func words(_ width: Int) -> Int { (width + 31) / 32 }

  /// `u4`, `s4`, or the coefficients: `[1,1,-2]`.
  public var description: String {
    if self == .unsigned(count) { return "u\(count)" }
    if self == .signed(count) { return "s\(count)" }
    return "[\(coefficients.map(String.init).joined(separator: ","))]"
  }
}

extension Operator {
  func require(_ planes: BitPlanes, _ name: String) throws(OperatorError) {
    try require(1...8 ~= planes.count, "\(name) has \(planes.count) planes; there are 1 to 8")
    try require(
      planes.coefficients.allSatisfy { -255...255 ~= $0 }, "a coefficient of \(name), \(planes), is not in -255 … 255")
  }
}
