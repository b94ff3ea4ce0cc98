extension Lexer {
  private static let longSymbols = ["//", "**", "==", "!=", ">=", "<="]
  private static let symbols = Set("+-/*%~[](){}><=.:|,;".unicodeScalars)
  private static let closers: [Unicode.Scalar: Unicode.Scalar] = ["(": ")", "[": "]", "{": "}"]

  /// Reads the words of a tag and its end. Inside of brackets “}}” and “%}” are no end.
  mutating func readTag(isOutput: Bool, _ begin: Position) throws {
    var open: [Unicode.Scalar] = []
    while position < source.count {
      if open.isEmpty, let sign = endOfTag(isOutput: isOutput) {
        let place = mark(position)
        position += sign == " " ? 2 : 3
        emit(isOutput ? .outputEnd : .blockEnd, place)
        return finishTag(sign: sign, trims: !isOutput)
      }
      let next = source[position], place = mark(position)
      if next.isPythonSpace {
        position += 1
      } else if next == "'" || next == "\"" {
        emit(.string(try readString(place)), place)
      } else if next.isDigit {
        try readNumber(place)
      } else if next.isNameStart {
        let start = position
        while let next = character(position), next.isNameStart || next.isDigit { position += 1 }
        emit(.name(string(start..<position)), place)
      } else {
        try readSymbol(&open, place)
      }
    }
    throw Fault(.syntax, "this tag has no end").at(begin)
  }

  /// The sign of the end that stands here: “-”, “+”, or a space for none.
  private func endOfTag(isOutput: Bool) -> Unicode.Scalar? {
    let mark: Unicode.Scalar = isOutput ? "}" : "%"
    func isEnd(_ index: Int) -> Bool { character(index) == mark && character(index + 1) == "}" }
    if isEnd(position) { return " " }
    let sign = source[position]
    return (sign == "-" || sign == "+" && !isOutput) && isEnd(position + 1) ? sign : nil
  }

  private mutating func readSymbol(_ open: inout [Unicode.Scalar], _ place: Position) throws {
    if position + 1 < source.count {
      let pair = string(position..<position + 2)
      if Self.longSymbols.contains(pair) {
        position += 2
        return emit(.symbol(pair), place)
      }
    }
    let symbol = source[position]
    guard Self.symbols.contains(symbol) else {
      throw Fault(.syntax, "“\(symbol)” has no meaning here").at(place)
    }
    if let closer = Self.closers[symbol] {
      open.append(closer)
    } else if ")]}".unicodeScalars.contains(symbol) {
      guard open.popLast() == symbol else { throw Fault(.syntax, "“\(symbol)” closes nothing").at(place) }
    }
    position += 1
    emit(.symbol(String(symbol)), place)
  }

  private mutating func readNumber(_ place: Position) throws {
    var text = ""
    func isMember(_ scalar: Unicode.Scalar?) -> Bool { scalar.map { $0.isNameStart || $0.isDigit } ?? false }
    let radices: [Unicode.Scalar: Int] = ["x": 16, "X": 16, "o": 8, "O": 8, "b": 2, "B": 2]
    if source[position] == "0", let radix = character(position + 1).flatMap({ radices[$0] }) {
      position += 2
      while let next = character(position), isMember(next) {
        if next != "_" { text.unicodeScalars.append(next) }
        position += 1
      }
      guard let value = Int(text, radix: radix) else { throw Fault(.syntax, "this is no number").at(place) }
      return emit(.integer(value), place)
    }
    func digits() {
      while let next = character(position), next.isDigit || next == "_" && character(position + 1)?.isDigit == true {
        if next != "_" { text.unicodeScalars.append(next) }
        position += 1
      }
    }
    digits()
    var isWhole = true
    // After a dot there is an index, and a second dot begins the next one.
    if character(position) == ".", character(position + 1)?.isDigit == true, tokens.last?.kind != .symbol(".") {
      isWhole = false
      text += "."
      position += 1
      digits()
    }
    if let e = character(position), e == "e" || e == "E" {
      let sign = character(position + 1).flatMap { $0 == "+" || $0 == "-" ? $0 : nil }
      if character(position + (sign == nil ? 1 : 2))?.isDigit == true {
        isWhole = false
        text += sign == "-" ? "e-" : "e"
        position += sign == nil ? 1 : 2
        digits()
      }
    }
    if isWhole, let value = Int(text) { return emit(.integer(value), place) }
    guard !isWhole, let value = Double(text) else {
      throw Fault(.limit, "the number \(text.prefix(40)) is too large").at(place)
    }
    emit(.number(value), place)
  }

  /// A string with the escapes of Python.
  private mutating func readString(_ place: Position) throws -> String {
    let quote = source[position]
    var text = String.UnicodeScalarView()
    position += 1
    while let next = character(position), next != quote {
      position += 1
      if next != "\\" {
        text.append(next)
        continue
      }
      guard let escaped = character(position) else { break }
      position += 1
      let simple: [Unicode.Scalar: Unicode.Scalar] = [
        "n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", "\"": "\"", "a": "\u{7}", "b": "\u{8}", "f": "\u{c}",
        "v": "\u{b}",
      ]
      if let scalar = simple[escaped] {
        text.append(scalar)
      } else if let count = (["x": 2, "u": 4, "U": 8] as [Unicode.Scalar: Int])[escaped] {
        text.append(try readCode(count, radix: 16, place))
      } else if ("0"..."7").contains(escaped) {
        position -= 1
        var count = 1
        while count < 3, let digit = character(position + count), ("0"..."7").contains(digit) { count += 1 }
        text.append(try readCode(count, radix: 8, place))
      } else if escaped != "\n" {
        text.append("\\")
        text.append(escaped)
      }
    }
    guard position < source.count else { throw Fault(.syntax, "this string has no end").at(place) }
    position += 1
    return String(text)
  }

  private mutating func readCode(_ count: Int, radix: Int, _ place: Position) throws -> Unicode.Scalar {
    let end = position + count
    guard end <= source.count, source[position..<end].allSatisfy(\.isHexDigit),
      let code = UInt32(string(position..<end), radix: radix), let scalar = Unicode.Scalar(code)
    else { throw Fault(.syntax, "this string has an escape that names no character").at(place) }
    position = end
    return scalar
  }
}

extension Unicode.Scalar {
  /// What Python's `str.isspace` holds for space.
  var isPythonSpace: Bool { properties.isWhitespace || (0x1C...0x1F).contains(value) }
  var isDigit: Bool { ("0"..."9").contains(self) }
  var isHexDigit: Bool { isDigit || ("a"..."f").contains(self) || ("A"..."F").contains(self) }
  var isNameStart: Bool { self == "_" || properties.isXIDContinue && !isDigit }
}
