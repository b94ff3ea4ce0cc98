import PumiceReference
import PumiceTensors
import Testing

@testable import PumiceQuantization

@Suite struct LowRankTests {
  private static func matrix(_ rows: Int, _ columns: Int) -> Matrix {
    Matrix(rows: rows, columns: columns, seededWeights(rows * columns).map(Double.init))
  }

  /// As LoftQ quantizes: 2 bits of a normal distribution's quantiles.
  private static func quantizer(_ storage: DoubleQuantization) -> LowRankSplit<DoubleQuantization.Encoded>.Quantizer {
    let table: [Float] = [-1, 0, 0.33791524, 1]
    return .init(
      encode: { try storage.encode($0.values.map { Float($0) }, table: table) },
      decode: { Matrix(rows: 48, columns: 64, storage.decode($0, table: table).map(Double.init)) })
  }

  private static let storage = DoubleQuantization(bits: 2, scaleBits: 8, second: .f32, block: 64, superBlock: 16)

  @Test func eigenvaluesAreThoseOfTheMatrix() {
    let half = Self.matrix(12, 30)
    let symmetric = half * half.transposed
    let (values, vectors) = symmetric.symmetricEigen()
    #expect(zip(values, values.dropFirst()).allSatisfy { $0 >= $1 })
    for i in 0..<12 {
      for row in 0..<12 {
        let product = (0..<12).reduce(0) { $0 + symmetric[row, $1] * vectors[$1, i] }
        #expect(abs(product - values[i] * vectors[row, i]) < 1e-12 * values[0])
      }
    }
  }

  @Test func aProductOfThinMatricesIsFound() {
    let product = Self.matrix(40, 3) * Self.matrix(3, 25)
    let found = TruncatedSVD(product, rank: 3)
    #expect((product - found.product).squaredNorm < 1e-20 * product.squaredNorm)
    // Rank beyond what there is: nothing is added.
    #expect((product - TruncatedSVD(product, rank: 5).product).squaredNorm < 1e-20 * product.squaredNorm)
  }

  /// What is left has the norm of the other singular values (Eckart & Young), which the eigenvalues of A Aᵀ give.
  @Test(arguments: [1, 4, 16, 20]) func noApproximationOfThatRankIsBetter(_ rank: Int) {
    let matrix = Self.matrix(20, 48)
    let found = TruncatedSVD(matrix, rank: rank)
    let values = (matrix * matrix.transposed).symmetricEigen().values
    let rest = values.dropFirst(rank).reduce(0) { $0 + max($1, 0) }
    let error = (matrix - found.product).squaredNorm
    #expect(abs(error - rest) <= 1e-6 * matrix.squaredNorm && error >= rest - 1e-12 * matrix.squaredNorm)
    for (value, singular) in zip(values, found.singularValues) {
      #expect(abs(singular * singular - value) <= 1e-6 * values[0])
    }
  }

  @Test(arguments: [4, 16]) func alternatingIsBetterThanQuantizingAlone(_ rank: Int) throws {
    let matrix = Self.matrix(48, 64), quantizer = Self.quantizer(Self.storage)
    let alone = (matrix - (try quantizer.decode(quantizer.encode(matrix)))).squaredNorm
    let once = try LowRankSplit(matrix, rank: rank, rule: .rounds(1), quantizer: quantizer)
    let split = try LowRankSplit(matrix, rank: rank, rule: .rounds(5), quantizer: quantizer)
    #expect(once.error < alone && split.error <= once.error && split.errors.count == 5)
    // The kept pair is the one whose error is told.
    let rest = matrix - (try quantizer.decode(split.quantized)) - split.left * split.right
    #expect(abs(rest.squaredNorm - split.error) < 1e-9 * split.error)
    #expect(split.left.columns == rank && split.right.rows == rank)
  }

  @Test func theFirstIncreaseEndsTheRounds() throws {
    let matrix = Self.matrix(48, 64), quantizer = Self.quantizer(Self.storage)
    let split = try LowRankSplit(matrix, rank: 8, rule: .firstIncrease(limit: 100), quantizer: quantizer)
    #expect(split.errors.count < 100)
    let falling = split.errors.dropLast()
    #expect(zip(falling, falling.dropFirst()).allSatisfy { $0 >= $1 } && split.error == falling.last)
  }

  @Test func weightsOfOneChangeNothingAndOthersLowerTheWeightedError() throws {
    let matrix = Self.matrix(48, 64), quantizer = Self.quantizer(Self.storage)
    let plain = try LowRankSplit(matrix, rank: 8, rule: .rounds(3), quantizer: quantizer)
    let ones = try LowRankSplit(
      matrix, rank: 8, rule: .rounds(3), rowWeights: [Double](repeating: 1, count: 48),
      columnWeights: [Double](repeating: 1, count: 64), quantizer: quantizer)
    #expect(plain.quantized == ones.quantized && plain.left == ones.left && plain.errors == ones.errors)
    let rows = (0..<48).map { 0.2 + Double($0 % 7) }, columns = (0..<64).map { 0.1 + Double($0 % 5) }
    let weighted = try LowRankSplit(
      matrix, rank: 8, rule: .rounds(1), rowWeights: rows, columnWeights: columns, quantizer: quantizer)
    let unweighted = try LowRankSplit(matrix, rank: 8, rule: .rounds(1), quantizer: quantizer)
    let rest = matrix - (try quantizer.decode(unweighted.quantized)) - unweighted.left * unweighted.right
    let other = (0..<48).reduce(0.0) { sum, row in
      (0..<64).reduce(sum) {
        $0 + (rest[row, $1] * rows[row] * columns[$1]) * (rest[row, $1] * rows[row] * columns[$1])
      }
    }
    #expect(weighted.error < other)
  }
}
