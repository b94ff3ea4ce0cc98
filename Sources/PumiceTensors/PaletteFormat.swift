/// Indices of 1, 2, 3, 4, 6 or 8 bits into tables of values (coremltools' palettes; eDKM, Cho et al. 2023).
///
/// Sections: per row, a string of indices as the codes of `GroupFormat`, one for each `vector` neighbouring elements; then the
/// tables, each 2^bits entries of `vector` numbers, one for the tensor or one for each `rowsPerTable` rows.
public struct PaletteFormat: SectionedFormat {
  public let bits: Int
  /// Elements that one index stands for: 1 or 2.
  public let vector: Int
  /// Rows that share a table; nil for all.
  public let rowsPerTable: Int?
  public let entry: NumberFormat

  /// - Returns: nil for an impossible width, vector or number of rows.
  public init?(bits: Int, vector: Int = 1, rowsPerTable: Int? = nil, entry: NumberFormat = .f16) {
    guard [1, 2, 3, 4, 6, 8].contains(bits), 1...2 ~= vector, rowsPerTable.map({ $0 > 0 }) ?? true else { return nil }
    self.bits = bits
    self.vector = vector
    self.rowsPerTable = rowsPerTable
    self.entry = entry
  }

  /// `palette3`, `palette4:rows16`, `palette6:pairs:rows32:f32`.
  init?(name: FormatName) {
    guard let bits = name.number(after: "palette") else { return nil }
    let vector = name.take("pairs") ? 2 : 1
    self.init(
      bits: bits, vector: vector, rowsPerTable: name.number(after: "rows"), entry: name.number() ?? .f16)
  }

  public var name: String {
    "palette\(bits)" + (vector == 2 ? ":pairs" : "") + (rowsPerTable.map { ":rows\($0)" } ?? "")
      + (entry == .f16 ? "" : ":\(entry.rawValue)")
  }

  public var rowMultiple: Int { 32 * vector }

  /// Without the tables, which a large tensor hardly notices.
  public var bitsPerElement: Double { Double(bits) / Double(vector) }

  public func sections(rows: Int, columns: Int) -> TensorSections? {
    guard rows > 0, columns > 0, columns % rowMultiple == 0 else { return nil }
    let tables = rowsPerTable.map { (rows - 1) / $0 + 1 } ?? 1
    return TensorSections([[rows, columns / rowMultiple, 4 * bits], [tables, vector << bits, entry.byteCount]])
  }
}
