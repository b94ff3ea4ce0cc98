/// Codes of 4 bits whose groups are scaled by integers, and whose rows by one number (DGQ, Zhang et al. 2023): the value is
/// (q − z) · r · s, where (q − z) · r fits into 8 bits for the integer products of W4A8.
///
/// Sections: codes as in `GroupFormat`; per row and group a signed byte r; likewise z, 0 to 15; per row s in f16.
public struct DualGrainedFormat: SectionedFormat {
  /// Elements of a group, a multiple of 32.
  public let group: Int

  /// - Returns: nil for an impossible length.
  public init?(group: Int) {
    guard group > 0, group % 32 == 0 else { return nil }
    self.group = group
  }

  /// `dgq:128`.
  init?(name: FormatName) {
    guard name.take("dgq"), let group = name.number(after: "") else { return nil }
    self.init(group: group)
  }

  public var name: String { "dgq:\(group)" }
  public var rowMultiple: Int { group }
  public var bitsPerElement: Double { 4 + 16 / Double(group) }

  public func sections(rows: Int, columns: Int) -> TensorSections? {
    guard columns > 0, columns % group == 0 else { return nil }
    return TensorSections([[rows, columns / 32, 16], [rows, columns / group], [rows, columns / group], [rows, 2]])
  }
}
