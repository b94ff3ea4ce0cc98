public import PumiceKernels
public import PumiceOperators
public import PumiceReference
import PumiceTensors

extension Activation: Verifiable {
  public static var problems: [Activation] {
    [1, 2, 63, 64, 65, 257, 1031, 40_000].map { Activation(.silu, count: $0, gated: true) }
      + Function.allCases.flatMap { function in
        [Activation(function, count: 1031, gated: false), Activation(function, count: 65, gated: true)]
      }
      + [
        Activation(.geluQuick, count: 257, gated: true, limit: 1.5, addsOne: true),
        Activation(.silu, count: 257, gated: true, limit: 0.5),
        Activation(.relu, count: 65, gated: true, addsOne: true),
      ]
  }

  /// Every size of number, where functions have their branches, and where exponentials overflow.
  public func special(_ argument: Argument, _ random: inout RandomSource) -> [UInt8]? {
    guard argument.name == "x" else { return nil }
    let edges: [Float] = [0, -0.0, 0.625, -0.625, 87.5, -87.5, 89, -89, 200, -200, 1e5, -1e5, 14.2, -14.2, -13, 1e-30]
    return (0..<count).flatMap { i -> [UInt8] in
      let value = i < edges.count ? edges[i] : Float(random.normal() * DoubleMath.exponential(3 * random.normal()))
      return littleEndian(value.bitPattern)
    }
  }
}
