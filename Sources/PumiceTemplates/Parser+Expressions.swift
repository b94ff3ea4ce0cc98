/// Expressions, in the order of their precedence: each function reads what binds tighter than the one before it.
extension Parser {
  /// One expression, or several with commas between them, which are a tuple.
  mutating func tuple(allowsConditional: Bool) throws -> Expression {
    func one(_ parser: inout Parser) throws -> Expression {
      try allowsConditional ? parser.expression() : parser.disjunction()
    }
    let position = current.position
    var all = [try one(&self)]
    guard isSymbol(",") else { return all[0] }
    while skip(.symbol(",")), !endsTuple { all.append(try one(&self)) }
    return try Expression(.list(all, isTuple: true), position)
  }

  private var endsTuple: Bool {
    [.outputEnd, .blockEnd, .symbol(")"), .symbol("="), .end].contains(current.kind)
  }

  mutating func expression() throws -> Expression {
    try nested { parser in
      var value = try parser.disjunction()
      while parser.isName("if") {
        let position = parser.advance().position
        let condition = try parser.disjunction()
        let otherwise = parser.skip(.name("else")) ? try parser.expression() : nil
        value = try Expression(.conditional(condition, then: value, otherwise: otherwise), position)
      }
      return value
    }
  }

  mutating func disjunction() throws -> Expression {
    var left = try conjunction()
    while isName("or") {
      let position = advance().position
      left = try Expression(.or(left, try conjunction()), position)
    }
    return left
  }

  private mutating func conjunction() throws -> Expression {
    var left = try negation()
    while isName("and") {
      let position = advance().position
      left = try Expression(.and(left, try negation()), position)
    }
    return left
  }

  private mutating func negation() throws -> Expression {
    guard isName("not") else { return try comparison() }
    let position = advance().position
    return try nested { try Expression(.not(try $0.negation()), position) }
  }

  private mutating func comparison() throws -> Expression {
    let position = current.position
    let left = try sum()
    var others: [(Expression.Comparison, Expression)] = []
    while let comparison = comparisonOperator() { others.append((comparison, try sum())) }
    return others.isEmpty ? left : try Expression(.comparison(left, others), position)
  }

  private mutating func comparisonOperator() -> Expression.Comparison? {
    switch current.kind {
    case .symbol(let symbol):
      guard let comparison = Expression.Comparison(rawValue: symbol) else { return nil }
      advance()
      return comparison
    case .name("in"):
      advance()
      return .in
    case .name("not") where next.kind == .name("in"):
      advance()
      advance()
      return .notIn
    default: return nil
    }
  }

  private mutating func sum() throws -> Expression {
    var left = try concatenation()
    while case .symbol(let symbol) = current.kind, symbol == "+" || symbol == "-" {
      let position = advance().position
      left = try Expression(.binary(symbol == "+" ? .add : .subtract, left, try concatenation()), position)
    }
    return left
  }

  private mutating func concatenation() throws -> Expression {
    let position = current.position
    var parts = [try product()]
    while skip(.symbol("~")) { parts.append(try product()) }
    return parts.count == 1 ? parts[0] : try Expression(.concatenation(parts), position)
  }

  private mutating func product() throws -> Expression {
    var left = try power()
    while case .symbol(let symbol) = current.kind, ["*", "/", "//", "%"].contains(symbol) {
      let position = advance().position
      left = try Expression(.binary(Expression.Operator(rawValue: symbol)!, left, try power()), position)
    }
    return left
  }

  private mutating func power() throws -> Expression {
    var left = try unary()
    while isSymbol("**") {
      let position = advance().position
      left = try Expression(.binary(.power, left, try unary()), position)
    }
    return left
  }

  private mutating func unary(filtered: Bool = true) throws -> Expression {
    let position = current.position
    var value: Expression
    if skip(.symbol("-")) {
      value = try nested { try Expression(.negative(try $0.unary(filtered: false)), position) }
    } else if skip(.symbol("+")) {
      value = try nested { try Expression(.positive(try $0.unary(filtered: false)), position) }
    } else {
      value = try primary()
    }
    value = try postfix(value)
    return filtered ? try filtersAndTests(value) : value
  }

  mutating func primary() throws -> Expression {
    let token = current
    switch token.kind {
    case .name(let name):
      advance()
      switch name {
      case "true", "True": return try Expression(.literal(.bool(true)), token.position)
      case "false", "False": return try Expression(.literal(.bool(false)), token.position)
      case "none", "None": return try Expression(.literal(.none), token.position)
      default: return try Expression(.name(name), token.position)
      }
    case .string:
      var text = ""
      while case .string(let part) = current.kind {
        text += part
        advance()
      }
      return try Expression(.literal(.string(text)), token.position)
    case .integer(let value):
      advance()
      return try Expression(.literal(.integer(value)), token.position)
    case .number(let value):
      advance()
      return try Expression(.literal(.number(value)), token.position)
    case .symbol("("):
      advance()
      return try nested { parser in
        if parser.skip(.symbol(")")) { return try Expression(.list([], isTuple: true), token.position) }
        let value = try parser.tuple(allowsConditional: true)
        try parser.expect(.symbol(")"))
        return value
      }
    case .symbol("["):
      advance()
      let elements = try list(until: "]") { try $0.expression() }
      return try Expression(.list(elements, isTuple: false), token.position)
    case .symbol("{"):
      advance()
      let pairs = try list(until: "}") { parser in
        let key = try parser.expression()
        try parser.expect(.symbol(":"))
        return (key: key, value: try parser.expression())
      }
      return try Expression(.dictionary(pairs), token.position)
    default: throw unexpected("where a value should be")
    }
  }

  /// Items with commas between them, and maybe after the last one.
  mutating func list<T>(until end: String, _ item: (inout Parser) throws -> T) throws -> [T] {
    var items: [T] = []
    while !skip(.symbol(end)) {
      if !items.isEmpty {
        try expect(.symbol(","))
        if skip(.symbol(end)) { break }
      }
      items.append(try item(&self))
    }
    return items
  }
}
