/// The parts of a tensor that is stored as several arrays in one run of bytes, each at a multiple of 16 bytes.
public struct TensorSections: Hashable, Sendable {
  /// Where each section begins.
  public let offsets: [Int]
  /// Bytes of each section.
  public let sizes: [Int]
  /// Bytes of all sections, with the gaps between them.
  public let byteCount: Int

  /// - Parameter sizes: the bytes of each section as factors to be multiplied.
  /// - Returns: nil if a size overflows or is negative.
  init?(_ sizes: [[Int]]) {
    var offsets: [Int] = [], products: [Int] = [], end = 0
    for factors in sizes {
      var size = 1
      for factor in factors {
        let (product, overflow) = size.multipliedReportingOverflow(by: factor)
        guard factor >= 0, !overflow else { return nil }
        size = product
      }
      let (start, overflow) = end.addingReportingOverflow(15)
      guard !overflow else { return nil }
      offsets.append(start & ~15)
      products.append(size)
      let (next, beyond) = offsets.last!.addingReportingOverflow(size)
      guard !beyond else { return nil }
      end = next
    }
    self.offsets = offsets
    self.sizes = products
    byteCount = end
  }
}

/// A format whose tensors have sections.
public protocol SectionedFormat: Hashable, Sendable {
  /// As users write it.
  var name: String { get }

  /// What the length of a row must be a multiple of.
  var rowMultiple: Int { get }

  /// Average storage per element of a large tensor, in bits.
  var bitsPerElement: Double { get }

  /// The sections of a tensor in order; nil if rows and columns do not fit the format or the size overflows.
  func sections(rows: Int, columns: Int) -> TensorSections?
}

/// How sections store their numbers.
public enum NumberFormat: String, CaseIterable, Hashable, Sendable {
  case f16
  case bf16
  case f32

  public var byteCount: Int { self == .f32 ? 4 : 2 }
}
