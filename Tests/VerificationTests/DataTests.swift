import PumiceOperators
import PumiceTensors
import Testing

@testable import PumiceVerification

@Suite struct DataTests {
  @Test func theGeneratorIsSplitMix64() {
    var random = RandomSource(seed: 0)
    #expect(random.next() == 0xe220_a839_7b1d_cdaf)
    #expect(random.next() == 0x6e78_9e6a_a1b9_65f4)
  }

  @Test func normalNumbersAreNormal() {
    var random = RandomSource(seed: 7)
    let numbers = (0..<20_000).map { _ in random.normal() }
    let mean = numbers.reduce(0, +) / 20_000
    let variance = numbers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 20_000
    #expect(abs(mean) < 0.03)
    #expect(abs(variance - 1) < 0.05)
  }

  @Test func aCaseIsAFunctionOfItsDescriptionAndSeed() {
    let op = MatMul(m: 3, n: 2, k: 32, weight: .q8_0)
    let one = VerificationCase(op, data: .normal, seed: 5)
    #expect(one.inputs() == VerificationCase(op, data: .normal, seed: 5).inputs())
    #expect(one.inputs() != VerificationCase(op, data: .normal, seed: 6).inputs())
    #expect(one.inputs() != VerificationCase(op, data: .outliers, seed: 5).inputs())
    #expect(one.description == "matmul(q8_0, m=3, k=32, n=2) normal")
  }

  @Test(
    arguments: TensorFormat.plainWeights + TensorFormat.blockWeights
      + [GroupFormat(bits: 3, group: 32, offset: .bias)!, GroupFormat(bits: 7, group: nil, scale: .f32)!].map {
        .group($0)
      }) func everyKindFillsTheTensor(_ format: TensorFormat)
  {
    for kind in DataKind.allCases {
      var random = RandomSource(seed: 1)
      let shape: Shape = [3, max(64, 2 * format.blockLength)]
      #expect(kind.bytes(shape, format, &random).count == format.byteCount(shape))
    }
  }

  @Test func kindsAreWhatTheySay() {
    var random = RandomSource(seed: 3)
    let hot = DataKind.oneHot.values(rows: 5, columns: 40, &random)
    #expect((0..<5).allSatisfy { row in hot[row * 40..<(row + 1) * 40].count { $0 != 0 } == 1 })
    #expect(Set(DataKind.equal.values(rows: 4, columns: 9, &random)).count == 1)
    #expect(DataKind.denormals.values(rows: 4, columns: 40, &random).contains { $0.isSubnormal })
    #expect(DataKind.outliers.values(rows: 16, columns: 64, &random).contains { abs($0) > 500 })
    #expect(DataKind.zeros.values(rows: 2, columns: 2, &random) == [0, 0, 0, 0])
  }
}
