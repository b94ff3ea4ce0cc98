import Foundation
import PumiceModelFiles
import Testing

/// `pumice perplexity` as a user runs it. The figures are those of llama.cpp's llama-perplexity (0.7.0, CPU, f32 cache),
/// where the q4_0 model was converted to f32 first, as for the logits of the fixtures.
extension CommandLineTests {
  private static let text = """
    When the rain came down, the children ran to the old barn and waited there. The door was open, and inside it smelled \
    of hay. "Will it last long?" asked the smallest one. Nobody knew. They counted the drops that fell through the roof: \
    one, two, three, and then too many to count. A swallow flew in, shook its wings and sat on a beam. At noon the sun \
    came back, and a rainbow stood over the hill.

    """

  private struct Estimate: Decodable {
    var value: Double
    var uncertainty: Double
  }

  private struct Result: Decodable {
    struct Comparison: Decodable {
      var base_perplexity: Estimate
      var correlation: Double
      var log_ratio: Estimate
      var ratio: Estimate
      var difference: Estimate
      var mean: Estimate
      var maximum: Double
      var minimum: Double
      var quantiles: [String: Double]
      var probability_change: Estimate
      var root_mean_square_probability_change: Estimate
      var probability_change_quantiles: [String: Double]
      var same_likeliest: Estimate
    }
    var chunks: Int
    var tokens: Int
    var perplexity: Estimate
    var running: [Double]
    var kl_divergence: Comparison?
  }

  /// Runs `body` with a folder that has the text as `text.txt`.
  private func withText(_ body: (_ folder: String, _ text: String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("pumice-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let text = folder.appendingPathComponent("text.txt")
    try Data(Self.text.utf8).write(to: text)
    try body(folder.path, text.path)
  }

  private func expect(_ estimate: Estimate, _ value: Double, _ uncertainty: Double, within tolerance: Double) {
    #expect(abs(estimate.value - value) <= tolerance, "\(estimate.value) is not \(value)")
    #expect(abs(estimate.uncertainty - uncertainty) <= tolerance, "± \(estimate.uncertainty) is not \(uncertainty)")
  }

  @Test(arguments: TestBackend.allCases)
  func perplexityIsThatOfLlamaCpp(backend: TestBackend) throws {
    try withText { _, text in
      let options = ["-ctk", "f32", "--backend", backend.rawValue]
      let outcome = try run(["perplexity", "-m", model, "-f", text, "-c", "64"] + options)
      #expect(outcome.code == 0, "\(outcome.errors)")
      #expect(outcome.output.contains(/\[1\]710.124\d,\[2\]723.181\d,\[3\]615.144\d,\[4\]661.691\d,\[5\]653.78\d\d,\n/))
      #expect(outcome.output.contains(/\nFinal estimate: PPL = 653.78\d\d \+\/- 53.487\d\d\n$/))
      // An odd length, where the halves differ, and not all of the chunks.
      let json = try run(["perplexity", model, "-f", text, "-c", "101", "--chunks", "2", "--json"] + options)
      let result = try JSONDecoder().decode(Result.self, from: Data(json.output.utf8))
      #expect(result.chunks == 2 && result.tokens == 100 && result.kl_divergence == nil)
      #expect(zip(result.running, [752.5975, 606.7627]).allSatisfy { abs($0 - $1) < 0.001 }, "\(result.running)")
      #expect(result.perplexity.value == result.running.last)
    }
  }

  @Test func divergenceIsThatOfLlamaCpp() throws {
    try withText { folder, text in
      let base = folder + "/base.logits", other = Fixture(name: "q4_0").path
      let save = ["perplexity", model, "-f", text, "-c", "64", "-ctk", "f32", "--kl-divergence-base", base]
      #expect(try run(save).code == 0)
      let saved = try SavedLogits(path: base)
      #expect(saved.chunkCount == 5 && saved.chunkLength == 64 && saved.vocabularySize == 288)
      let compare = ["perplexity", other, "-ctk", "f32", "--kl-divergence-base", base, "--kl-divergence"]
      let outcome = try run(compare + ["--json"])
      let result = try JSONDecoder().decode(Result.self, from: Data(outcome.output.utf8))
      let divergence = try #require(result.kl_divergence)
      #expect(result.tokens == 155)
      expect(result.perplexity, 576.5818, 43.8507, within: 0.002)
      expect(divergence.base_perplexity, 653.7900, 53.4876, within: 0.002)
      #expect(abs(divergence.correlation - -0.1250) < 1e-4)
      expect(divergence.log_ratio, -0.125669, 0.118462, within: 5e-6)
      expect(divergence.ratio, 0.881907, 0.104472, within: 5e-6)
      expect(divergence.difference, -77.2083, 73.2829, within: 0.002)
      expect(divergence.mean, 1.036282, 0.007480, within: 5e-6)
      #expect(abs(divergence.maximum - 1.415674) < 5e-5 && abs(divergence.minimum - 0.835083) < 5e-5)
      let quantiles = ["0.999": 1.391327, "0.95": 1.194495, "0.5": 1.027333, "0.01": 0.861425]
      for (share, value) in quantiles {
        #expect(abs(divergence.quantiles[share, default: 0] - value) < 5e-5, "\(share)")
      }
      expect(divergence.probability_change, -0.00005, 0.00039, within: 6e-6)
      expect(divergence.root_mean_square_probability_change, 0.00478, 0.00065, within: 6e-6)
      #expect(abs(divergence.probability_change_quantiles["0.9", default: 0] - 0.00432) < 6e-6)
      expect(divergence.same_likeliest, 0, 0, within: 0)

      let table = try run(compare)
      #expect(table.code == 0 && table.output.contains("Mean KLD                      : 1.0362"))
      #expect(try run(["perplexity", model, "-ctk", "f32"] + compare.suffix(3)).output.contains("100.000 ± 0.000 %"))
    }
  }

  @Test func perplexityNamesWhatItCannotUse() throws {
    try withText { folder, text in
      let ask = ["perplexity", model]
      try expectFailure(1, ask + ["-f", folder + "/none.txt"], contains: "none.txt: cannot read the text")
      try expectFailure(1, ask + ["-f", text, "-c", "129"], contains: "129 tokens is longer than the model's 128")
      let short = folder + "/short.txt"
      try Data("A few words.".utf8).write(to: URL(fileURLWithPath: short))
      try expectFailure(1, ask + ["-f", short, "-c", "64"], contains: "fewer than one chunk of 64")
      try Data([0x41, 0xFF, 0xFE]).write(to: URL(fileURLWithPath: short))
      try expectFailure(1, ask + ["-f", short, "-c", "64"], contains: "short.txt is not UTF-8")
      try expectFailure(1, ["perplexity", text, "-f", text], contains: "not a GGUF file")

      let compare = ask + ["--kl-divergence", "--kl-divergence-base"]
      try expectFailure(1, compare + [folder + "/none.logits"], contains: "none.logits: cannot open")
      try expectFailure(1, compare + [text], contains: "not a file of saved logits")
      let base = folder + "/base.logits"
      let writer = try SavedLogitsWriter(
        path: base, chunkLength: 8, vocabularySize: 3, tokens: [0, 1, 2, 0, 1, 2, 0, 1])
      for _ in 0..<3 { try writer.append(logits: [0, 1, 2], logSum: 2.4076) }
      try writer.finish()
      try expectFailure(1, compare + [base], contains: "its vocabulary has 3 tokens")
      try expectFailure(1, compare + [base, "-c", "9"], contains: "its chunks have 8 tokens, not 9")
    }
  }

  @Test(
    arguments: [
      ([], "-f"), (["-f", "t", "-c", "7"], "-c 7"), (["-f", "t", "--chunks", "0"], "--chunks 0"),
      (["-f", "t", "--chunks", "-2"], "--chunks -2"), (["--kl-divergence"], "--kl-divergence-base"),
      (["--kl-divergence", "--kl-divergence-base", "b", "-f", "t"], "leave -f away"),
    ] as [([String], String)])
  func wrongUsageOfPerplexity(arguments: [String], part: String) throws {
    try expectFailure(64, ["perplexity"] + arguments, contains: part)
  }
}
