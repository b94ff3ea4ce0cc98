import PumiceTensors
import Testing

@testable import PumiceQuantization

@Suite struct AllocationTests {
  @Test func theFormulaIsTheBytesThatAreStored() throws {
    #expect(DoubleQuantization.grid.count == 432 && Set(DoubleQuantization.grid).count == 432)
    #expect(abs(DoubleQuantization.nf4.bitsPerWeight - 4.127) < 1e-4)
    let values = seededWeights(64 * 256)
    for storage in DoubleQuantization.grid where storage.bits < 8 {
      let table = (0..<1 << storage.bits).map { Float($0) - 1 }
      let encoded = try storage.encode(values, table: table)
      #expect(encoded.byteCount == storage.byteCount(elements: values.count))
      #expect(Double(encoded.byteCount) * 8 / Double(values.count) == storage.bitsPerWeight)
    }
    // With remainders: rounded up, no more.
    let odd = DoubleQuantization(bits: 3, scaleBits: 3, second: .f16, block: 16, superBlock: 16)
    #expect(
      try odd.encode(Array(values[..<1003]), table: (0..<8).map { Float($0) }).byteCount
        == odd.byteCount(elements: 1003))
  }

  @Test func scalesAndCodesAreRestored() throws {
    let table: [Float] = [-1, -0.5, -0.25, 0, 0.125, 0.25, 0.5, 1], values = seededWeights(2048)
    var errors: [Double] = []
    for scaleBits in [2, 4, 8] {
      let storage = DoubleQuantization(bits: 3, scaleBits: scaleBits, second: .f16, block: 32, superBlock: 16)
      let decoded = storage.decode(try storage.encode(values, table: table), table: table)
      errors.append(meanSquaredError(values, decoded.map(Double.init)))
    }
    #expect(errors[0] > errors[1] && errors[1] > errors[2])
    // Blocks of 32 with one magnitude, all different, and values of the table: nothing is lost but in the scales.
    let exact = (0..<512).map { table[$0 % 8] * Float(1 + $0 / 32) }
    let storage = DoubleQuantization(bits: 3, scaleBits: 8, second: .f32, block: 32, superBlock: 16)
    let decoded = storage.decode(try storage.encode(exact, table: table), table: table)
    #expect(zip(exact, decoded).allSatisfy { abs($0 - $1) <= 0.04 * max(abs($0), 1) })
    #expect(throws: QuantizationError.self) { try storage.encode([1, .nan], table: table) }
  }

  /// Matrices of different sizes, with choices that cost more the less error they leave, and some that are no good.
  private static func matrices(_ count: Int, _ choices: Int, seed: Int) -> [[BitAllocation.Choice]] {
    let noise = seededWeights(4096)
    return (0..<count).map { matrix in
      (0..<choices).map { choice in
        let size =
          100 * (1 + matrix % 3) + 37 * choice * (1 + matrix % 3) + (matrix * 31 + choice * 17 + seed * 13) % 29
        let error = Double(1 + matrix % 5) * 1000 / Double(1 << min(choice, 20))
        return .init(
          size: size, error: error * (1 + 4 * Double(abs(noise[(seed * 97 + matrix * choices + choice) % 4096]))))
      }
    }
  }

  @Test(arguments: 0..<6) func allocationsAreThoseOfBruteForce(_ seed: Int) throws {
    let matrices = Self.matrices(4, 12, seed: seed)
    let least = matrices.reduce(0) { $0 + $1.map(\.size).min()! }
    for budget in [least, least + 100, least + 350, least + 777, least + 1500, least + 100_000] {
      let found = try BitAllocation(matrices, budget: budget)
      var best = Double.infinity
      for number in 0..<12 * 12 * 12 * 12 {
        var rest = number, size = 0, error = 0.0
        for choices in matrices {
          size += choices[rest % 12].size
          error += choices[rest % 12].error
          rest /= 12
        }
        if size <= budget { best = min(best, error) }
      }
      #expect(abs(found.error - best) <= 1e-9 * best && found.isOptimal)
      #expect(found.size <= budget && found.bound <= best * (1 + 1e-9))
      #expect(found.size == zip(matrices, found.chosen).reduce(0) { $0 + $1.0[$1.1].size })
    }
  }

  @Test func manyMatricesStayNearTheBound() throws {
    let matrices = Self.matrices(200, 40, seed: 3)
    let budget = matrices.reduce(0) { $0 + $1[15].size }
    let found = try BitAllocation(matrices, budget: budget, steps: 20_000)
    let largest = matrices.flatMap { $0 }.map(\.error).max()!
    #expect(found.size <= budget && found.error >= found.bound && found.error - found.bound <= largest)
    #expect(found.error <= found.bound * 1.01)
  }

  @Test func impossibleBudgetsAreErrors() {
    let matrices = Self.matrices(4, 12, seed: 0)
    let least = matrices.reduce(0) { $0 + $1.map(\.size).min()! }
    #expect(throws: QuantizationError.self) { try BitAllocation(matrices, budget: least - 1) }
    #expect(throws: QuantizationError.self) { try BitAllocation([[]], budget: 1) }
    #expect(throws: QuantizationError.self) { try BitAllocation([[.init(size: 1, error: .nan)]], budget: 1) }
  }
}
