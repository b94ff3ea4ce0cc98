extension String {
  /// Where a text occurs, byte by byte; an empty one does at once.
  func range(ofExactly part: String, from start: Index) -> Range<Index>? {
    let bytes = utf8, wanted = Array(part.utf8)
    guard let first = wanted.first else { return start..<start }
    var index = start
    while let begin = bytes[index...].firstIndex(of: first) {
      var end = begin
      var matched = 0
      while matched < wanted.count, end < bytes.endIndex, bytes[end] == wanted[matched] {
        end = bytes.index(after: end)
        matched += 1
      }
      if matched == wanted.count { return begin..<end }
      if end == bytes.endIndex { return nil }
      index = bytes.index(after: begin)
    }
    return nil
  }

  /// The last place where a text occurs.
  func lastRange(ofExactly part: String) -> Range<Index>? {
    var found: Range<Index>?
    var index = startIndex
    while let range = range(ofExactly: part, from: index) {
      found = range
      guard range.lowerBound < endIndex else { break }
      index = utf8.index(after: range.lowerBound)
    }
    return found
  }

  /// The pieces between occurrences of a separator, at most `limit` cuts from the front.
  func pieces(between separator: String, limit: Int = .max) -> [String] {
    var pieces: [String] = []
    var index = startIndex
    while pieces.count < limit, let range = range(ofExactly: separator, from: index) {
      pieces.append(String(self[index..<range.lowerBound]))
      index = range.upperBound
    }
    return pieces + [String(self[index...])]
  }

  /// Without the scalars of a set at its ends.
  func stripped(_ isStripped: (Unicode.Scalar) -> Bool, left: Bool = true, right: Bool = true) -> String {
    var view = unicodeScalars[...]
    if left { view = view.drop(while: isStripped) }
    if right { while let last = view.last, isStripped(last) { view.removeLast() } }
    return String(String.UnicodeScalarView(view))
  }

  /// The first letter in capitals, the others small.
  var capitalizedOnce: String {
    guard let first = unicodeScalars.first else { return "" }
    return first.properties.titlecaseMapping + String(unicodeScalars.dropFirst()).lowercased()
  }
}

/// How Python writes values.
extension Renderer {
  /// What `str` gives.
  func text(of value: Value) throws -> String {
    switch value {
    case .undefined: ""
    case .string(let text): text
    default: try representation(of: value)
    }
  }

  /// What `repr` gives.
  func representation(of value: Value) throws -> String {
    try spend(1)
    switch value {
    case .undefined: return "Undefined"
    case .none: return "None"
    case .bool(let value): return value ? "True" : "False"
    case .integer(let value): return String(value)
    case .number(let value): return Self.text(of: value)
    case .string(let text): return quoted(text)
    case .list(let list):
      let elements = try list.elements.map { try representation(of: $0) }
      try spend(elements.reduce(0) { $0 + $1.utf8.count } / 16)
      if list.isTuple { return elements.count == 1 ? "(\(elements[0]),)" : "(\(elements.joined(separator: ", ")))" }
      return "[\(elements.joined(separator: ", "))]"
    case .dictionary(let dictionary):
      let pairs = try zip(dictionary.keys, dictionary.values).map {
        "\(try representation(of: $0)): \(try representation(of: $1))"
      }
      try spend(pairs.reduce(0) { $0 + $1.utf8.count } / 16)
      return "{\(pairs.joined(separator: ", "))}"
    case .object(let object): throw Fault.value("\(object.typeName) has no text")
    }
  }

  /// The shortest digits that give the number back, with an exponent below 10⁻⁴ and from 10¹⁶ on.
  static func text(of number: Double) -> String {
    if number.isNaN { return "nan" }
    if number.isInfinite { return number < 0 ? "-inf" : "inf" }
    let parts = number.magnitude.description.split(separator: "e")
    let mantissa = parts[0].split(separator: ".", omittingEmptySubsequences: false)
    let whole = mantissa[0], fraction = mantissa.count > 1 && mantissa[1] != "0" ? mantissa[1] : ""
    let all = String(whole + fraction)
    let leading = all.prefix { $0 == "0" }.count
    var digits = String(all.dropFirst(leading))
    // The number is 0.digits · 10^point.
    let point = whole.count + (parts.count > 1 ? Int(parts[1]) ?? 0 : 0) - leading
    while digits.last == "0" { digits.removeLast() }
    let sign = number.sign == .minus ? "-" : ""
    if digits.isEmpty { return sign + "0.0" }
    if point > 16 || point < -3 {
      let exponent = point - 1, size = String(exponent.magnitude)
      let rest = digits.dropFirst()
      return sign + digits.prefix(1) + (rest.isEmpty ? "" : "." + rest) + "e" + (exponent < 0 ? "-" : "+")
        + (size.count < 2 ? "0" : "") + size
    }
    if point <= 0 { return sign + "0." + String(repeating: "0", count: -point) + digits }
    if digits.count <= point { return sign + digits + String(repeating: "0", count: point - digits.count) + ".0" }
    return sign + digits.prefix(point) + "." + digits.dropFirst(point)
  }

  private func quoted(_ text: String) -> String {
    let scalars = text.unicodeScalars
    let quote: Unicode.Scalar = scalars.contains("'") && !scalars.contains("\"") ? "\"" : "'"
    var quoted = String.UnicodeScalarView([quote])
    for scalar in scalars {
      switch scalar {
      case "\n": quoted.append(contentsOf: "\\n".unicodeScalars)
      case "\r": quoted.append(contentsOf: "\\r".unicodeScalars)
      case "\t": quoted.append(contentsOf: "\\t".unicodeScalars)
      case "\\", quote:
        quoted.append("\\")
        quoted.append(scalar)
      case " "..."~": quoted.append(scalar)
      default:
        if scalar.isPrintable {
          quoted.append(scalar)
        } else {
          let (letter, width) = scalar.value < 0x100 ? ("x", 2) : scalar.value < 0x10000 ? ("u", 4) : ("U", 8)
          let digits = String(scalar.value, radix: 16)
          quoted.append(
            contentsOf: ("\\" + letter + String(repeating: "0", count: width - digits.count) + digits).unicodeScalars)
        }
      }
    }
    quoted.append(quote)
    return String(quoted)
  }
}

extension Unicode.Scalar {
  /// What Python's `str.isprintable` holds for printable.
  fileprivate var isPrintable: Bool {
    switch properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator, .spaceSeparator:
      false
    default: true
    }
  }
}
