public import PumiceKernels
public import PumiceOperators
public import PumiceReference
import PumiceTensors

extension GatedDeltaNet: Verifiable {
  /// Few tokens: the bound grows with each of them.
  public static var problems: [GatedDeltaNet] {
    [
      GatedDeltaNet(tokens: 1, heads: 1, headSize: 1, keyHeads: 1, keySize: 1),
      GatedDeltaNet(tokens: 1, heads: 4, headSize: 16, keyHeads: 2, keySize: 32),
      GatedDeltaNet(tokens: 5, heads: 6, headSize: 8, keyHeads: 3, keySize: 7, tilesKeys: true),
      GatedDeltaNet(tokens: 3, heads: 2, headSize: 33, keyHeads: 1, keySize: 64),
      GatedDeltaNet(tokens: 4, heads: 6, headSize: 4, keyHeads: 2, keySize: 9),
      GatedDeltaNet(tokens: 2, heads: 1, headSize: 65, keyHeads: 1, keySize: 16, decayPerKey: true),
      GatedDeltaNet(tokens: 4, heads: 4, headSize: 8, keyHeads: 2, keySize: 9, decayPerKey: true, tilesKeys: true),
      GatedDeltaNet(tokens: 3, heads: 4, headSize: 5, keyHeads: 2, keySize: 70, decayPerKey: true),
    ]
  }

  /// Keys of length 1, states that fade, at every pace, and steps on either side of 0.
  public func special(_ argument: Argument, _ random: inout RandomSource) -> [UInt8]? {
    switch argument.name {
    case "k":
      return (0..<argument.shape.rows).flatMap { _ in
        let row = (0..<keySize).map { _ in random.normal() }
        let length = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return row.flatMap { littleEndian(Float($0 / max(length, 1e-3)).bitPattern) }
      }
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
