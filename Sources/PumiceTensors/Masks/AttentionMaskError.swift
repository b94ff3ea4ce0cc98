/// What is wrong with a mask: the kind of mask, the number of it, and why.
public enum AttentionMaskError: Error, Hashable, Sendable, CustomStringConvertible {
  /// It lists something for each query head, and not for as many as there are.
  case headCount(mask: String, lists: Int, heads: Int)
  /// A number lies outside of what it may be.
  case number(mask: String, name: String, value: Int, allowed: ClosedRange<Int>)
  /// An entry of a list lies outside of what it may be.
  case entry(mask: String, list: String, index: Int, value: Int, allowed: ClosedRange<Int>)
  /// A list does not ascend.
  case unsorted(mask: String, list: String, index: Int, value: Int, previous: Int)
  /// A list has the wrong number of entries.
  case count(mask: String, list: String, count: Int, expected: String)
  /// A number that must be finite, and more than zero where it says so.
  case value(mask: String, name: String, value: Float)
  /// β is no share of the length.
  case share(mask: String, head: Int, value: Double)
  /// A rule is about a layer or a head that the model does not have.
  case layer(Int, layers: Int)
  case head(Int, heads: Int)
  /// A function has no name that can be written, or no text.
  case function(name: String, reason: String)

  public var description: String {
    switch self {
    case .headCount(let mask, let lists, let heads): "\(mask) is given for \(lists) heads, and there are \(heads)"
    case .number(let mask, let name, let value, let allowed):
      "\(mask): \(name) is \(value); it must lie in \(allowed.lowerBound)…\(allowed.upperBound)"
    case .entry(let mask, let list, let index, let value, let allowed):
      "\(mask): \(list)[\(index)] is \(value); it must lie in \(allowed.lowerBound)…\(allowed.upperBound)"
    case .unsorted(let mask, let list, let index, let value, let previous):
      "\(mask): \(list)[\(index)] is \(value), not more than \(previous) before it; the list must ascend"
    case .count(let mask, let list, let count, let expected):
      "\(mask): \(list) has \(count) entries; \(expected)"
    case .value(let mask, let name, let value): "\(mask): \(name) is \(value)"
    case .share(let mask, let head, let value): "\(mask): β of head \(head) is \(value); it must lie in 0…1"
    case .layer(let layer, let layers): "there is no layer \(layer); the model has \(layers)"
    case .head(let head, let heads): "there is no head \(head); the model has \(heads)"
    case .function(let name, let reason): "the function “\(name)” \(reason)"
    }
  }
}
