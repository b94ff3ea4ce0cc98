public import PumiceKernels
public import PumiceOperators
public import PumiceReference
import PumiceTensors

extension RMSNorm: Verifiable {
  public static var problems: [RMSNorm] {
    let widths = [1, 31, 32, 33, 127, 128, 129, 257, 1024]
    let plain = [1, 3, 17].flatMap { rows in
      widths.flatMap { width in
        [false, true].map { RMSNorm(rows: rows, width: width, epsilon: width % 2 == 0 ? 1e-5 : 1e-6, addsResidual: $0) }
      }
    }
    let coded = (1...8).flatMap { bits in
      widths.enumerated().map { index, width in
        RMSNorm(
          rows: [1, 3, 17][(index + bits) % 3], width: width, epsilon: 1e-5, addsResidual: (index + bits) % 2 == 0,
          codeBits: bits)
      }
    }
    let perHead = [(6, 33, 3), (5, 64, 2)].map { RMSNorm(rows: $0, width: $1, epsilon: 1e-6, gains: $2) }
    return plain + coded + perHead
  }

  /// Steps with which the codes use their range, and sometimes leave it.
  public func special(_ argument: Argument, _ random: inout RandomSource) -> [UInt8]? {
    guard let codes, argument.name == "gain" else { return nil }
    let half = Double(-codes.lowerBound)
    return (0..<gains * width).flatMap { _ in littleEndian(Float(random.normal() * half / 2).bitPattern) }
  }
}
