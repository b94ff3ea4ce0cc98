import Foundation

/// Reads the text form of masks.
struct MaskParser {
  private let text: String
  private let characters: [Character]
  private var index = 0
  /// Parentheses, exclamation marks and heads that are open, so that a hostile text cannot exhaust the stack.
  private var depth = 0
  private static let deepest = 200
  /// Operators so far: a chain of them is as deep as it is long.
  private var operators = 0
  private static let mostOperators = 1000

  init(_ text: String) {
    self.text = text
    // A line break would put the caret under the wrong line.
    characters = text.map { $0.isNewline ? " " : $0 }
  }

  // MARK: Expressions

  /// A mask, up to the first character that cannot belong to it.
  mutating func mask() throws(MaskSyntaxError) -> AttentionMask {
    depth += 1
    defer { depth -= 1 }
    if depth > Self.deepest { throw error("nested more than \(Self.deepest) deep") }
    var result = try intersection()
    while try takeOperator("|") { result = result | (try intersection()) }
    return result
  }

  private mutating func intersection() throws(MaskSyntaxError) -> AttentionMask {
    var result = try factor()
    while try takeOperator("&") { result = result & (try factor()) }
    return result
  }

  private mutating func takeOperator(_ sign: Character) throws(MaskSyntaxError) -> Bool {
    guard take(sign) else { return false }
    operators += 1
    if operators > Self.mostOperators { throw error("more than \(Self.mostOperators) operators") }
    return true
  }

  private mutating func factor() throws(MaskSyntaxError) -> AttentionMask {
    depth += 1
    defer { depth -= 1 }
    if depth > Self.deepest { throw error("nested more than \(Self.deepest) deep") }
    if take("!") { return !(try factor()) }
    if take("(") {
      let result = try mask()
      try expect(")")
      return result
    }
    let start = position
    guard let name = word() else { throw error("expected a mask") }
    return try named(name, at: start)
  }

  private mutating func named(_ name: String, at start: Int) throws(MaskSyntaxError) -> AttentionMask {
    switch name {
    case "full": return .full
    case "causal": return .causal
    case "window": return .window(try only())
    case "sinks": return .sinks(try only())
    case "prefixLM": return .prefixLM(try only())
    case "shiftedGroups": return .shiftedGroups(try only())
    case "dilated":
      try expect("(")
      let window = try number()
      try expect(",")
      let stride = try number()
      try expect(")")
      return .dilated(window: window, stride: stride)
    case "blocks": return .blocks(try blocks())
    case "documents": return .documents(try list())
    case "tokens", "vertical": return .tokens(try list())
    case "slash": return .slash(try list())
    case "tree":
      try expect("(")
      let start = try number()
      var parents: [Int] = []
      while take(",") { parents.append(try number()) }
      try expect(")")
      return .tree(start: start, parents: parents)
    case "perHead":
      try expect("(")
      var masks = [try mask()]
      while take(",") { masks.append(try mask()) }
      try expect(")")
      return .perHead(masks)
    case "span": return try span()
    case "user":
      try expect("(")
      let place = position
      guard let name = word() else { throw error("expected the name of a function") }
      guard let function = MaskFunction.registered(name) else {
        throw error("no function is registered as \(name)", at: place)
      }
      try expect(")")
      return .user(function)
    default: throw error("there is no mask \(name)", at: start)
    }
  }

  private mutating func blocks() throws(MaskSyntaxError) -> BlockList {
    try expect("(")
    let size = try number()
    var lists: [[Int]] = []
    while take(",") { lists.append(try list("[", "]")) }
    try expect(")")
    return BlockList(size: size, lists)
  }

  private mutating func span() throws(MaskSyntaxError) -> AttentionMask {
    try expect("(")
    var block = 1
    let start = position
    if let name = word() {
      guard name == "block" else { throw error("expected α+βN or block", at: start) }
      block = try number()
      try expect(",")
    }
    var spans = [try headSpan()]
    while take(",") { spans.append(try headSpan()) }
    try expect(")")
    return .span(spans, block: block)
  }

  /// `512`, `0.5N`, `512+0.5N`.
  private mutating func headSpan() throws(MaskSyntaxError) -> HeadSpan {
    let start = position
    let first = try decimal()
    if take("N") { return HeadSpan(alpha: 0, beta: first) }
    guard let alpha = Int(exactly: first) else { throw error("α must be a whole number", at: start) }
    guard take("+") else { return HeadSpan(alpha: alpha, beta: 0) }
    let beta = try decimal()
    try expect("N")
    return HeadSpan(alpha: alpha, beta: beta)
  }

  // MARK: Lists and numbers

  private mutating func only() throws(MaskSyntaxError) -> Int {
    try expect("(")
    let number = try number()
    try expect(")")
    return number
  }

  /// Numbers and runs `first-last`, none or more.
  private mutating func list(
    _ opening: Character = "(", _ closing: Character = ")"
  ) throws(MaskSyntaxError) -> [Int] {
    try expect(opening)
    if take(closing) { return [] }
    var result: [Int] = []
    repeat {
      let range = try range()
      result += range
    } while take(",")
    try expect(closing)
    return result
  }

  /// `7` or `3-7`.
  mutating func range() throws(MaskSyntaxError) -> ClosedRange<Int> {
    let start = position
    let first = try number()
    guard take("-") else { return first...first }
    let last = try number()
    guard first <= last else { throw error("\(first)-\(last) runs backwards", at: start) }
    // A run is a list in memory; none that is longer can be meant.
    guard last - first < AttentionMask.limit / 64 else { throw error("\(first)-\(last) is too long a list", at: start) }
    return first...last
  }

  private mutating func number() throws(MaskSyntaxError) -> Int {
    let start = position
    var digits = take("-") ? "-" : ""
    while index < characters.count, characters[index].isASCII, characters[index].isNumber {
      digits.append(characters[index])
      index += 1
    }
    if digits.isEmpty || digits == "-" { throw error("expected a number") }
    guard let number = Int(digits), abs(number) < 1 << 40 else { throw error("\(digits) is too large", at: start) }
    return number
  }

  private mutating func decimal() throws(MaskSyntaxError) -> Double {
    let start = position
    var digits = take("-") ? "-" : ""
    while index < characters.count, characters[index].isASCII, characters[index].isNumber || characters[index] == "." {
      digits.append(characters[index])
      index += 1
    }
    if digits.isEmpty || digits == "-" { throw error("expected a number") }
    guard let number = Double(digits), abs(number) < 0x1p40 else { throw error("\(digits) is no number", at: start) }
    return number
  }

  // MARK: Characters

  /// Where the next word or sign begins, counted from 0.
  var position: Int {
    mutating get {
      while index < characters.count, characters[index].isWhitespace { index += 1 }
      return index
    }
  }

  /// Letters and digits; nil if the next character is no letter.
  mutating func word() -> String? {
    let start = position
    while index < characters.count, let byte = characters[index].asciiValue,
      isWordStart(byte) || (index > start && isDigit(byte))
    {
      index += 1
    }
    return index > start ? String(characters[start..<index]) : nil
  }

  /// Whether the next word is that one, which then is taken.
  mutating func take(word: String) -> Bool {
    let start = position
    if self.word() == word { return true }
    index = start
    return false
  }

  mutating func take(_ sign: Character) -> Bool {
    guard position < characters.count, characters[index] == sign else { return false }
    index += 1
    return true
  }

  mutating func expect(_ sign: Character) throws(MaskSyntaxError) {
    if !take(sign) { throw error("expected \(sign)") }
  }

  mutating func end(_ message: String = "expected &, | or the end") throws(MaskSyntaxError) {
    if position < characters.count { throw error(message) }
  }

  /// An error here, or at `place`.
  mutating func error(_ message: String, at place: Int? = nil) -> MaskSyntaxError {
    let place = place ?? position
    let found = place < characters.count ? "" : ", found the end"
    return MaskSyntaxError(text: String(characters), column: place + 1, message: message + found)
  }
}
