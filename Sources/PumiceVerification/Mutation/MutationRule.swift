/// A kind of small mistake, and where in a shader it can be made.
struct MutationRule: Sendable {
  /// Tokens that are replaced, and by what.
  struct Edit {
    var range: Range<Int>
    var replacement: String
  }

  let name: String
  /// The edits that begin with the token of that index.
  let edits: @Sendable (GLSLTokens, Int) -> [Edit]

  static let all: [MutationRule] = [
    bound, equality, droppedTerm, sign, operation, logic, number, function, barrier, dimension, statement, condition,
    choice, fusedMultiplyAdd, arguments, accumulation, negation, index,
  ]

  private static func swapping(_ name: String, _ table: [Substring: String]) -> MutationRule {
    MutationRule(name: name) { tokens, i in
      table[tokens.tokens[i].text].map { [Edit(range: i..<i + 1, replacement: $0)] } ?? []
    }
  }

  // MARK: Operators

  /// A bound that is off by one.
  private static let bound = MutationRule(name: "bound") { tokens, i in
    let table: [Substring: String] = ["<": "<=", "<=": "<", ">": ">=", ">=": ">"]
    guard let other = table[tokens.tokens[i].text] else { return [] }
    // An unsigned number is always at least 0: that loop would not end.
    if tokens.tokens[i].isLoopCondition, tokens.text(at: i + 1) == "0" { return [] }
    return [Edit(range: i..<i + 1, replacement: other)]
  }

  private static let equality = swapping("equality", ["==": "!=", "!=": "=="])
  private static let logic = swapping(
    "logic", ["&&": "||", "||": "&&", "&": "|", "|": "&", "^": "&", "<<": ">>", ">>": "<<"])
  private static let accumulation = swapping("accumulation", ["+=": "=", "-=": "+=", "*=": "=", "/=": "*=", "|=": "="])

  /// `a + b·c` becomes `a`.
  private static let droppedTerm = MutationRule(name: "dropped_term") { tokens, i in
    guard ["+", "-"].contains(tokens.tokens[i].text), tokens.isBinary(i) else { return [] }
    let end = tokens.end(
      from: i + 1,
      before: ["+", "-", ",", "?", ":", "<", ">", "<=", ">=", "==", "!=", "&&", "||", "<<", ">>", "&", "|", "^"])
    return end > i + 1 ? [Edit(range: i..<end, replacement: "")] : []
  }

  private static let sign = MutationRule(name: "sign") { tokens, i in
    guard tokens.isBinary(i) else { return [] }
    switch tokens.tokens[i].text {
    case "+": return [Edit(range: i..<i + 1, replacement: "-")]
    case "-": return [Edit(range: i..<i + 1, replacement: "+")]
    default: return []
    }
  }

  /// `-x` becomes `x`.
  private static let negation = MutationRule(name: "negation") { tokens, i in
    tokens.tokens[i].text == "-" && !tokens.isBinary(i) ? [Edit(range: i..<i + 1, replacement: "")] : []
  }

  private static let operation = MutationRule(name: "operation") { tokens, i in
    guard tokens.isBinary(i) else { return [] }
    switch tokens.tokens[i].text {
    case "*": return [Edit(range: i..<i + 1, replacement: "+")]
    case "/": return [Edit(range: i..<i + 1, replacement: "*")]
    case "%": return [Edit(range: i..<i + 1, replacement: "/")]
    default: return []
    }
  }

  // MARK: Values

  /// A wrong constant: scale, zero point, stride, mask or shift.
  private static let number = MutationRule(name: "number") { tokens, i in
    guard tokens.tokens[i].kind == .number, let other = wrong(tokens.tokens[i].text) else { return [] }
    return [Edit(range: i..<i + 1, replacement: other)]
  }

  private static func wrong(_ number: Substring) -> String? {
    let suffix = number.hasSuffix("u") ? "u" : ""
    let digits = number.dropLast(suffix.count)
    if digits.hasPrefix("0x") {
      return UInt32(digits.dropFirst(2), radix: 16).map { "0x\(String($0 >> 1, radix: 16))\(suffix)" }
    }
    if let whole = Int(digits) { return "\(whole + 1)\(suffix)" }
    guard let value = Double(digits.hasSuffix(".") ? digits.dropLast() : digits) else { return nil }
    // A start from 1 instead of 0 may be right: a softmax does not change when all scores grow by one.
    if value == 0 { return "1048576.0" }
    return value == value.rounded() ? String(value - 1) : String(value * 2)
  }

  /// The neighbour of the element that is meant.
  private static let index = MutationRule(name: "index") { tokens, i in
    guard tokens.tokens[i].text == "[", i > 0, tokens.tokens[i - 1].kind == .word, let end = tokens.closing(i),
      end > i + 1
    else { return [] }
    // `v[]` of a declaration holds nothing; `float a[8]` declares.
    if i > 1, tokens.tokens[i - 2].kind == .word { return [] }
    return [Edit(range: i..<end + 1, replacement: "[(\(tokens.text(i + 1..<end))) + 1]")]
  }

  /// Another axis of the grid.
  private static let dimension = MutationRule(name: "dimension") { tokens, i in
    guard tokens.tokens[i].text.hasPrefix("gl_"), tokens.text(at: i + 1) == "." else { return [] }
    let axes: [Substring: String] = ["x": "y", "y": "x", "z": "y"]
    return axes[tokens.text(at: i + 2)].map { [Edit(range: i + 2..<i + 3, replacement: $0)] } ?? []
  }

  // MARK: Calls

  private static let function = swapping(
    "function",
    [
      "min": "max", "max": "min", "subgroupMin": "subgroupMax", "subgroupMax": "subgroupMin",
      "subgroupAdd": "subgroupMax",
      "inversesqrt": "sqrt", "floor": "ceil",
    ])

  private static let barrier = MutationRule(name: "barrier") { tokens, i in
    tokens.tokens[i].text == "barrier" && tokens.text(at: i + 3) == ";"
      ? [Edit(range: i..<i + 4, replacement: ";")] : []
  }

  /// A product that is forgotten, and a sum that is forgotten.
  private static let fusedMultiplyAdd = MutationRule(name: "multiply_add") { tokens, i in
    guard tokens.tokens[i].text == "fma", let parts = parts(tokens, i), parts.count == 3 else { return [] }
    let (a, b, c) = (tokens.text(parts[0]), tokens.text(parts[1]), tokens.text(parts[2]))
    let whole = i..<parts[2].upperBound + 1
    return [Edit(range: whole, replacement: "((\(a)) * (\(b)))"), Edit(range: whole, replacement: "(\(c))")]
  }

  /// The first two arguments of a call in the wrong order.
  private static let arguments = MutationRule(name: "arguments") { tokens, i in
    let commutative: Set<Substring> = ["min", "max", "fma", "dot", "for", "if", "while"]
    guard tokens.tokens[i].kind == .word, !commutative.contains(tokens.tokens[i].text),
      // A definition's parameters are declarations.
      i == 0 || tokens.tokens[i - 1].kind != .word || tokens.tokens[i - 1].text == "return",
      let parts = parts(tokens, i), parts.count >= 2, !parts[0].isEmpty, !parts[1].isEmpty
    else { return [] }
    let (a, b) = (tokens.text(parts[0]), tokens.text(parts[1]))
    return a == b ? [] : [Edit(range: parts[0].lowerBound..<parts[1].upperBound, replacement: "\(b), \(a)")]
  }

  private static func parts(_ tokens: GLSLTokens, _ i: Int) -> [Range<Int>]? {
    guard tokens.text(at: i + 1) == "(", let end = tokens.closing(i + 1), end > i + 2 else { return nil }
    return tokens.split(i + 2..<end, at: ",")
  }

  // MARK: Statements

  /// An assignment that is left out.
  private static let statement = MutationRule(name: "statement") { tokens, i in
    let keywords: Set<Substring> = [
      "return", "const", "if", "for", "while", "else", "break", "continue", "discard", "barrier",
    ]
    guard tokens.tokens[i].kind == .word, !keywords.contains(tokens.tokens[i].text), beginsStatement(tokens, i),
      // Two words in a row declare something.
      i + 1 < tokens.tokens.count, tokens.tokens[i + 1].kind == .symbol
    else { return [] }
    let end = tokens.end(from: i, before: [])
    guard tokens.text(at: end) == ";",
      (i..<end).contains(where: { ["=", "+=", "-=", "*=", "/=", "|=", "&="].contains(tokens.tokens[$0].text) })
    else { return [] }
    return [Edit(range: i..<end + 1, replacement: ";")]
  }

  private static func beginsStatement(_ tokens: GLSLTokens, _ i: Int) -> Bool {
    guard i > 0 else { return true }
    switch tokens.tokens[i - 1].text {
    case ";", "{", "}", "else", "\n": return !tokens.tokens[i].isLoopCondition
    case ")":
      // The parenthesis must close the header of an `if` or a loop.
      let opening = (0..<i - 1).last { tokens.text(at: $0) == "(" && tokens.closing($0) == i - 1 }
      return opening.map { ["if", "for", "while"].contains(tokens.text(at: $0 - 1)) } ?? false
    default: return false
    }
  }

  /// A condition that is ignored, and one that is turned around.
  private static let condition = MutationRule(name: "condition") { tokens, i in
    guard tokens.tokens[i].text == "if", tokens.text(at: i + 1) == "(", let end = tokens.closing(i + 1) else {
      return []
    }
    let inner = i + 2..<end
    return [
      Edit(range: inner, replacement: "false"), Edit(range: inner, replacement: "!(\(tokens.text(inner)))"),
    ]
  }

  /// `c ? a : b` becomes `c ? b : a`.
  private static let choice = MutationRule(name: "choice") { tokens, i in
    guard tokens.tokens[i].text == "?" else { return [] }
    let middle = tokens.end(from: i + 1, before: [":"])
    guard tokens.text(at: middle) == ":" else { return [] }
    let end = tokens.end(from: middle + 1, before: [","])
    guard end > middle + 1 else { return [] }
    let (a, b) = (tokens.text(i + 1..<middle), tokens.text(middle + 1..<end))
    return [Edit(range: i + 1..<end, replacement: "\(b) : \(a)")]
  }
}
