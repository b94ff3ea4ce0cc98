/// The best approximation of a matrix by a product of two thin ones: its largest singular values.
///
/// By subspace iteration from a random start with some directions to spare (Halko, Martinsson & Tropp 2011), until the
/// singular values stand still, then exactly in the small subspace. The same input gives the same output.
public struct TruncatedSVD: Sendable {
  /// Rows × rank: the left singular vectors times the roots of the singular values.
  public let left: Matrix
  /// Rank × columns: the right ones likewise.
  public let right: Matrix
  /// Descending.
  public let singularValues: [Double]

  /// - Parameter rank: from 1 to the smaller extent.
  public init(_ matrix: Matrix, rank: Int) {
    precondition(1...min(matrix.rows, matrix.columns) ~= rank, "\(rank)")
    let width = min(rank + 10, min(matrix.rows, matrix.columns))
    var random = SeededNoise()
    // Rows of `basis` are orthonormal vectors of the row space; working with rows keeps memory accesses in order.
    var basis = Matrix(rows: width, columns: matrix.columns, (0..<width * matrix.columns).map { _ in random.next() })
    basis.orthonormalizeRows()
    let transposed = matrix.transposed
    var last = 0.0
    for _ in 0..<60 {
      var image = basis * transposed
      image.orthonormalizeRows()
      basis = image * matrix
      let energy = basis.squaredNorm
      basis.orthonormalizeRows()
      if abs(energy - last) <= 1e-12 * energy { break }
      last = energy
    }
    // Rows of `image` are A vᵢ for the basis v; the eigenvectors of their products rotate the basis to singular vectors.
    let image = basis * transposed
    let (values, vectors) = (image * image.transposed).symmetricEigen()
    let kept = Matrix(
      rows: rank, columns: width, (0..<rank).flatMap { i in (0..<width).map { vectors[$0, i] } })
    singularValues = values.prefix(rank).map { max($0, 0).squareRoot() }
    var right = kept * basis, left = kept * image
    for i in 0..<rank {
      let root = singularValues[i].squareRoot()
      for column in 0..<right.columns { right[i, column] *= root }
      // A v is already scaled by the singular value.
      for row in 0..<left.columns { left[i, row] *= root > 0 ? 1 / root : 0 }
    }
    self.left = left.transposed
    self.right = right
  }

  /// left · right
  public var product: Matrix { left * right }
}

/// Numbers between −1 and 1, always the same ones.
private struct SeededNoise {
  private var state: UInt64 = 0x9e37_79b9_7f4a_7c15

  mutating func next() -> Double {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Double(Int64(bitPattern: state) >> 11) / 4_503_599_627_370_496
  }
}

extension Matrix {
  /// Makes the rows orthonormal, one after the other, twice for the sake of rounding; rows that depend on earlier ones
  /// become zero.
  fileprivate mutating func orthonormalizeRows() {
    let width = columns
    for row in 0..<rows {
      let before = norm(row)
      for _ in 0..<2 {
        for other in 0..<row {
          var product = 0.0
          for i in 0..<width { product += values[row * width + i] * values[other * width + i] }
          for i in 0..<width { values[row * width + i] -= product * values[other * width + i] }
        }
      }
      let after = norm(row)
      let factor = after > 1e-12 * before ? 1 / after : 0
      for i in 0..<width { values[row * width + i] *= factor }
    }
  }

  private func norm(_ row: Int) -> Double {
    values[row * columns..<(row + 1) * columns].reduce(0) { $0 + $1 * $1 }.squareRoot()
  }

  /// The eigenvalues, descending, and the eigenvectors as columns, by Jacobi's rotations.
  ///
  /// - Precondition: the matrix is symmetric.
  func symmetricEigen() -> (values: [Double], vectors: Matrix) {
    var a = self, vectors = Matrix(zeros: rows, rows)
    for i in 0..<rows { vectors[i, i] = 1 }
    for _ in 0..<60 {
      var rest = 0.0, diagonal = 0.0
      for i in 0..<rows {
        diagonal += a[i, i] * a[i, i]
        for j in 0..<i { rest += a[i, j] * a[i, j] }
      }
      guard rest > 1e-28 * diagonal else { break }
      for p in 0..<rows - 1 { for q in p + 1..<rows { a.rotate(p, q, &vectors) } }
    }
    let order = (0..<rows).sorted { a[$0, $0] > a[$1, $1] }
    var sorted = Matrix(zeros: rows, rows)
    for (to, from) in order.enumerated() { for row in 0..<rows { sorted[row, to] = vectors[row, from] } }
    return (order.map { a[$0, $0] }, sorted)
  }

  /// Turns the plane of axes p and q so that element (p, q) becomes zero.
  private mutating func rotate(_ p: Int, _ q: Int, _ vectors: inout Matrix) {
    guard self[p, q] != 0 else { return }
    let slope = (self[q, q] - self[p, p]) / (2 * self[p, q])
    let tangent = (slope >= 0 ? 1 : -1) / (abs(slope) + (slope * slope + 1).squareRoot())
    let cosine = 1 / (tangent * tangent + 1).squareRoot(), sine = tangent * cosine
    for i in 0..<rows {
      let (x, y) = (self[i, p], self[i, q])
      self[i, p] = cosine * x - sine * y
      self[i, q] = sine * x + cosine * y
    }
    for i in 0..<rows {
      let (x, y) = (self[p, i], self[q, i])
      self[p, i] = cosine * x - sine * y
      self[q, i] = sine * x + cosine * y
      let (v, w) = (vectors[i, p], vectors[i, q])
      vectors[i, p] = cosine * v - sine * w
      vectors[i, q] = sine * v + cosine * w
    }
  }
}
