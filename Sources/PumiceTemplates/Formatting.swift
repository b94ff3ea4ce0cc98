import Foundation

/// Python's two ways of putting values into texts.
extension Renderer {
  /// `"%s is %d" % (a, b)`
  func formatted(_ format: String, with value: Value) throws -> Value {
    var values = [value][...]
    if case .list(let list) = value, list.isTuple { values = list.elements[...] }
    var text = String.UnicodeScalarView()
    var rest = format.unicodeScalars[...]
    while let scalar = rest.popFirst() {
      guard scalar == "%" else {
        text.append(scalar)
        continue
      }
      var options = String.UnicodeScalarView()
      while let next = rest.first, next.isDigit || "+-#. ".unicodeScalars.contains(next) {
        options.append(next)
        rest.removeFirst()
      }
      guard let kind = rest.popFirst() else { throw Fault.value("the format ends in “%”") }
      if kind == "%" {
        text.append("%")
        continue
      }
      guard let value = values.popFirst() else { throw Fault.value("there are not enough values for the format") }
      text.append(contentsOf: try formatted(value, as: kind, String(options)).unicodeScalars)
    }
    guard values.isEmpty else { throw Fault.value("there are more values than the format takes") }
    return try string(String(text))
  }

  private func formatted(_ value: Value, as kind: Unicode.Scalar, _ options: String) throws -> String {
    let digits = options.split { !$0.isASCII || !$0.isNumber }
    guard digits.allSatisfy({ $0.count <= 3 }) else { throw Fault(.limit, "“%\(options)” is too wide") }
    let width = options.prefix { $0 != "." }.drop { !("1"..."9").contains($0) }
    let precision = options.firstIndex(of: ".").flatMap { Int(options[options.index(after: $0)...]) }
    var text: String
    switch kind {
    case "s": text = try self.text(of: value)
    case "r": text = try representation(of: value)
    case "d", "i", "u", "x", "X", "o":
      guard let number = value.wholeNumber ?? value.numeric.flatMap({ Int(exactly: $0.rounded(.towardZero)) }) else {
        throw Fault.value("“%\(kind)” takes a number, not \(value.typeName)")
      }
      let radix = kind == "o" ? 8 : kind == "x" || kind == "X" ? 16 : 10
      text = String(number, radix: radix, uppercase: kind == "X")
      if options.hasPrefix("+"), number >= 0 { text = "+" + text }
    case "f", "F", "e", "E", "g", "G":
      guard let number = value.numeric else {
        throw Fault.value("“%\(kind)” takes a number, not \(value.typeName)")
      }
      text = String(format: "%.\(precision ?? 6)\(kind)", number)
      if options.hasPrefix("+"), number >= 0 { text = "+" + text }
    default: throw Fault(.unsupported, "there is no format “%\(kind)”")
    }
    if let precision, kind == "s" { text = String(String.UnicodeScalarView(text.unicodeScalars.prefix(precision))) }
    let missing = (Int(width.prefix { $0.isNumber }) ?? 0) - text.unicodeScalars.count
    guard missing > 0 else { return text }
    if options.contains("-") { return text + String(repeating: " ", count: missing) }
    let hasZeros = options.drop { "+# ".contains($0) }.hasPrefix("0") && kind != "s"
    let sign = hasZeros && (text.hasPrefix("-") || text.hasPrefix("+")) ? 1 : 0
    return text.prefix(sign) + String(repeating: hasZeros ? "0" : " ", count: missing) + text.dropFirst(sign)
  }

  /// `"{} is {name}".format(a, name=b)`: places are numbers or names, without attributes and formats.
  func braceFormatted(_ format: String, _ arguments: Arguments) throws -> Value {
    var text = String.UnicodeScalarView()
    var rest = format.unicodeScalars[...]
    var next = 0
    while let scalar = rest.popFirst() {
      guard scalar == "{" || scalar == "}" else {
        text.append(scalar)
        continue
      }
      if rest.first == scalar {
        text.append(scalar)
        rest.removeFirst()
        continue
      }
      guard scalar == "{", let end = rest.firstIndex(of: "}") else {
        throw Fault.value("the format has a single “\(scalar)”")
      }
      let name = String(String.UnicodeScalarView(rest[..<end]))
      rest = rest[rest.index(after: end)...]
      let value: Value?
      if name.isEmpty || name.allSatisfy(\.isNumber) {
        let index = name.isEmpty ? next : Int(name) ?? .max
        next += 1
        value = arguments.positional.indices.contains(index) ? arguments.positional[index] : nil
      } else {
        value = arguments.named.last { $0.name == name }?.value
      }
      guard let value else { throw Fault.value("the format has no value for “{\(name)}”") }
      text.append(contentsOf: try self.text(of: value).unicodeScalars)
      try spend(text.count / 64)
    }
    return try string(String(text))
  }
}
