public import PumiceKernels
public import PumiceOperators
public import PumiceReference
import PumiceTensors

extension ExpertRouting: Verifiable {
  public static var problems: [ExpertRouting] {
    let plain = Scoring.allCases.enumerated().flatMap { index, scoring in
      [(1, 1, 1), (3, 8, 2), (2, 33, 33), (17, 64, 6), (2, 129, 8), (1, 512, 10)].map { tokens, experts, chosen in
        ExpertRouting(
          tokens: tokens, experts: experts, chosen: chosen, scoring: scoring,
          normalizes: (experts + index) % 2 == 0, scale: experts == 64 ? 2.5 : 1)
      }
    }
    let byScore = [Scoring.softmax, .sigmoid].flatMap { scoring in
      [
        ExpertRouting(tokens: 3, experts: 33, chosen: 4, scoring: scoring, bias: true, normalizes: true),
        ExpertRouting(
          tokens: 5, experts: 64, chosen: 6, scoring: scoring, groups: Groups(count: 8, chosen: 3), bias: true,
          normalizes: scoring == .sigmoid, scale: 2.5),
        ExpertRouting(tokens: 3, experts: 12, chosen: 6, scoring: scoring, groups: Groups(count: 3, chosen: 2)),
        ExpertRouting(tokens: 2, experts: 80, chosen: 5, scoring: scoring, groups: Groups(count: 20, chosen: 4)),
      ]
    }
    return plain + byScore
  }

  /// Subnormal logits may all be zero to a device, and then the order is not that of the numbers.
  public static var dataKinds: [DataKind] { DataKind.allCases.filter { $0 != .denormals } }

  /// Where the choice is by score: scores that no rounding can bring out of their order.
  public func special(_ argument: Argument, _ random: inout RandomSource) -> [UInt8]? {
    guard !choosesByLogits else { return nil }
    if argument.name == "bias" { return biases.flatMap { littleEndian($0.bitPattern) } }
    return (0..<tokens).flatMap { _ in
      var row: [Float]
      repeat { row = (0..<experts).map { _ in Float(2 * random.normal()) } } while !isClear(row)
      return row.flatMap { littleEndian($0.bitPattern) }
    }
  }

  /// Biases of which several would change the choice.
  private var biases: [Float] { (0..<experts).map { Float(($0 * 7 + 3) % 11) / 32 } }

  /// Whether the scores that decide are apart.
  private func isClear(_ row: [Float]) -> Bool {
    let scores = scores(row.map(Double.init), .f32).map(\.value)
    let keys = scores.indices.map { scores[$0] + (bias ? Double(biases[$0]) : 0) }
    func apart(_ values: [Double], count: Int) -> Bool {
      let sorted = values.sorted(by: >).prefix(count + 1)
      return zip(sorted, sorted.dropFirst()).allSatisfy { $0 - $1 > 1e-5 }
    }
    return apart(allowed(keys).map { keys[$0] }, count: chosen)
      && (groups.map { apart(groupScores(keys), count: $0.chosen) } ?? true)
  }
}
