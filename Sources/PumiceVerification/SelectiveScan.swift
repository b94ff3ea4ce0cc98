public import PumiceKernels
public import PumiceOperators
public import PumiceReference
import PumiceTensors

extension SelectiveScan: Verifiable {
  public static var problems: [SelectiveScan] {
    let mamba = [(1, 1, 1), (1, 65, 16), (17, 33, 16), (3, 64, 9)].map { tokens, channels, states in
      SelectiveScan(
        tokens: tokens, heads: channels, headSize: 1, groups: 1, stateSize: states, decayPerState: true,
        skip: channels != 33)
    }
    let mamba2 = [(1, 4, 16, 2, 32), (17, 6, 8, 3, 7), (5, 2, 33, 1, 64)].map { tokens, heads, size, groups, states in
      SelectiveScan(
        tokens: tokens, heads: heads, headSize: size, groups: groups, stateSize: states, decayPerState: false,
        skip: heads != 6)
    }
    return mamba + mamba2 + [
      SelectiveScan(tokens: 3, heads: 4, headSize: 5, groups: 2, stateSize: 8, decayPerState: true)
    ]
  }

  /// States that fade, at every pace, and steps on either side of 0.
  public func special(_ argument: Argument, _ random: inout RandomSource) -> [UInt8]? {
    switch argument.name {
    case "a":
      return (0..<argument.shape.count).flatMap { _ in
        littleEndian(Float(-DoubleMath.exponential(2 * random.normal())).bitPattern)
      }
    case "dt":
      return (0..<argument.shape.count).flatMap { _ in littleEndian(Float(random.normal() * 3 - 1).bitPattern) }
    default: return nil
    }
  }
}
