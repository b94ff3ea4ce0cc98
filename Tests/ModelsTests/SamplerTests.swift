import Foundation
import PumiceModels
import Testing

@Suite struct SamplerTests {
  /// Logits of probabilities.
  private func logits(_ probabilities: [Double]) -> [Float] { probabilities.map { Float(log($0)) } }

  private func distribution(
    _ probabilities: [Double], _ options: SamplingOptions, recent: [Int32] = []
  ) -> [Int32: Double] {
    let candidates = Sampler(options, seed: 0).distribution(logits(probabilities), recent: recent)
    return Dictionary(uniqueKeysWithValues: candidates.map { ($0.token, $0.probability) })
  }

  /// Nothing but the softmax.
  private let plain = SamplingOptions(temperature: 1, topK: 0, topP: 1, minP: 0)

  private func expect(_ found: [Int32: Double], _ expected: [Int32: Double], _ comment: Comment) {
    #expect(found.keys.sorted() == expected.keys.sorted(), comment)
    for (token, probability) in expected {
      #expect(abs((found[token] ?? 0) - probability) < 1e-6, comment)
    }
  }

  @Test func eachFilterKeepsWhatItsDefinitionSays() {
    let p = [0.1, 0.4, 0.05, 0.3, 0.15]
    expect(distribution(p, plain), [0: 0.1, 1: 0.4, 2: 0.05, 3: 0.3, 4: 0.15], "softmax")
    var options = plain
    options.topK = 2
    expect(distribution(p, options), [1: 4 / 7.0, 3: 3 / 7.0], "top-k")
    options = plain
    options.topP = 0.8
    expect(distribution(p, options), [1: 0.4 / 0.85, 3: 0.3 / 0.85, 4: 0.15 / 0.85], "top-p reaches 0.8 with 0.85")
    options = plain
    options.topP = 0
    expect(distribution(p, options), [1: 1], "top-p keeps at least one")
    options = plain
    options.minP = 0.3
    expect(distribution(p, options), [1: 0.4 / 0.85, 3: 0.3 / 0.85, 4: 0.15 / 0.85], "min-p keeps from 0.12")
    options = plain
    options.temperature = 0.5
    let squares = p.map { $0 * $0 }, sum = squares.reduce(0, +)
    expect(
      distribution(p, options), Dictionary(uniqueKeysWithValues: squares.enumerated().map { (Int32($0), $1 / sum) }),
      "temperature 1/2 squares")
    options.temperature = 0
    expect(distribution(p, options), [1: 1], "temperature 0")
  }

  @Test func filtersComeInOrder() {
    // Top-p sees what top-k left; temperature comes last, so it changes nothing of what is kept.
    var options = SamplingOptions(temperature: 100, topK: 3, topP: 0.5, minP: 0)
    let found = distribution([0.4, 0.3, 0.2, 0.1], options)
    #expect(found.keys.sorted() == [0, 1])
    options.topP = 0.4
    #expect(distribution([0.4, 0.3, 0.2, 0.1], options).keys.sorted() == [0])
  }

  @Test func penaltyActsOnRecentTokensAlone() {
    var options = plain
    options.repeatPenalty = 2
    options.repeatLast = 2
    let logits: [Float] = [2, -1, 4, 0]
    let found = Sampler(options, seed: 0).distribution(logits, recent: [3, 0, 1])
    let weights = [2.0 / 2, -1 * 2, 4, 0].map { exp($0) }, sum = weights.reduce(0, +)
    for candidate in found { #expect(abs(candidate.probability - weights[Int(candidate.token)] / sum) < 1e-9) }
    #expect(found.count == 4)
    options.repeatLast = -1
    let all = Sampler(options, seed: 0).distribution([2, 1], recent: [0, 1, 1])
    #expect(abs(all[0].probability - exp(1) / (exp(1) + exp(0.5))) < 1e-9)
  }

  @Test func impossibleTokensAreNeverDrawn() throws {
    var sampler = Sampler(plain, seed: 1)
    let logits: [Float] = [.nan, -.infinity, 1, .nan]
    for _ in 0..<100 { #expect(try sampler.sample(logits, recent: []) == 2) }
    #expect(throws: ModelError.noLogits) { try sampler.sample([.nan, -.infinity], recent: []) }
    var greedy = Sampler(SamplingOptions(temperature: 0), seed: 1)
    #expect(try greedy.sample([1, 3, 3, .nan], recent: []) == 1)
    #expect(try sampler.sample([0, .infinity, 5], recent: []) == 1)
  }

  @Test func topKOfManyIsWhatSortingGives() {
    var generator = SeededGenerator(seed: 5)
    let logits = (0..<5000).map { _ in Float(Int.random(in: 0..<700, using: &generator)) }
    for k in [1, 2, 40, 999, 4999, 5000, 9000] {
      var options = plain
      options.topK = k
      let expected = logits.indices.sorted { (logits[$0], $1) > (logits[$1], $0) }.prefix(k).map(Int32.init)
      #expect(Sampler(options, seed: 0).distribution(logits, recent: []).map(\.token) == expected, "top \(k)")
    }
  }

  @Test func drawsFollowTheDistribution() throws {
    let p = [0.5, 0.25, 0.125, 0.0625, 0.0625]
    var sampler = Sampler(plain, seed: 42)
    var counts = [Int](repeating: 0, count: p.count)
    let draws = 20_000
    for _ in 0..<draws { counts[Int(try sampler.sample(logits(p), recent: []))] += 1 }
    let chiSquare = zip(counts, p).reduce(0) { sum, pair in
      let expected = Double(draws) * pair.1
      return sum + (Double(pair.0) - expected) * (Double(pair.0) - expected) / expected
    }
    // 4 degrees of freedom: above 23.5 once in 10,000 seeds.
    #expect(chiSquare < 23.5, "χ² = \(chiSquare), counts \(counts)")
  }

  @Test func aSeedFixesTheDraws() throws {
    func draws(_ seed: UInt64) throws -> [Int32] {
      var sampler = Sampler(plain, seed: seed)
      return try (0..<50).map { _ in try sampler.sample([0, 0, 0, 0], recent: []) }
    }
    #expect(try draws(7) == draws(7))
    #expect(try draws(7) != draws(8))
  }

  @Test func generatorIsSplitMix64() {
    // The first numbers of the authors' reference program for seed 1234567.
    var generator = SeededGenerator(seed: 1_234_567)
    #expect(
      (0..<3).map { _ in generator.next() } == [
        6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
      ])
  }

  @Test(arguments: [
    SamplingOptions(temperature: .nan), SamplingOptions(topP: 1.5), SamplingOptions(topP: .nan),
    SamplingOptions(minP: -1),
    SamplingOptions(repeatPenalty: 0), SamplingOptions(repeatLast: -2),
  ])
  func senselessNumbersAreRefused(options: SamplingOptions) {
    #expect(throws: ModelError.self) { try options.validate() }
  }
}
