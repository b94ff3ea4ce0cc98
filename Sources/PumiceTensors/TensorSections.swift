/// The parts of a tensor that is stored as several arrays in one run of bytes, each at a multiple of 16 bytes.
public struct TensorSections: Hashable, Sendable {
  /// Bytes of one row in each section.
  public let rowBytes: [Int]
  /// Where each section begins.
  public let offsets: [Int]
  /// Bytes of all sections.
  public let byteCount: Int

  /// - Returns: nil if the size overflows.
  init?(rows: Int, rowBytes: [Int]) {
    var offsets: [Int] = [], end = 0
    for bytes in rowBytes {
      let (aligned, overflow) = end.addingReportingOverflow(15)
      let (size, tooLarge) = rows.multipliedReportingOverflow(by: bytes)
      guard !overflow, !tooLarge else { return nil }
      offsets.append(aligned & ~15)
      let (next, beyond) = offsets.last!.addingReportingOverflow(size)
      guard !beyond else { return nil }
      end = next
    }
    self.rowBytes = rowBytes
    self.offsets = offsets
    byteCount = end
  }
}
