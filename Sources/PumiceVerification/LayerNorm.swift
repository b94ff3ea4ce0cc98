public import PumiceKernels
public import PumiceOperators
public import PumiceReference
import PumiceTensors

extension LayerNorm: Verifiable {
  public static var problems: [LayerNorm] {
    let widths = [1, 31, 32, 33, 127, 128, 129, 257, 1024]
    return widths.indices.flatMap { index in
      (0..<2).map { turn in
        let switches = index * 3 + turn * 5
        return LayerNorm(
          rows: [1, 3, 17][(index + turn) % 3], width: widths[index], epsilon: turn == 0 ? 1e-5 : 1e-6,
          gain: switches & 1 == 0, bias: switches & 2 == 0, addsResidual: switches & 4 == 0)
      }
    } + [
      LayerNorm(rows: 2, width: 64, epsilon: 1e-5, gain: false, bias: false),
      LayerNorm(rows: 2, width: 64, epsilon: 1e-5, gain: true, bias: false, addsResidual: true),
      LayerNorm(rows: 2, width: 64, epsilon: 1e-5, gain: false, bias: true),
      LayerNorm(rows: 6, width: 33, epsilon: 1e-5, gains: 3),
    ]
  }

  /// Rows far from 0, whose variance a difference of sums would lose.
  public func special(_ argument: Argument, _ random: inout RandomSource) -> [UInt8]? {
    guard argument.name == "x", rows == 17 else { return nil }
    return (0..<rows * width).flatMap { i in
      littleEndian(Float(random.normal() + (i / width % 2 == 0 ? 300 : 0)).bitPattern)
    }
  }
}
