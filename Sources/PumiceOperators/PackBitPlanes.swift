import PumiceTensors

/// Takes codes apart into bit planes: bit t of codes[r, i] becomes bit i % 32 of word i / 32 of row r of plane t, and
/// sums[r] = Σ_i value(codes[r, i]), which a product needs to correct for zero points.
///
/// Of a code the lowest bits count, so that a signed one is stored in two's complement. Rows of codes are whole 32-bit words;
/// what their last word holds past the width is ignored.
public struct PackBitPlanes: Operator {
  public static let name = OperatorName.packBitPlanes

  public var rows: Int
  public var width: Int
  public var planes: BitPlanes

  public init(rows: Int, width: Int, planes: BitPlanes) {
    self.rows = rows
    self.width = width
    self.planes = planes
  }

  public var arguments: [Argument] {
    [
      .input("codes", [rows, codeLength(width)], .i8),
      .output("planes", [planes.count, rows, BitPlanes.words(width)], .i32), .output("sums", [rows], .i32),
    ]
  }
  public var flops: Double { Double(rows) * Double(width) * Double(planes.count) }

  public func validate() throws(OperatorError) {
    try requireSizes(["rows": rows, "width": width])
    try require(planes, "planes")
    try require(
      planes.count * rows * BitPlanes.words(width) <= Int(UInt32.max) && rows * codeLength(width) <= Int(UInt32.max),
      "a tensor is larger than 32-bit indices reach")
    let largest = max(planes.greatest, -planes.least)
    try require(width * largest <= Int(Int32.max), "\(width) codes of up to \(largest) do not sum in 32 bits")
  }

  public var description: String { "pack_bit_planes(\(planes), \(rows)×\(width))" }
}

/// Elements of a stored row of `width` 8-bit codes: rows are whole 32-bit words.
public func codeLength(_ width: Int) -> Int { (width + 3) / 4 * 4 }
