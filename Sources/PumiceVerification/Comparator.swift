import PumiceOperators
import PumiceReference
import PumiceTensors

/// What a comparison found.
public struct Comparison: Sendable {
  /// The largest error as a share of its bound; 0 if every element is exact.
  public var worstShare = 0.0
  public var compared = 0
  public var failure: Failure?

  /// The first element that is wrong.
  public struct Failure: Sendable, CustomStringConvertible {
    public let output: String
    public let element: Int
    public let reason: String

    public var description: String { "\(output)[\(element)] \(reason)" }
  }

  /// Compares what a device wrote with what the reference allows.
  ///
  /// The test is `!(error <= bound)`, so that NaN fails; an infinity must be met by the same infinity.
  mutating func compare(_ found: [Double], with expected: Evaluated, output: String, elements: ElementSelection) {
    for i in expected.values.indices where elements.contains(i) {
      compared += 1
      let error = abs(found[i] - expected.values[i])
      if expected.values[i] == found[i] { continue }
      if !(error <= expected.bounds[i]) {
        if failure == nil {
          failure = Failure(
            output: output, element: i,
            reason: "is \(found[i]), expected \(expected.values[i]) ± \(expected.bounds[i])")
        }
        worstShare = .infinity
      } else {
        worstShare = max(worstShare, error / expected.bounds[i])
      }
    }
  }

  /// Compares the bytes that a device left with every encoding that is right, and with what was there `before`.
  mutating func compare(_ found: [UInt8], before: [UInt8], with rows: EncodedRows, output: String) {
    compared += rows.numbers.count * rows.shape.rowLength
    let (share, fault) = rows.judge(found, before: before)
    worstShare = max(worstShare, share)
    if let fault, failure == nil {
      failure = Failure(output: output, element: fault.element, reason: fault.reason)
    }
  }

  /// Compares an argument's bytes after the operator with what the reference allows.
  mutating func compare(
    _ argument: Argument, _ found: [UInt8], before: [UInt8]?, with expected: Evaluated, elements: ElementSelection
  ) {
    if let rows = expected.encoded, let before {
      compare(found, before: before, with: rows, output: argument.name)
    } else {
      let values = argument.format.decode(found, argument.shape)
      compare(values, with: expected, output: argument.name, elements: elements)
    }
  }
}
