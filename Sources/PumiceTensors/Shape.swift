/// The extents of a tensor, slowest dimension first (row-major): `[rows, columns]`.
///
/// GGUF writes dimensions fastest first; readers reverse them, so that everywhere in Pumice a weight matrix is
/// `[outputs, inputs]`.
public struct Shape: Hashable, Codable, Sendable, ExpressibleByArrayLiteral, CustomStringConvertible {
  public var dimensions: [Int]

  public init(_ dimensions: [Int]) { self.dimensions = dimensions }
  public init(arrayLiteral elements: Int...) { dimensions = elements }

  /// The number of elements; 1 for a scalar (no dimensions).
  public var count: Int { dimensions.reduce(1, *) }
  public var rank: Int { dimensions.count }
  /// The extent of the contiguous dimension; 1 for a scalar.
  public var rowLength: Int { dimensions.last ?? 1 }
  /// The number of contiguous rows.
  public var rows: Int { dimensions.dropLast().reduce(1, *) }

  public subscript(_ axis: Int) -> Int { dimensions[axis] }

  public var description: String { dimensions.isEmpty ? "scalar" : dimensions.map(String.init).joined(separator: "×") }
}
