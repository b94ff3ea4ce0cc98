import PumiceOperators
import PumiceReference
import PumiceTensors

/// What a comparison found.
public struct Comparison: Sendable {
  /// The largest error as a share of its bound; 0 if every element is exact.
  public var worstShare = 0.0
  public var compared = 0
  public var failure: Failure?

  /// The first element that breaks its bound.
  public struct Failure: Sendable, CustomStringConvertible {
    public let output: String
    public let element: Int
    public let expected: Double
    public let found: Double
    public let bound: Double

    public var description: String {
      "\(output)[\(element)] is \(found), expected \(expected) ± \(bound)"
    }
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
            output: output, element: i, expected: expected.values[i], found: found[i], bound: expected.bounds[i])
        }
        worstShare = .infinity
      } else {
        worstShare = max(worstShare, error / expected.bounds[i])
      }
    }
  }
}
