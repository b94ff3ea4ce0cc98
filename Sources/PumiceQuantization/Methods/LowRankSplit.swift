/// A matrix as a quantized one plus a product of two thin ones, by turns: W ≈ Q + L·R.
///
/// LoftQ (Li et al. 2023) quantizes W − L·R, then takes the best L·R for what that leaves, a given number of times;
/// LQ-LoRA (Guo et al. 2024) weights rows and columns by the roots of their means of the Fisher information and stops when the
/// error grows. Here both keep the best pair met on the way.
public struct LowRankSplit<Quantized> {
  /// Turns a matrix into codes, and codes into what they stand for.
  public struct Quantizer {
    public var encode: (Matrix) throws -> Quantized
    public var decode: (Quantized) throws -> Matrix

    public init(encode: @escaping (Matrix) throws -> Quantized, decode: @escaping (Quantized) throws -> Matrix) {
      self.encode = encode
      self.decode = decode
    }
  }

  /// When to stop.
  public enum Rule: Hashable, Sendable {
    /// After so many rounds: LoftQ.
    case rounds(Int)
    /// When a round's error is above the one before, at the latest after so many: LQ-LoRA.
    case firstIncrease(limit: Int)
  }

  public let quantized: Quantized
  /// Rows × rank and rank × columns.
  public let left: Matrix
  public let right: Matrix
  /// The weighted squared error of W − Q − L·R after each round.
  public let errors: [Double]
  /// The one that was kept: the smallest.
  public var error: Double { errors.min()! }

  /// - Parameters:
  ///   - rowWeights, columnWeights: factors of the rows and columns of the error, positive; nil for ones.
  public init(
    _ matrix: Matrix, rank: Int, rule: Rule, rowWeights: [Double]? = nil, columnWeights: [Double]? = nil,
    quantizer: Quantizer
  ) throws {
    let weights = LineWeights(rows: rowWeights, columns: columnWeights, of: matrix)
    let limit =
      switch rule {
      case .rounds(let count), .firstIncrease(let count): count
      }
    precondition(limit > 0, "\(limit)")
    var best: (quantized: Quantized, left: Matrix, right: Matrix)?
    var left = Matrix(zeros: matrix.rows, rank), right = Matrix(zeros: rank, matrix.columns)
    var errors: [Double] = []
    for _ in 0..<limit {
      let quantized = try quantizer.encode(matrix - left * right)
      let rest = matrix - (try quantizer.decode(quantized))
      let pair = TruncatedSVD(weights.scaled(rest), rank: rank)
      (left, right) = weights.unscaled(pair)
      let error = weights.scaled(rest - left * right).squaredNorm
      if case .firstIncrease = rule, let last = errors.last, error > last {
        errors.append(error)
        break
      }
      if error < errors.min() ?? .infinity { best = (quantized, left, right) }
      errors.append(error)
    }
    guard let best else {
      throw QuantizationError(.notFinite, "the error of a matrix and its approximation is not a number")
    }
    quantized = best.quantized
    self.left = best.left
    self.right = best.right
    self.errors = errors
  }
}

/// D_r · A · D_c with diagonal D, and back.
private struct LineWeights {
  let rows: [Double]
  let columns: [Double]

  init(rows: [Double]?, columns: [Double]?, of matrix: Matrix) {
    self.rows = rows ?? [Double](repeating: 1, count: matrix.rows)
    self.columns = columns ?? [Double](repeating: 1, count: matrix.columns)
    precondition(self.rows.count == matrix.rows && self.columns.count == matrix.columns)
    precondition(self.rows.allSatisfy { $0 > 0 } && self.columns.allSatisfy { $0 > 0 })
  }

  func scaled(_ matrix: Matrix) -> Matrix {
    var result = matrix
    for row in 0..<matrix.rows {
      for column in 0..<matrix.columns { result[row, column] *= rows[row] * columns[column] }
    }
    return result
  }

  func unscaled(_ pair: TruncatedSVD) -> (left: Matrix, right: Matrix) {
    var (left, right) = (pair.left, pair.right)
    for row in 0..<left.rows { for i in 0..<left.columns { left[row, i] /= rows[row] } }
    for i in 0..<right.rows { for column in 0..<right.columns { right[i, column] /= columns[column] } }
    return (left, right)
  }
}
