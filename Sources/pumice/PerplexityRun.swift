import Foundation
import PumiceModelFiles
import PumiceModels

/// One measurement of `pumice perplexity`, and how it is told.
struct PerplexityRun {
  let loaded: LoadedModel
  let modelPath: String
  let text: ChunkedText
  let printsJSON: Bool

  private struct Result: Encodable {
    var model: String
    var device: String
    var driver: String?
    var chunkLength: Int
    var chunks: Int
    var tokens: Int
    var perplexity: Estimate
    /// The perplexity after each chunk.
    var running: [Double]
    var seconds: Double
    var klDivergence: Comparison?
  }

  private struct Comparison: Encodable {
    var base: String
    var basePerplexity: Estimate
    var correlation: Double
    var logRatio: Estimate
    var ratio: Estimate
    var difference: Estimate
    var mean: Estimate
    var maximum: Double
    var minimum: Double
    /// By share of the predictions: "0.999".
    var quantiles: [String: Double]
    var probabilityChange: Estimate
    var rootMeanSquareProbabilityChange: Estimate
    var probabilityChangeQuantiles: [String: Double]
    var sameLikeliest: Estimate
  }

  /// Measures the perplexity, prints it after every chunk, and saves the predictions if `path` says where.
  func measure(saving path: String?) throws {
    let writer = try path.map {
      try SavedLogitsWriter(
        path: $0, chunkLength: text.chunkLength, vocabularySize: loaded.session.configuration.vocabularySize,
        tokens: text.tokens)
    }
    var perplexity = Perplexity()
    let (running, seconds) = try forEachChunk { chunk in
      try loaded.session.predict(text, chunk: chunk) { _, prediction, next in
        perplexity.add(logProbability: prediction.logProbability(of: next))
        try writer?.append(logits: prediction.logits, logSum: prediction.logSum)
      }
      let value = perplexity.estimate.value
      if !printsJSON { write("[\(chunk + 1)]\(fixed(value, 4)),") }
      return value
    }
    try writer?.finish()
    let estimate = perplexity.estimate
    if printsJSON {
      try printCompactJSON(result(perplexity.count, estimate, running, seconds))
    } else {
      write("\nFinal estimate: PPL = \(fixed(estimate.value, 4)) +/- \(fixed(estimate.uncertainty, 5))\n")
    }
  }

  /// Measures the divergence from the base, and prints it after every chunk.
  func compare(with saved: SavedLogits) throws {
    var divergence = KLDivergence()
    if !printsJSON {
      let titles = ["PPL", "ln(PPL(Q)/PPL(base))", "KL divergence", "Δp RMS", "Same top p"]
      write("chunk" + titles.map { padded($0, 23, right: true) }.joined() + "\n")
    }
    let (running, seconds) = try forEachChunk { chunk in
      try loaded.session.predict(text, chunk: chunk) { row, prediction, next in
        divergence.add(prediction, base: try saved.prediction(chunk: chunk, row: row), next: next)
      }
      if !printsJSON {
        let cells = [
          told(divergence.perplexity, 4), told(divergence.logRatio, 5), told(divergence.mean, 5),
          told(percent: divergence.rootMeanSquareProbabilityChange), told(percent: divergence.sameLikeliest),
        ]
        write(padded("\(chunk + 1)", 5, right: true) + cells.map { padded($0, 23, right: true) }.joined() + "\n")
      }
      return divergence.perplexity.value
    }
    if printsJSON {
      var result = result(divergence.count, divergence.perplexity, running, seconds)
      result.klDivergence = comparison(divergence, saved)
      try printCompactJSON(result)
    } else {
      report(divergence)
    }
  }

  /// Runs `body` for every chunk; its values, and the time that it all took.
  private func forEachChunk(_ body: (Int) throws -> Double) throws -> ([Double], Double) {
    let start = ContinuousClock.now
    var values: [Double] = []
    for chunk in 0..<text.chunkCount {
      values.append(try body(chunk))
      if chunk == 0 {
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        note("\(fixed(seconds, 2)) s per chunk, \(fixed(seconds * Double(text.chunkCount) / 60, 1)) min in all")
      }
    }
    return (values, (ContinuousClock.now - start) / .seconds(1))
  }

  private func result(_ tokens: Int, _ perplexity: Estimate, _ running: [Double], _ seconds: Double) -> Result {
    Result(
      model: modelPath, device: loaded.device, driver: loaded.driver, chunkLength: text.chunkLength,
      chunks: text.chunkCount, tokens: tokens, perplexity: perplexity, running: running, seconds: seconds)
  }

  private static let divergenceShares = [0.999, 0.99, 0.95, 0.9, 0.5, 0.1, 0.05, 0.01, 0.001]
  private static let changeShares = [0.999, 0.99, 0.95, 0.9, 0.75, 0.5, 0.25, 0.1, 0.05, 0.01, 0.001]

  private func comparison(_ divergence: KLDivergence, _ saved: SavedLogits) -> Comparison {
    func table(_ quantiles: Quantiles, _ shares: [Double]) -> [String: Double] {
      Dictionary(uniqueKeysWithValues: shares.map { ("\($0)", quantiles[$0]) })
    }
    let quantiles = Quantiles(divergence.divergences)
    return Comparison(
      base: saved.path, basePerplexity: divergence.basePerplexity, correlation: divergence.correlation,
      logRatio: divergence.logRatio, ratio: divergence.ratio, difference: divergence.difference, mean: divergence.mean,
      maximum: quantiles[1], minimum: quantiles[0], quantiles: table(quantiles, Self.divergenceShares),
      probabilityChange: divergence.meanProbabilityChange,
      rootMeanSquareProbabilityChange: divergence.rootMeanSquareProbabilityChange,
      probabilityChangeQuantiles: table(Quantiles(divergence.probabilityChanges), Self.changeShares),
      sameLikeliest: divergence.sameLikeliest)
  }

  private func report(_ d: KLDivergence) {
    func line(_ title: String, _ value: String) { write("\(padded(title, 30)): \(value)\n") }
    func section(_ title: String) { write("\n====== \(title) ======\n") }
    func name(_ share: Double) -> String { share == 0.5 ? "Median" : "\(fixed(share * 100, 1)) %" }

    section("Perplexity statistics")
    line("Mean PPL(Q)", told(d.perplexity, 6))
    line("Mean PPL(base)", told(d.basePerplexity, 6))
    line("Cor(ln(PPL(Q)), ln(PPL(base)))", "\(fixed(d.correlation * 100, 2)) %")
    line("Mean ln(PPL(Q)/PPL(base))", told(d.logRatio, 6))
    line("Mean PPL(Q)/PPL(base)", told(d.ratio, 6))
    line("Mean PPL(Q)-PPL(base)", told(d.difference, 6))

    section("KL divergence statistics")
    let quantiles = Quantiles(d.divergences)
    line("Mean KLD", told(d.mean, 6))
    line("Maximum KLD", fixed(quantiles[1], 6))
    for share in Self.divergenceShares { line("\(name(share)) KLD", fixed(quantiles[share], 6)) }
    line("Minimum KLD", fixed(quantiles[0], 6))

    section("Token probability statistics")
    let changes = Quantiles(d.probabilityChanges)
    line("Mean Δp", told(percent: d.meanProbabilityChange))
    line("Maximum Δp", "\(fixed(changes[1] * 100, 3)) %")
    for share in Self.changeShares { line("\(name(share)) Δp", "\(fixed(changes[share] * 100, 3)) %") }
    line("Minimum Δp", "\(fixed(changes[0] * 100, 3)) %")
    line("RMS Δp", told(percent: d.rootMeanSquareProbabilityChange))
    line("Same top p", told(percent: d.sameLikeliest))
  }

  private func told(_ estimate: Estimate, _ digits: Int) -> String {
    "\(fixed(estimate.value, digits)) ± \(fixed(estimate.uncertainty, digits))"
  }

  private func told(percent estimate: Estimate) -> String {
    "\(fixed(estimate.value * 100, 3)) ± \(fixed(estimate.uncertainty * 100, 3)) %"
  }

  /// Text as it is, at once: chunks take long.
  private func write(_ text: String) { FileHandle.standardOutput.write(Data(text.utf8)) }
}
