public import PumiceOperators

/// What an operator computes: the formula, in `Double`, with naive loops and no GPU code; the oracle of verification.
public protocol Definition: Operator {
  /// The outputs, each element with the error bound that a kernel with this rounding model must keep.
  ///
  /// - Parameters:
  ///   - inputs: the stored operands, decoded exactly, by argument name; `inout` arguments as they were before.
  ///   - rounding: where the accused rounds.
  ///   - elements: which output elements are wanted; a definition may compute more.
  /// - Returns: every output and `inout` argument, by name.
  func evaluate(_ inputs: [String: [Double]], rounding: RoundingModel, elements: ElementSelection) -> [String:
    Evaluated]
}

extension Definition {
  /// The plain values of all outputs.
  public func evaluate(_ inputs: [String: [Double]]) -> [String: [Double]] {
    evaluate(inputs, rounding: .f32, elements: .all).mapValues(\.values)
  }
}

/// Which elements of the outputs to compute: all, or some by index (for problems too large for naive loops).
public enum ElementSelection: Hashable, Sendable {
  case all
  case only(Set<Int>)

  @inlinable
  public func contains(_ index: Int) -> Bool {
    switch self {
    case .all: true
    case .only(let set): set.contains(index)
    }
  }
}

/// One output: a value and an error bound per element; NaN values where the element was not selected.
public struct Evaluated: Sendable {
  public var values: [Double]
  public var bounds: [Double]
  /// Where the output is stored in codes: what is right, instead of the bounds.
  public var encoded: EncodedRows?

  /// `count` elements that nobody has computed yet.
  public init(count: Int) {
    values = Array(repeating: .nan, count: count)
    bounds = Array(repeating: 0, count: count)
  }

  /// An exact output: no error is allowed.
  public init(exact values: [Double]) {
    self.values = values
    bounds = Array(repeating: 0, count: values.count)
  }
}
