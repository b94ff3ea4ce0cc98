import Foundation
import PumiceReference
import PumiceTensors
import Testing

@testable import PumiceQuantization

@Suite struct SectionEncoderTests {
  private static let rows = 12, columns = 256
  private static let weights = seededWeights(rows * columns)

  private static func error(_ name: String, importance: [Float]? = nil, weightedBy: [Float]? = nil) throws -> Double {
    let format = try #require(TensorFormat(name: name))
    let bytes = try SectionEncoder(format, columns: columns, importance: importance).encodeTogether(weights)
    let values = format.decode(bytes, [rows, columns])
    return meanSquaredError(weights, values, importance: weightedBy)
  }

  @Test(arguments: ["", ":asym"], ["32", "64", "128", "row"]) func moreBitsHaveLessError(
    _ offset: String, _ group: String
  ) throws {
    let errors = try (1...8).map { try Self.error("g\($0):\(group)\(offset)") }
    #expect(zip(errors, errors.dropFirst()).allSatisfy { $0 > 1.6 * $1 }, "\(errors)")
    let energy = meanSquaredError(Self.weights, Self.weights.map { _ in 0 })
    #expect(errors[0] < 0.6 * energy && errors[7] < 1e-3 * energy)
  }

  @Test(arguments: 1...8) func shorterGroupsAndOffsetsHaveLessError(_ bits: Int) throws {
    let errors = try ["32", "64", "128", "row"].map { try Self.error("g\(bits):\($0)") }
    #expect(zip(errors, errors.dropFirst()).allSatisfy { $0 < $1 })
    #expect(try Self.error("g\(bits):64:asym") < Self.error("g\(bits):64"))
  }

  /// What groups of the same length, width and kind of codes are in GGUF's blocks.
  @Test func groupsAreAsGoodAsBlocks() throws {
    for (name, block) in [("g4:32", BlockFormat.q4_0), ("g4:32:asym", .q4_1), ("g5:32", .q5_0), ("g5:32:asym", .q5_1)] {
      let encoded = try RowEncoder(.block(block), columns: Self.columns).encode(Self.weights)
      let other = meanSquaredError(Self.weights, TensorFormat.block(block).decode(encoded))
      #expect(abs(try Self.error(name) - other) < 1e-6 * other)
    }
  }

  @Test(arguments: [
    "g1:64", "g1:64:asym", "g2:64", "g3:64:asym:bf16", "g4:row:f32", "g8:32", "nf2:64", "nf3:32:bf16", "nf4:16:f32",
    "nf4:64:q8:256:f32", "nf8:64", "palette2", "palette4:rows5", "palette8:f32", "palette4:pairs",
    "palette2:pairs:rows5", "dgq:64",
  ])
  func weightsOfErrorsAreUsed(_ name: String) throws {
    let importance = seededImportance(Self.columns)
    let plain = try Self.error(name, weightedBy: importance)
    let weighted = try Self.error(name, importance: importance, weightedBy: importance)
    #expect(weighted < plain)
  }

  @Test(arguments: [
    "g1:32", "g2:32:asym", "g4:64", "g7:row:asym", "nf2:64", "nf3:64", "nf4:16", "nf4:64:q8:16:bf16", "palette1",
    "palette3:rows4", "palette6", "palette4:pairs", "dgq:128",
  ])
  func zerosAreHeld(_ name: String) throws {
    let format = try #require(TensorFormat(name: name))
    let zeros = [Float](repeating: 0, count: 512)
    let bytes = try SectionEncoder(format, columns: 256).encodeTogether(zeros)
    #expect(format.decode(bytes, [2, 256]).allSatisfy { $0 == 0 })
  }

  @Test func normalFloatsAreBetterThanWholeNumbersAndDoubleQuantizationCostsLittle() throws {
    let plain = try Self.error("nf4:64"), double = try Self.error("nf4:64:q8:256:f32")
    #expect(plain < double && double < 1.05 * plain)
    #expect(try Self.error("nf8:64") < 0.02 * plain)
    #expect(try Self.error("nf3:64") < Self.error("nf2:64") && plain < Self.error("nf3:64"))
    // The search of scales against the largest magnitude of each group.
    let table = TableCodes(NormalFloatFormat.table(bits: 4))
    var sum = 0.0
    for start in stride(from: 0, to: Self.weights.count, by: 64) {
      let group = Array(Self.weights[start..<start + 64])
      sum += withSamples(group) { Double(table.error($0, scale: half(group.map(abs).max()!))) }
    }
    #expect(plain < sum / Double(Self.weights.count))
  }

  /// Equal steps of probability on either side of zero, as LQ-LoRA makes them for every width.
  @Test(arguments: [2, 3, 4, 8]) func normalFloatsAreQuantiles(_ bits: Int) {
    let table = NormalFloatFormat.table(bits: bits), half = 1 << (bits - 1)
    #expect(table.count == 2 * half && table[0] == -1 && table[half - 1] == 0 && table[2 * half - 1] == 1)
    // Φ⁻¹(0.9677083)
    let end = 1.848131420707975
    for (code, value) in table.enumerated() {
      let probability = 0.5 * (1 + erf(Double(value) * end / 2.0.squareRoot()))
      let steps = code < half ? Double(code - half + 1) / Double(half - 1) : Double(code - half + 1) / Double(half)
      #expect(abs(probability - (0.5 + 0.4677083 * steps)) < 1e-5, "\(code)")
    }
  }

  /// Long codebooks are searched another way than short ones.
  @Test func nearestValuesOfLongTablesAreFound() {
    let table = NormalFloatFormat.table(bits: 8), codes = TableCodes(table)
    for value in seededWeights(800).map({ $0 * 20 }) + table + [0, -0.0, 5, -5, .infinity, -.infinity] {
      let found = codes.code(Lanes(repeating: value))[3]
      let error = abs(table[Int(found)] - value)
      #expect(
        table.allSatisfy { error <= abs($0 - value) } && codes.nearest(Lanes(repeating: value))[3] == table[Int(found)])
    }
  }

  @Test func palettesAreTheBestTables() throws {
    // A table for the tensor cannot be worse than the levels of any one scale.
    #expect(try Self.error("palette4") < Self.error("g4:row"))
    #expect(try Self.error("palette4:rows3:f32") < Self.error("palette4:f32"))
    // Few values are held without loss.
    let levels: [Float] = [-1, -0.25, 0, 0.5, 0.75, 2, 3, 4]
    let values = (0..<512).map { levels[$0 * 7 % 8] }
    let format = TensorFormat(name: "palette3")!
    let bytes = try SectionEncoder(format, columns: 64).encodeTogether(values)
    #expect(format.decode(bytes, [8, 64]) == values.map(Double.init))
  }

  /// As many bits for two elements as for each of two: any two tables together are a table of pairs.
  @Test func tablesOfPairsAreBetterThanTwoTables() throws {
    #expect(try Self.error("palette4:pairs") < Self.error("palette2"))
    #expect(try Self.error("palette8:pairs:f32") < Self.error("palette4:f32"))
    #expect(try Self.error("palette4:pairs:rows3:f32") < Self.error("palette4:pairs:f32"))
    // Few pairs are held without loss, wherever the seeds fall.
    let pairs: [SIMD2<Float>] = [SIMD2(-1, 2), SIMD2(0, 0), SIMD2(0.5, -0.25), SIMD2(3, 3)]
    let values = (0..<512).flatMap { index in [pairs[index * 7 % 4].x, pairs[index * 7 % 4].y] }
    let format = TensorFormat(name: "palette2:pairs")!
    let bytes = try SectionEncoder(format, columns: 64).encodeTogether(values)
    #expect(format.decode(bytes, [16, 64]) == values.map(Double.init))
    #expect(try SectionEncoder(format, columns: 64).encodeTogether(values) == bytes)
  }

  @Test func lloydsRoundsLowerTheError() {
    let values = seededWeights(4000), importance = seededImportance(2)
    let pairs = stride(from: 0, to: 4000, by: 2).map { SIMD2(values[$0], values[$0 + 1]) }
    let weights = pairs.map { _ in SIMD2(importance[0], importance[1]) }
    let clusters = PairClusters(pairs, weights: weights, count: 16)
    #expect(clusters.errors.count > 3 && zip(clusters.errors, clusters.errors.dropFirst()).allSatisfy { $0 >= $1 })
    #expect(clusters.errors.last! < 0.9 * clusters.errors[0])
    // No pair has a nearer center than the one it is given.
    for (pair, weight) in zip(pairs, weights).prefix(50) {
      let found = PairClusters.nearest(pair, weight, among: clusters.centers)
      let errors = clusters.centers.map { (weight * (pair - $0) * (pair - $0)).sum() }
      #expect(found.error == errors.min() && errors[found.index] == found.error)
    }
    // Fewer different pairs than centers.
    #expect(PairClusters([SIMD2(1, 2), SIMD2(1, 2)], count: 4).centers == .init(repeating: SIMD2(1, 2), count: 4))
  }

  // MARK: Balance

  @Test func balancedCodesHaveOneLevelMore() throws {
    for (name, stored, levels) in [("g2b:64", "g3:64", 5), ("g3b:row:f32", "g4:row:f32", 9), ("g7b:32", "g8:32", 129)] {
      let encoding = try #require(WeightEncoding(name: name))
      #expect(encoding.name == name && encoding.format.name == stored && encoding.isBalanced)
      let bytes = try encoding.encode(Self.weights, columns: Self.columns)
      let values = encoding.format.decode(bytes, [Self.rows, Self.columns])
      // Levels around zero, as many on either side.
      guard case .group(let group) = encoding.format else { throw CancellationError() }
      let length = group.group ?? Self.columns
      for start in stride(from: 0, to: values.count, by: length) {
        let found = Set(values[start..<start + length])
        #expect(found.count <= levels)
        guard levels == 5 else { continue }
        let step = found.filter { $0 > 0 }.min() ?? found.filter { $0 < 0 }.max().map { -$0 } ?? 0
        #expect(found.allSatisfy { abs($0) == 0 || abs($0) == step || abs($0) == 2 * step })
      }
    }
    func error(_ name: String) throws -> Double {
      let encoding = try #require(WeightEncoding(name: name))
      let bytes = try encoding.encode(Self.weights, columns: Self.columns)
      return meanSquaredError(Self.weights, encoding.format.decode(bytes, [Self.rows, Self.columns]))
    }
    #expect(try error("g3:64") < error("g2b:64") && error("g2b:64") < error("g2:64"))
    for name in ["g1b:64", "g8b:64", "g2b:64:asym", "gb:64", "g2b", "g2b:33", "nf2b:64", "g02b:64", "palette2b"] {
      #expect(WeightEncoding(name: name) == nil, "\(name)")
    }
    #expect(WeightEncoding(name: "q4_0")?.format == .q4_0)
    #expect(throws: QuantizationError.self) {
      try SectionEncoder(TensorFormat(name: "g2:64")!, columns: 64, isBalanced: true)
    }
  }

  /// With more elements than are clustered one by one.
  @Test func largePalettesAreAsGood() throws {
    let values = seededWeights(1 << 17)
    let merged = ScalarClusters(values, count: 16, limit: 1 << 16), all = ScalarClusters(values, count: 16)
    #expect(abs(merged.error - all.error) < 1e-3 * all.error)
    for (a, b) in zip(merged.centers, all.centers) { #expect(abs(a - b) < 1e-3) }
  }

  @Test func badTensorsAreNamed() throws {
    let encoder = try SectionEncoder(TensorFormat(name: "g4:64")!, columns: 64)
    var values = seededWeights(640)
    values[200] = .nan
    let error = #expect(throws: QuantizationError.self) { try encoder.encode(values) }
    #expect(error?.code == .notFinite && error?.detail.contains("row 3, column 8") == true)
    values[200] = 1e9
    #expect(throws: QuantizationError.self) { try encoder.encode(values) }
    #expect(throws: QuantizationError.self) { try encoder.encode([1]) }
    for name in ["g4:64", "nf4:128", "dgq:64"] {
      #expect(throws: QuantizationError.self) { try SectionEncoder(TensorFormat(name: name)!, columns: 96) }
    }
    for name in ["f16", "q4_0", "gptq4:64", "awq4:64"] {
      let error = #expect(throws: QuantizationError.self) {
        try SectionEncoder(TensorFormat(name: name)!, columns: 128)
      }
      #expect(error?.code == .unsupportedFormat)
    }
  }
}
