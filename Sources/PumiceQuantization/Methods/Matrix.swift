import Dispatch

/// A dense matrix in binary64, row after row.
public struct Matrix: Hashable, Sendable {
  public let rows: Int
  public let columns: Int
  public var values: [Double]

  /// - Precondition: as many values as the extents say.
  public init(rows: Int, columns: Int, _ values: [Double]) {
    precondition(rows > 0 && columns > 0 && values.count == rows * columns, "\(rows), \(columns), \(values.count)")
    self.rows = rows
    self.columns = columns
    self.values = values
  }

  public init(zeros rows: Int, _ columns: Int) {
    self.init(rows: rows, columns: columns, [Double](repeating: 0, count: rows * columns))
  }

  public subscript(row: Int, column: Int) -> Double {
    get { values[row * columns + column] }
    set { values[row * columns + column] = newValue }
  }

  public var transposed: Matrix {
    var result = Matrix(zeros: columns, rows)
    for row in 0..<rows { for column in 0..<columns { result[column, row] = self[row, column] } }
    return result
  }

  /// The sum of the squares of all elements.
  public var squaredNorm: Double { values.reduce(0) { $0 + $1 * $1 } }

  public static func - (left: Matrix, right: Matrix) -> Matrix {
    precondition(left.rows == right.rows && left.columns == right.columns)
    return Matrix(rows: left.rows, columns: left.columns, zip(left.values, right.values).map { $0 - $1 })
  }

  public static func * (left: Matrix, right: Matrix) -> Matrix {
    precondition(left.columns == right.rows)
    var result = Matrix(zeros: left.rows, right.columns)
    let width = right.columns
    left.values.withUnsafeBufferPointer { a in
      right.values.withUnsafeBufferPointer { b in
        result.values.withUnsafeMutableBufferPointer { c in
          // Each task writes a row of its own.
          nonisolated(unsafe) let (a, b, c) = (a, b, c)
          DispatchQueue.concurrentPerform(iterations: left.rows) { row in
            for k in 0..<left.columns {
              let factor = a[row * left.columns + k]
              for column in 0..<width { c[row * width + column] += factor * b[k * width + column] }
            }
          }
        }
      }
    }
    return result
  }
}
