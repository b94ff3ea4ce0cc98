public import PumiceKernels
public import PumiceOperators
public import PumiceReference
import PumiceTensors

extension Pooling: Verifiable {
  public static var problems: [Pooling] {
    let sizes = [(1, 1, 1), (3, 5, 31), (2, 17, 33), (5, 4, 128), (4, 3, 129), (3, 8, 384), (2, 2, 1031)]
    return sizes.enumerated().flatMap { index, size in
      Method.allCases.enumerated().map { turn, method in
        Pooling(
          method, sequences: size.0, tokens: size.1, width: size.2, normalizes: (index + turn) % 2 == 0)
      }
    } + Method.allCases.map { Pooling($0, sequences: 6, tokens: 9, width: 65, normalizes: true) }
  }

  /// Lengths: the longest, the shortest, and where there is room none, and more than there are. Of six sequences those with
  /// odd numbers are too short to be made as long as 1.
  public func special(_ argument: Argument, _ random: inout RandomSource) -> [UInt8]? {
    if argument.name == "lengths" { return integers(lengths.map(Int32.init)) }
    guard argument.name == "x", sequences == 6 else { return nil }
    let small = 0.5 * Double(Self.leastNorm) / Double(width).squareRoot()
    return (0..<argument.shape.count).flatMap { i in
      littleEndian(Float(random.normal() * (i / (tokens * width) % 2 == 0 ? 1 : small)).bitPattern)
    }
  }

  private var lengths: [Int] {
    (0..<sequences).map { s in
      switch s {
      case 0: tokens
      case 3: 0
      case 5: tokens + 1
      default: 1 + (s * 7) % tokens
      }
    }
  }

  /// Padding, and where one token is taken all others.
  public func unused(_ argument: Argument) -> [Range<Int>] {
    guard argument.name == "x" else { return [] }
    let bytes = 4 * width
    return lengths.enumerated().flatMap { s, length -> [Range<Int>] in
      let used = min(length, tokens), first = s * tokens, end = first + tokens
      let taken: Range<Int> =
        switch method {
        case .mean: 0..<used
        case .first: 0..<min(1, used)
        case .last: max(0, used - 1)..<used
        }
      return [first..<first + taken.lowerBound, first + taken.upperBound..<end].filter { !$0.isEmpty }
        .map { $0.lowerBound * bytes..<$0.upperBound * bytes }
    }
  }
}
