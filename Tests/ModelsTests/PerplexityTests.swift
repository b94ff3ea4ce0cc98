import Foundation
import PumiceModelFiles
import PumiceModels
import PumiceTensors
import Testing

@Suite struct PerplexityTests {
  /// Logits of probabilities, shifted, which must not matter.
  private func prediction(_ probabilities: [Double], shift: Double = 3) throws -> Prediction {
    try #require(Prediction(probabilities.map { Float(log($0) + shift) }))
  }

  @Test func uniformPredictionsHaveThePerplexityOfTheVocabulary() throws {
    var perplexity = Perplexity()
    let prediction = try #require(Prediction([Float](repeating: -7, count: 100)))
    for token in [0, 42, 99] { perplexity.add(logProbability: prediction.logProbability(of: token)) }
    #expect(abs(perplexity.estimate.value - 100) < 1e-10)
    #expect(perplexity.estimate.uncertainty < 1e-5)
    #expect(perplexity.count == 3)
  }

  @Test func knownProbabilitiesHaveAKnownPerplexity() throws {
    var perplexity = Perplexity()
    for (probability, shift) in [(0.5, 0.0), (0.25, 50), (0.125, -50), (0.25, 0)] {
      let prediction = try prediction([0.125, probability, 0.875 - probability], shift: shift)
      perplexity.add(logProbability: prediction.logProbability(of: 1))
    }
    // −log₂ p is 1, 2, 3, 2: mean 2, variance 1/2, and its standard error √(1/2 / 3).
    #expect(abs(perplexity.estimate.value - 4) < 1e-5)
    #expect(abs(perplexity.estimate.uncertainty - 4 * log(2) * (0.5 / 3).squareRoot()) < 1e-5)
  }

  @Test func logitsThatAreNoNumbersAreRefused() {
    #expect(Prediction([1, .nan, 2]) == nil)
    #expect(Prediction([1, .infinity]) == nil)
    #expect(Prediction([-.infinity, -.infinity]) == nil)
    #expect(Prediction([]) == nil)
    let masked = Prediction([-.infinity, 1, 1])
    #expect(masked?.likeliest == 1)
    #expect(masked.map { abs($0.logProbability(of: 2) + log(2)) < 1e-14 } == true)
    #expect(Prediction([5000, 0])?.logProbability(of: 1) == -5000)
  }

  @Test func divergenceOfKnownDistributions() throws {
    let p = [0.5, 0.25, 0.25], q = [0.25, 0.25, 0.5]
    let base = try saved(of: p), model = try prediction(q)
    var divergence = KLDivergence()
    for next in [0, 1, 2] { divergence.add(model, base: base, next: next) }
    // Σ p ln(p/q) = ½ ln 2 + ¼ ln 1 − ¼ ln 2. Codes of 16 bits over ln 2 are exact to 10⁻⁵.
    #expect(abs(divergence.mean.value - log(2) / 4) < 1e-5)
    #expect(divergence.mean.uncertainty < 1e-8)
    #expect(zip(divergence.probabilityChanges, [-0.25, 0, 0.25]).allSatisfy { abs($0 - $1) < 1e-5 })
    #expect(abs(divergence.rootMeanSquareProbabilityChange.value - (0.125 / 3).squareRoot()) < 1e-5)
    // Both have −log₂ p of 1, 2, 2 in some order.
    #expect(abs(divergence.perplexity.value - exp2(5.0 / 3)) < 1e-4)
    #expect(abs(divergence.basePerplexity.value - exp2(5.0 / 3)) < 1e-4)
    #expect(abs(divergence.correlation - -0.5) < 1e-4)
    #expect(divergence.sameLikeliest.value == 0)

    var itself = KLDivergence()
    for next in [0, 1, 2] { itself.add(try prediction(p), base: base, next: next) }
    #expect(abs(itself.mean.value) < 1e-6 && itself.sameLikeliest.value == 1)
    #expect(abs(itself.ratio.value - 1) < 1e-5 && abs(itself.difference.uncertainty) < 1e-4)
  }

  private func saved(of probabilities: [Double]) throws -> SavedLogits.Prediction {
    let smallest = log(probabilities.min()!), scale = (log(probabilities.max()!) - smallest) / 65535
    return SavedLogits.Prediction(
      minimum: Float(smallest), scale: Float(scale),
      codes: probabilities.map { UInt16(((log($0) - smallest) / scale).rounded()) })
  }

  @Test func quantilesInterpolate() {
    let quantiles = Quantiles([4, 1, 3, 2])
    #expect([0, 0.5, 1, 1.0 / 3, 0.25, 2].map { quantiles[$0] } == [1, 2.5, 4, 2, 1.75, 4])
    #expect(Quantiles([7])[0.3] == 7)
  }

  @Test func textsAreCutIntoWholeChunks() throws {
    let text = try ChunkedText((0..<29).map(Int32.init), chunkLength: 9, beginning: nil)
    #expect(text.chunkCount == 3 && text.tokens == (0..<27).map(Int32.init))
    #expect(text.firstScored == 4 && text.scoredPerChunk == 4)
    #expect(try ChunkedText(text.tokens, chunkLength: 9, limit: 2, beginning: nil).chunkCount == 2)
    #expect(throws: ModelError.textTooShort(tokens: 8, chunk: 9)) {
      _ = try ChunkedText([Int32](repeating: 0, count: 8), chunkLength: 9, beginning: nil)
    }
    #expect(throws: ModelError.self) { _ = try ChunkedText(text.tokens, chunkLength: 7, beginning: nil) }
    #expect(throws: ModelError.self) { _ = try ChunkedText(text.tokens, chunkLength: 9, limit: 0, beginning: nil) }
  }

  @Test func eachChunkIsPredictedFromItsOwnTokensAlone() throws {
    let tokens = (0..<20).map { Int32($0 * 31 % 288) }
    let text = try ChunkedText(tokens, chunkLength: 10, beginning: 5)
    let session = try TestBackend.reference.session(Fixture.f32.open(), exactOptions())
    try session.append([1, 2, 3])
    for chunk in 0..<2 {
      var whole = Array(tokens[chunk * 10..<chunk * 10 + 10])
      whole[0] = 5
      session.reset()
      let expected = try session.logits(appending: whole)
      var seen: [Int] = []
      try session.predict(text, chunk: chunk) { row, prediction, next in
        #expect(prediction.logits == expected[5 + row])
        #expect(next == Int(whole[6 + row]))
        seen.append(row)
      }
      #expect(seen == [0, 1, 2, 3])
    }
  }

  @Test func brokenWeightsAreAnError() throws {
    var writer = try Fixture.f32.writer(keeping: { $0.name != "output_norm.weight" })
    writer.addTensor("output_norm.weight", shape: [64], floats: [Float](repeating: .nan, count: 64))
    let session = try TestBackend.reference.session(GGUFFile(bytes: writer.bytes()), exactOptions())
    let text = try ChunkedText([Int32](repeating: 7, count: 8), chunkLength: 8, beginning: nil)
    #expect(throws: ModelError.brokenLogits(chunk: 1, position: 4)) {
      try session.predict(text, chunk: 0) { _, _, _ in }
    }
  }
}
