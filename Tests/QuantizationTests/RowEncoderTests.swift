import PumiceReference
import PumiceTensors
import Testing

@testable import PumiceQuantization

@Suite struct RowEncoderTests {
  /// The mean squared errors of llama.cpp's llama-quantize (--pure) on the first 8192 elements of a tensor of 256 columns
  /// that began with `seededWeights(8192)`; with `seededImportance` as the importance matrix, of its weighted errors.
  private static let golden: [(format: BlockFormat, plain: Double, weighted: Double?)] = [
    (.q1_0, 2.2799346e-4, nil),
    (.q2_0, 2.2372982e-4, nil),
    (.q4_0, 7.6806668e-6, 5.2358850e-5),
    (.q4_1, 3.7980586e-6, 2.2305802e-5),
    (.q5_0, 1.8803723e-6, 1.3529998e-5),
    (.q5_1, 9.0168783e-7, 5.1547179e-6),
    (.q8_0, 3.0380238e-8, 2.2982915e-7),
    (.q2_K, 5.3409909e-5, 2.5844255e-4),
    (.q3_K, 1.6723279e-5, 1.0743695e-4),
    (.q4_K, 3.3851070e-6, 2.3769048e-5),
    (.q5_K, 8.8717798e-7, 6.1949672e-6),
    (.q6_K, 2.6021126e-7, 1.8314225e-6),
    (.iq4_nl, 4.6019367e-6, 3.1580983e-5),
    (.iq4_xs, 4.7699443e-6, 3.3125413e-5),
    (.tq1_0, 3.2317711e-4, 2.4552796e-3),
    (.tq2_0, 3.2317711e-4, 2.4552796e-3),
    (.mxfp4, 8.8936516e-6, 7.0114808e-5),
  ]

  @Test func errorsAreAtMostLlamaCpps() throws {
    let weights = seededWeights(8192), importance = seededImportance(256)
    for (format, plain, weighted) in Self.golden {
      let encoded = try RowEncoder(.block(format), columns: 256).encode(weights)
      let error = meanSquaredError(weights, TensorFormat.block(format).decode(encoded))
      #expect(error <= plain * (1 + 1e-6) && error > plain / 10, "\(format): \(error), llama.cpp \(plain)")
      guard let weighted else { continue }
      let other = try RowEncoder(.block(format), columns: 256, importance: importance).encode(weights)
      let otherError = meanSquaredError(weights, TensorFormat.block(format).decode(other), importance: importance)
      #expect(otherError <= weighted, "\(format), weighted: \(otherError), llama.cpp \(weighted)")
      // Weights are used: without them the weighted error is larger.
      let unweighted = TensorFormat.block(format).decode(encoded)
      #expect(otherError < meanSquaredError(weights, unweighted, importance: importance))
    }
    #expect(Set(Self.golden.map(\.format)).union([.nvfp4]) == Set(RowEncoder.blockFormats))
  }

  /// nvfp4 has finer scales than mxfp4, for shorter groups.
  @Test func nvfp4IsBetterThanMxfp4() throws {
    let weights = seededWeights(8192)
    let errors = try [BlockFormat.nvfp4, .mxfp4].map { format in
      let format = TensorFormat.block(format)
      // In the range of e4m3, whose smallest number is 1/512.
      let scaled = weights.map { $0 * 64 }
      return meanSquaredError(scaled, format.decode(try RowEncoder(format, columns: 256).encode(scaled)))
    }
    #expect(errors[0] < errors[1])
  }

  @Test func plainFormatsRoundToNearest() throws {
    let values: [Float] = [1, 1.00048828125, -0.1, 65504, 3e-8, 1e-7, 0, -3]
    let half = TensorFormat.f16.decode(try RowEncoder(.f16, columns: 8).encode(values))
    #expect(half == values.map { TensorFormat.f16.rounded(Double($0)) })
    let brain = TensorFormat.bf16.decode(try RowEncoder(.bf16, columns: 8).encode(values))
    #expect(brain == values.map { TensorFormat.bf16.rounded(Double($0)) })
    #expect(TensorFormat.f32.decode(try RowEncoder(.f32, columns: 8).encode(values)) == values.map(Double.init))
  }

  /// What a format of one level can hold is held without loss.
  @Test(arguments: [BlockFormat.q4_0, .q5_0, .q8_0, .iq4_nl, .mxfp4, .q2_0, .q1_0, .tq1_0, .tq2_0])
  func encodingAgainLosesNothing(_ format: BlockFormat) throws {
    let encoder = try RowEncoder(.block(format), columns: 256)
    let once = TensorFormat.block(format).decode(try encoder.encode(seededWeights(2048)))
    let twice = TensorFormat.block(format).decode(try encoder.encode(once.map { Float($0) }))
    #expect(once == twice)
  }

  @Test(arguments: RowEncoder.blockFormats) func zerosAndTinyNumbersAreHeld(_ format: BlockFormat) throws {
    let encoder = try RowEncoder(.block(format), columns: 256)
    let zeros = TensorFormat.block(format).decode(try encoder.encode([Float](repeating: 0, count: 256)))
    #expect(zeros.allSatisfy { $0 == 0 })
    for size in [1e-30, 1e-12, 1e-6] as [Float] {
      let tiny = seededWeights(256).map { $0 * size }
      let values = TensorFormat.block(format).decode(try encoder.encode(tiny))
      let largest = Double(tiny.map(abs).max()!)
      // Within the range of the elements, or what the smallest scale makes of them.
      #expect(values.allSatisfy { abs($0) <= max(2 * largest, 1e-2) })
    }
  }

  @Test func badElementsAreNamed() throws {
    var weights = seededWeights(512)
    let encoder = try RowEncoder(.q4_0, columns: 256)
    for bad in [Float.nan, .infinity, -.infinity, 1e20] {
      weights[300] = bad
      let error = #expect(throws: QuantizationError.self) { try encoder.encode(weights) }
      #expect(error?.code == (bad.isFinite ? .tooLarge : .notFinite))
      #expect(error?.detail.contains("row 1, column 44") == true)
    }
    #expect(throws: QuantizationError.self) { try RowEncoder(.f16, columns: 1).encode([65520]) }
    #expect(throws: QuantizationError.self) { try RowEncoder(.bf16, columns: 1).encode([3.4e38]) }
  }

  @Test(arguments: RowEncoder.blockFormats) func scalesBeyondTheFormatAreAnError(_ format: BlockFormat) throws {
    // Powers of two as far as 2¹²⁷ scale mxfp4.
    guard format != .mxfp4 else { return }
    let huge = seededWeights(256).map { $0 * 1e14 }
    let error = #expect(throws: QuantizationError.self) {
      try RowEncoder(.block(format), columns: 256).encode(huge)
    }
    #expect(error?.code == .tooLarge)
  }

  @Test func impossibleRequestsAreErrors() {
    func code(_ make: @autoclosure () throws -> RowEncoder) -> QuantizationError.Code? {
      #expect(throws: QuantizationError.self) { try make() }?.code
    }
    #expect(code(try RowEncoder(.q4_0, columns: 33)) == .wrongShape)
    #expect(code(try RowEncoder(.block(.q4_K), columns: 128)) == .wrongShape)
    #expect(code(try RowEncoder(.i32, columns: 32)) == .unsupportedFormat)
    #expect(code(try RowEncoder(.block(.iq2_xs), columns: 256)) == .unsupportedFormat)
    #expect(code(try RowEncoder(.q4_0, columns: 32, importance: [1])) == .wrongImportance)
    let zeros = [Float](repeating: 0, count: 32)
    #expect(code(try RowEncoder(.q4_0, columns: 32, importance: zeros)) == .wrongImportance)
    #expect(code(try RowEncoder(.q4_0, columns: 32, importance: zeros.dropLast() + [-1])) == .wrongImportance)
    #expect(code(try RowEncoder(.q4_0, columns: 32, importance: zeros.dropLast() + [.nan])) == .wrongImportance)
  }
}
