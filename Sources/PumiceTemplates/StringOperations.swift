/// What the methods of strings and the filters of the same names do.
extension Renderer {
  func split(_ text: String, _ separator: String?, limit: Int) throws -> Value {
    try spend(text.utf8.count / 4)
    guard let separator else { return try list(Self.words(of: text, limit: limit).map { .string($0) }) }
    guard !separator.isEmpty else { throw Fault.value("the separator is empty") }
    return try list(text.pieces(between: separator, limit: limit).map { .string($0) })
  }

  /// The words between white space; after `limit` cuts the rest is one.
  static func words(of text: String, limit: Int = .max) -> [String] {
    var words: [String] = []
    var rest = text.unicodeScalars.drop(while: \.isPythonSpace)
    while !rest.isEmpty {
      if words.count == limit {
        words.append(String(String.UnicodeScalarView(rest)))
        break
      }
      let end = rest.firstIndex(where: \.isPythonSpace) ?? rest.endIndex
      words.append(String(String.UnicodeScalarView(rest[..<end])))
      rest = rest[end...].drop(while: \.isPythonSpace)
    }
    return words
  }

  static func lines(of text: String, keepsEnds: Bool) -> [String] {
    let ends: Set<Unicode.Scalar> = [
      "\n", "\r", "\u{b}", "\u{c}", "\u{1c}", "\u{1d}", "\u{1e}", "\u{85}", "\u{2028}", "\u{2029}",
    ]
    var lines: [String] = []
    var rest = text.unicodeScalars[...]
    while let end = rest.firstIndex(where: ends.contains) {
      var next = rest.index(after: end)
      if rest[end] == "\r", next < rest.endIndex, rest[next] == "\n" { next = rest.index(after: next) }
      lines.append(String(String.UnicodeScalarView(rest[..<(keepsEnds ? next : end)])))
      rest = rest[next...]
    }
    return rest.isEmpty ? lines : lines + [String(String.UnicodeScalarView(rest))]
  }

  func replaced(_ text: String, _ old: String, with new: String, limit: Int) throws -> Value {
    try spend(old.isEmpty ? text.utf8.count : text.utf8.count / 4)
    let pieces: [String]
    if old.isEmpty {
      // Python puts the new text before each character, and after the last one.
      let scalars = Array(text.unicodeScalars), cuts = min(limit, scalars.count + 1)
      if cuts == 0 { return .string(text) }
      let parts = scalars.prefix(cuts - 1).map { String($0) }
      let rest = String(String.UnicodeScalarView(scalars.dropFirst(cuts - 1)))
      pieces = [""] + parts + [rest]
    } else {
      pieces = text.pieces(between: old, limit: limit)
    }
    return try joined(pieces, separator: new)
  }

  func joined(_ parts: [String], separator: String) throws -> Value {
    let (separators, overflow) = separator.utf8.count.multipliedReportingOverflow(by: max(0, parts.count - 1))
    let bytes = parts.reduce(0) { $0 + $1.utf8.count }
    guard !overflow, bytes + separators <= limits.bytes else {
      throw Fault(.limit, "a text has more than \(limits.bytes) bytes")
    }
    try spend(parts.count)
    return try string(parts.joined(separator: separator))
  }

  /// The same character so many times.
  func padding(_ count: Int, _ fill: String) throws -> String {
    guard fill.unicodeScalars.count == 1 else { throw Fault.value("“\(fill.prefix(20))” is not one character") }
    guard count > 0 else { return "" }
    guard count <= limits.bytes else { throw Fault(.limit, "a text has more than \(limits.bytes) bytes") }
    try spend(count / 16)
    return String(repeating: fill, count: count)
  }

  func stripped(_ text: String, _ arguments: Arguments, left: Bool, right: Bool) throws -> Value {
    let given = try arguments.bound(to: "chars")[0].string("chars")
    guard let given else { return try string(text.stripped(\.isPythonSpace, left: left, right: right)) }
    let set = Set(given.unicodeScalars)
    return try string(text.stripped(set.contains, left: left, right: right))
  }

  /// Whether one of the given texts is at an end.
  func hasAffix(_ text: String, _ arguments: Arguments, _ test: (String, String) -> Bool) throws -> Value {
    switch try arguments.bound(to: "affix")[0] {
    case .string(let affix): return .bool(test(text, affix))
    case .list(let list) where list.isTuple:
      return .bool(
        try list.elements.contains { element in
          guard case .string(let affix) = element else { throw Fault.value("\(element.typeName) is no string") }
          return test(text, affix)
        })
    case let other: throw Fault.value("\(other?.typeName ?? "nothing") is no string or tuple of strings")
    }
  }

  /// How many characters are before a place.
  func offset(_ range: Range<String.Index>?, in text: String) throws -> Int? {
    try spend(text.utf8.count / 16)
    return range.map { text.unicodeScalars.distance(from: text.startIndex, to: $0.lowerBound) }
  }

  /// Python's `str.title`: capitals at the beginning of each run of letters.
  static func titled(_ text: String) -> String {
    var followsLetter = false
    return text.unicodeScalars.map { scalar in
      defer { followsLetter = scalar.properties.isCased }
      return followsLetter ? scalar.properties.lowercaseMapping : scalar.properties.titlecaseMapping
    }.joined()
  }

  static func isCased(_ text: String, _ test: (Unicode.Scalar) -> Bool) -> Bool {
    let cased = text.unicodeScalars.filter { $0.properties.isCased }
    return !cased.isEmpty && cased.allSatisfy(test)
  }
}

extension Arguments {
  /// The text, if there are no arguments.
  func unary(_ text: String) throws -> String {
    _ = try bound()
    return text
  }
}

extension String {
  /// Whether there are characters, and the test holds for each.
  func isAll(_ test: (Unicode.Scalar) -> Bool) -> Bool {
    !unicodeScalars.isEmpty && unicodeScalars.allSatisfy(test)
  }
}

extension Unicode.Scalar {
  var isLetter: Bool {
    switch properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: true
    default: false
    }
  }
}
