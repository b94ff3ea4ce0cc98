/// Cuts a template into text and the words of its tags.
///
/// White space around tags is treated as chat templates want it: the first newline after a block or comment goes
/// (`trim_blocks`), blanks before one that begins a line go too (`lstrip_blocks`), “-” inside a tag takes all white
/// space on its side, “+” keeps it; and one newline at the end of the template goes.
/// Source: the documentation of Jinja 3.1, “White Space Control”.
struct Lexer {
  static let maximumLength = 1 << 20

  let source: [Unicode.Scalar]
  var position = 0
  private(set) var tokens: [Token] = []
  private var line = 1
  private var lineStart = 0
  /// Up to where newlines have been counted.
  private var counted = 0
  /// Whether what stands at `position` begins a line.
  private var beginsLine = true

  private init(_ source: [Unicode.Scalar]) { self.source = source }

  /// The tokens of a template, the last of them `end`.
  ///
  /// - Throws: `TemplateError`.
  static func tokens(of template: String) throws -> [Token] {
    guard template.utf8.count <= maximumLength else {
      throw Fault(.limit, "the template has \(template.utf8.count) bytes, more than \(maximumLength)")
        .at(Position(line: 1, column: 1))
    }
    var scalars: [Unicode.Scalar] = []
    for scalar in template.unicodeScalars {
      if scalar == "\n", scalars.last == "\r" { scalars.removeLast() }
      scalars.append(scalar)
    }
    for index in scalars.indices where scalars[index] == "\r" { scalars[index] = "\n" }
    if scalars.last == "\n" { scalars.removeLast() }
    var lexer = Lexer(scalars)
    try lexer.run()
    return lexer.tokens
  }

  // MARK: Text

  private mutating func run() throws {
    while position < source.count {
      guard let open = nextTag(from: position) else {
        emitText(position..<source.count)
        position = source.count
        break
      }
      let kind = source[open + 1], sign = character(open + 2)
      let isSigned = sign == "-" || sign == "+"
      let text = position..<stripped(to: open, sign: sign, isOutput: kind == "{")
      emitText(text)
      let begin = mark(open)
      position = open + (isSigned ? 3 : 2)
      switch kind {
      case "#": try skipComment(begin)
      case "{":
        emit(.outputBegin, begin)
        try readTag(isOutput: true, begin)
      default:
        if try readRaw(begin) { continue }
        emit(.blockBegin, begin)
        try readTag(isOutput: false, begin)
      }
    }
    emit(.end, mark(source.count))
  }

  private func nextTag(from start: Int) -> Int? {
    var index = start
    while index + 1 < source.count {
      if source[index] == "{", "{%#".unicodeScalars.contains(source[index + 1]) { return index }
      index += 1
    }
    return nil
  }

  /// Where the text before a tag at `open` ends once white space is gone.
  private func stripped(to open: Int, sign: Unicode.Scalar?, isOutput: Bool) -> Int {
    var end = open
    if sign == "-" {
      while end > position, source[end - 1].isPythonSpace { end -= 1 }
    } else if sign != "+", !isOutput {
      while end > position, source[end - 1] != "\n", source[end - 1].isPythonSpace { end -= 1 }
      let reachesLineStart = end > position ? source[end - 1] == "\n" : beginsLine
      if !reachesLineStart { end = open }
    }
    return end
  }

  private mutating func emitText(_ range: Range<Int>) {
    guard !range.isEmpty else { return }
    let place = mark(range.lowerBound)
    emit(.text(string(range)), place)
  }

  private mutating func skipComment(_ begin: Position) throws {
    let start = position
    var index = start
    while character(index) != "#" || character(index + 1) != "}" {
      index += 1
      guard index < source.count else { throw Fault(.syntax, "this comment has no end").at(begin) }
    }
    let sign = index > start ? source[index - 1] : " "
    position = index + 2
    finishTag(sign: sign, trims: true)
  }

  /// Reads on after a tag's end: white space goes as its sign says.
  mutating func finishTag(sign: Unicode.Scalar, trims: Bool) {
    if sign == "-" {
      while position < source.count, source[position].isPythonSpace { position += 1 }
    } else if trims, sign != "+", character(position) == "\n" {
      position += 1
    }
    beginsLine = source[position - 1] == "\n"
  }

  /// Text between `{% raw %}` and `{% endraw %}`, if such a tag begins here.
  private mutating func readRaw(_ begin: Position) throws -> Bool {
    guard let (end, sign) = tag(named: "raw", at: position), sign != "+" else { return false }
    position = end
    finishTag(sign: sign, trims: false)
    var open = position
    while open + 1 < source.count {
      defer { open += 1 }
      guard source[open] == "{", source[open + 1] == "%" else { continue }
      let first = character(open + 2) ?? " "
      let isSigned = first == "-" || first == "+"
      guard let (end, last) = tag(named: "endraw", at: open + (isSigned ? 3 : 2)) else { continue }
      emitText(position..<stripped(to: open, sign: first, isOutput: false))
      position = end
      finishTag(sign: last, trims: true)
      return true
    }
    throw Fault(.syntax, "this raw block has no end").at(begin)
  }

  /// The end of a tag that holds nothing but a word, and the sign before its end.
  private func tag(named name: String, at start: Int) -> (end: Int, sign: Unicode.Scalar)? {
    var index = start
    func skipSpace() { while let next = character(index), next.isPythonSpace { index += 1 } }
    skipSpace()
    for letter in name.unicodeScalars {
      guard character(index) == letter else { return nil }
      index += 1
    }
    skipSpace()
    var sign: Unicode.Scalar = " "
    if let next = character(index), next == "-" || next == "+" {
      sign = next
      index += 1
    }
    guard character(index) == "%", character(index + 1) == "}" else { return nil }
    return (index + 2, sign)
  }

  // MARK: Places

  func character(_ index: Int) -> Unicode.Scalar? { index < source.count ? source[index] : nil }

  func string(_ range: Range<Int>) -> String {
    var text = String.UnicodeScalarView()
    text.append(contentsOf: source[range])
    return String(text)
  }

  mutating func emit(_ kind: Token.Kind, _ position: Position) { tokens.append(Token(kind: kind, position: position)) }

  /// Line and column; asked for in ascending order.
  mutating func mark(_ index: Int) -> Position {
    while counted < index {
      if source[counted] == "\n" {
        line += 1
        lineStart = counted + 1
      }
      counted += 1
    }
    return Position(line: line, column: index - lineStart + 1)
  }
}
