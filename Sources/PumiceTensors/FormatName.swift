/// The parts of a format's name, `g3:128:asym:f32`, taken one after the other.
final class FormatName {
  private var parts: ArraySlice<Substring>

  init(_ name: String) { parts = name.split(separator: ":", omittingEmptySubsequences: false)[...] }

  /// Whether nothing is left.
  var isEmpty: Bool { parts.isEmpty }

  /// The integer that follows `prefix` in the next part.
  func number(after prefix: String) -> Int? {
    guard let part = parts.first, part.hasPrefix(prefix), let number = Int(part.dropFirst(prefix.count)) else {
      return nil
    }
    parts.removeFirst()
    return number
  }

  /// The length of a group, nil for `row`.
  func group() -> (length: Int?, Void)? {
    if take("row") { return (nil, ()) }
    return number(after: "").map { ($0, ()) }
  }

  /// The format of numbers, if the next part is one.
  func number() -> NumberFormat? {
    guard let part = parts.first, let number = NumberFormat(rawValue: String(part)) else { return nil }
    parts.removeFirst()
    return number
  }

  /// Whether the next part is that word.
  func take(_ word: String) -> Bool {
    guard parts.first == Substring(word) else { return false }
    parts.removeFirst()
    return true
  }
}
