public import PumiceKernels
public import PumiceOperators
public import PumiceReference
import PumiceTensors

extension Softmax: Verifiable {
  public static var problems: [Softmax] {
    [1, 3, 17].flatMap { rows in
      [1, 31, 32, 33, 127, 128, 129, 257, 1031].map { Softmax(rows: rows, width: $0, scale: $0 % 2 == 0 ? 1 : 1.25) }
    }
  }

  /// With several rows, one is masked altogether and one has a single number.
  public func special(_ argument: Argument, _ random: inout RandomSource) -> [UInt8]? {
    guard rows > 1 else { return nil }
    let hot = random.below(width)
    return (0..<rows * width).flatMap { i -> [UInt8] in
      let (row, column) = (i / width, i % width)
      let masked = row == 0 || row == 1 && column != hot
      return littleEndian((masked ? -Float.infinity : Float(random.normal() * 10)).bitPattern)
    }
  }
}
