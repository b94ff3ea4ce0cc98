public import PumiceTensors

/// y[j, i] += Σ_l s[i, l] · x[j, l], where of the matrix s of `m` × `k` only some elements are stored: the sparse part of a weight
/// that is otherwise quantized or factored (SLTrain, Han et al. 2024; LoSparse, Li et al. 2023).
public struct SparseMatMul: Operator {
  public static let name = OperatorName.sparseMatMul

  /// Which elements are stored.
  public enum Layout: String, CaseIterable, Codable, Hashable, Sendable {
    /// Single elements, by rows: those of row i are numbers starts[i] ..< starts[i + 1] of `values`, each with its column.
    case csr
    /// Whole rows: row r of `values` is row indices[r] of the matrix. Indices ascend.
    case rows
  }

  public var layout: Layout
  public var m: Int
  public var n: Int
  public var k: Int
  /// Elements, or rows, that are stored.
  public var count: Int
  /// How they are stored: plain numbers for single elements, anything for rows.
  public var values: TensorFormat

  public init(layout: Layout, m: Int, n: Int, k: Int, count: Int, values: TensorFormat) {
    self.layout = layout
    self.m = m
    self.n = n
    self.k = k
    self.count = count
    self.values = values
  }

  public var arguments: [Argument] {
    switch layout {
    case .csr:
      [
        .input("values", [count], values), .input("starts", [m + 1], .i32), .input("columns", [count], .i32),
        .input("x", [n, k]), .inout("y", [n, m]),
      ]
    case .rows:
      [
        .input("values", [count, k], values), .input("indices", [count], .i32), .input("x", [n, k]),
        .inout("y", [n, m]),
      ]
    }
  }

  public var flops: Double { 2 * Double(n) * Double(count) * (layout == .rows ? Double(k) : 1) }

  public func validate() throws(OperatorError) {
    try requireSizes(["m": m, "n": n, "k": k, "count": count])
    let isPlain = values.isPlain
    try require(layout == .rows || isPlain, "single elements in \(values.name) cannot be read; f32, f16 and bf16 can")
    try require(values != .i32, "values of i32 have no real values")
    try require(layout == .csr || count <= m, "\(count) rows are more than the matrix's \(m)")
    try require(
      layout == .csr || values.byteCount(rows: count, columns: k) != nil,
      "\(count) rows of \(k) do not fit the format \(values.name)")
    try require(n * k <= Int(UInt32.max) && n * m <= Int(UInt32.max), "n·k or n·m is more than 32-bit indices reach")
  }

  public var description: String {
    "sparse_matmul(\(layout.rawValue), \(count) in \(values.name), m=\(m), k=\(k), n=\(n))"
  }
}
