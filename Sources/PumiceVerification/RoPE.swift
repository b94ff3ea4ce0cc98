public import PumiceKernels
public import PumiceOperators
public import PumiceReference
import PumiceTensors

extension RoPE: Verifiable {
  public static var problems: [RoPE] {
    Pairing.allCases.flatMap { pairing in
      [(1, 1, 2, 2), (1, 8, 32, 32), (3, 5, 64, 64), (17, 2, 80, 40), (5, 3, 128, 96), (2, 1, 256, 256)].map {
        RoPE(tokens: $0, heads: $1, headSize: $2, rotaryDimensions: $3, pairing: pairing)
      } + [
        RoPE(tokens: 3, heads: 2, headSize: 48, rotaryDimensions: 16, pairing: pairing, offset: 32),
        RoPE(
          tokens: 5, heads: 3, headSize: 40, rotaryDimensions: 24, pairing: pairing, offset: 7, magnitude: 1.25),
      ]
    }
  }

  public func special(_ argument: Argument, _ random: inout RandomSource) -> [UInt8]? {
    switch argument.name {
    case "positions":
      let edges: [Int32] = [1, 0, -1, .max, 131_071]
      return integers((0..<tokens).map { $0 < edges.count ? edges[$0] : Int32(random.below(1 << 20)) })
    case "frequencies":
      let base = random.below(2) == 0 ? 10_000.0 : 500_000.0
      let factors = random.below(2) == 0 ? nil : (0..<rotaryDimensions / 2).map { _ in Float(1 + 7 * random.uniform()) }
      return integers(Self.frequencies(rotaryDimensions: rotaryDimensions, base: base, factors: factors))
    default: return nil
    }
  }
}
