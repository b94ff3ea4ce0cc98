public import PumiceKernels
public import PumiceOperators
public import PumiceReference
import PumiceTensors

extension ArgMax: Verifiable {
  public static var problems: [ArgMax] {
    [1, 3, 17].flatMap { rows in [1, 2, 31, 32, 33, 127, 128, 129, 257, 1031].map { ArgMax(rows: rows, width: $0) } }
  }

  /// Ties, NaN and rows without any number.
  public func special(_ argument: Argument, _ random: inout RandomSource) -> [UInt8]? {
    guard rows > 3 else { return nil }
    return (0..<rows * width).flatMap { i -> [UInt8] in
      let value: Float =
        switch i / width {
        case 0: .nan
        case 1: -.infinity
        case 2: i % 3 == 0 ? .nan : Float(random.below(4))
        case 3: Float(i % width)
        default: Float(random.below(8))
        }
      return littleEndian(value.bitPattern)
    }
  }
}
