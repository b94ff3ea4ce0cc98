/// A piece of GLSL, as far as mutation needs to tell pieces apart.
struct GLSLToken {
  enum Kind {
    case word, number, symbol
  }

  var kind: Kind
  var text: Substring
  /// Where a mutation at this token would not be of the code that computes: the interface, or a loop's step.
  var isFixed = false
  /// Whether the token decides when a loop ends.
  var isLoopCondition = false

  var range: Range<String.Index> { text.startIndex..<text.endIndex }
}

/// The tokens of a shader: of its code and of the bodies of its macros. Comments and other directives are left out.
struct GLSLTokens {
  let source: String
  private(set) var tokens: [GLSLToken] = []

  private static let symbols = [
    "<<=", ">>=", "<<", ">>", "<=", ">=", "==", "!=", "&&", "||", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "++",
    "--",
  ]
  /// Words whose parentheses declare the interface and compute nothing.
  private static let declarations: Set<Substring> = ["layout", "BUFFER", "BUFFER_ALIGNED", "CONSTANTS", "ADDRESSES"]

  init(_ source: String) {
    self.source = source
    scan()
    markFixed()
  }

  // MARK: Scanning

  private mutating func scan() {
    var rest = source[...]
    var atLineStart = true
    var inMacro = false
    while let first = rest.first {
      if first == "\n" {
        // The end of a macro's body is a token, so that no expression is seen to go on after it.
        if inMacro { tokens.append(GLSLToken(kind: .symbol, text: rest.prefix(1), isFixed: true)) }
        inMacro = false
        atLineStart = true
        rest = rest.dropFirst()
      } else if rest.hasPrefix("\\\n") {
        rest = rest.dropFirst(2)
      } else if first.isWhitespace {
        rest = rest.dropFirst()
      } else if rest.hasPrefix("//") {
        rest = rest.drop { $0 != "\n" }
      } else if rest.hasPrefix("/*") {
        rest = rest.dropFirst(2)
        while !rest.isEmpty, !rest.hasPrefix("*/") { rest = rest.dropFirst() }
        rest = rest.dropFirst(2)
      } else if atLineStart, first == "#" {
        (rest, inMacro) = afterDirective(rest)
        atLineStart = false
      } else {
        atLineStart = false
        rest = append(rest)
      }
    }
  }

  /// Skips a directive; of a macro only its name and parameters, so that its body is scanned as code.
  private func afterDirective(_ text: Substring) -> (rest: Substring, isMacro: Bool) {
    let words = text.prefix { $0 != "\n" }.dropFirst().drop { $0 == " " }
    guard words.hasPrefix("define") else { return (text.drop { $0 != "\n" }, false) }
    let name = words.dropFirst(6).drop { $0 == " " }
    let afterName = name.drop { $0.isLetter || $0.isNumber || $0 == "_" }
    guard afterName.first == "(" else { return (source[afterName.startIndex...], true) }
    return (source[afterName.drop { $0 != ")" }.dropFirst().startIndex...], true)
  }

  private mutating func append(_ rest: Substring) -> Substring {
    let first = rest.first!
    let length: Int
    let kind: GLSLToken.Kind
    if first.isLetter || first == "_" {
      kind = .word
      length = rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" }.count
    } else if first.isNumber || (first == "." && rest.dropFirst().first?.isNumber == true) {
      kind = .number
      var previous: Character = " "
      let isHexadecimal = rest.hasPrefix("0x")
      length =
        rest.prefix { character in
          defer { previous = character }
          let isExponentSign = !isHexadecimal && "+-".contains(character) && "eE".contains(previous)
          return character.isLetter || character.isNumber || character == "." || isExponentSign
        }.count
    } else {
      kind = .symbol
      length = Self.symbols.first { rest.hasPrefix($0) }?.count ?? 1
    }
    tokens.append(GLSLToken(kind: kind, text: rest.prefix(length)))
    return rest.dropFirst(length)
  }

  // MARK: Structure

  private mutating func markFixed() {
    for index in tokens.indices where tokens[index].kind == .word {
      guard index + 1 < tokens.count, tokens[index + 1].text == "(", let end = closing(index + 1) else { continue }
      if Self.declarations.contains(tokens[index].text) {
        for i in index...end { tokens[i].isFixed = true }
      } else if tokens[index].text == "for" {
        let parts = split(index + 2..<end, at: ";")
        guard parts.count == 3 else { continue }
        for i in parts[1] { tokens[i].isLoopCondition = true }
        for i in parts[2] { tokens[i].isFixed = true }
      } else if tokens[index].text == "while" {
        for i in index + 2..<end { tokens[i].isLoopCondition = true }
      }
    }
  }

  /// The index of the bracket that closes the one at `index`.
  func closing(_ index: Int) -> Int? {
    var depth = 0
    for i in index..<tokens.count {
      if ["(", "[", "{"].contains(tokens[i].text) { depth += 1 }
      if [")", "]", "}"].contains(tokens[i].text) {
        depth -= 1
        if depth == 0 { return i }
      }
    }
    return nil
  }

  /// The parts of a range between separators outside of inner brackets.
  func split(_ range: Range<Int>, at separator: Substring) -> [Range<Int>] {
    var parts: [Range<Int>] = []
    var start = range.lowerBound
    var i = start
    while i < range.upperBound {
      if ["(", "[", "{"].contains(tokens[i].text), let end = closing(i), end < range.upperBound {
        i = end
      } else if tokens[i].text == separator {
        parts.append(start..<i)
        start = i + 1
      }
      i += 1
    }
    return parts + [start..<range.upperBound]
  }

  /// The index after the expression that begins at `index` and ends before one of `terminators`, or before the bracket
  /// that closes what is around it.
  func end(from index: Int, before terminators: Set<Substring>) -> Int {
    var i = index
    while i < tokens.count {
      let text = tokens[i].text
      if terminators.contains(text) || [")", "]", "}", ";", "\n"].contains(text) { return i }
      if text == "(" || text == "[", let end = closing(i) { i = end }
      i += 1
    }
    return i
  }

  /// The source text of a range of tokens.
  func text(_ range: Range<Int>) -> Substring {
    range.isEmpty ? "" : source[tokens[range.lowerBound].text.startIndex..<tokens[range.upperBound - 1].text.endIndex]
  }

  func text(at index: Int) -> Substring { tokens.indices.contains(index) ? tokens[index].text : "" }

  /// Whether the operator at `index` has an operand on its left.
  func isBinary(_ index: Int) -> Bool {
    guard index > 0 else { return false }
    let before = tokens[index - 1]
    switch before.kind {
    case .number: return true
    case .word: return before.text != "return"
    case .symbol: return before.text == ")" || before.text == "]"
    }
  }
}
