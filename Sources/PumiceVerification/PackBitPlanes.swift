public import PumiceKernels
public import PumiceOperators
public import PumiceReference
import PumiceTensors

extension PackBitPlanes: Verifiable {
  /// Every number of planes with every width, signed or not, and rows of less than a word to several for every thread.
  public static var problems: [PackBitPlanes] {
    let widths = [1, 3, 31, 32, 33, 63, 64, 65, 100, 127, 129, 257, 1024, 1152, 4100]
    return (1...8).flatMap { bits in
      widths.enumerated().map { index, width in
        PackBitPlanes(
          rows: [1, 3, 17][(index + bits) % 3], width: width,
          planes: (index + bits) % 2 == 0 ? .signed(bits) : .unsigned(bits))
      }
    } + [PackBitPlanes(rows: 5, width: 77, planes: .balanced)]
  }

  /// The bytes are random, whatever the kind of numbers.
  public static var dataKinds: [DataKind] { [.normal] }

  /// Any bytes, and in the first row all ones. Benchmarks, which are larger, have any bytes alone.
  public func special(_ argument: Argument, _ random: inout RandomSource) -> [UInt8]? {
    if argument.byteCount > 1 << 17 { return nil }
    return (0..<argument.byteCount).map {
      $0 < argument.byteCount / rows ? 0xff : UInt8(truncatingIfNeeded: random.next())
    }
  }
}
