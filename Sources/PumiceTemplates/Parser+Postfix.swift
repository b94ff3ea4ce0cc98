/// What follows a value: attributes, elements, calls, filters and tests.
extension Parser {
  mutating func postfix(_ base: Expression) throws -> Expression {
    var value = base
    while true {
      let position = current.position
      if skip(.symbol(".")) {
        if case .integer(let index) = current.kind {
          advance()
          value = try Expression(.element(value, try Expression(.literal(.integer(index)), position)), position)
        } else {
          value = try Expression(.attribute(value, try name()), position)
        }
      } else if skip(.symbol("[")) {
        value = try subscription(of: value, position)
      } else if isSymbol("(") {
        value = try Expression(.call(value, try arguments()), value.position)
      } else {
        return value
      }
    }
  }

  private mutating func subscription(of value: Expression, _ position: Position) throws -> Expression {
    var parts: [Expression?] = []
    var part: Expression?
    while !skip(.symbol("]")) {
      if skip(.symbol(":")) {
        parts.append(part)
        part = nil
      } else {
        guard part == nil else { throw unexpected("not “]”") }
        part = try expression()
      }
    }
    if parts.isEmpty {
      guard let part else { throw Fault(.syntax, "there is no index").at(position) }
      return try Expression(.element(value, part), position)
    }
    parts.append(part)
    guard parts.count <= 3 else { throw Fault(.syntax, "a slice has at most three parts").at(position) }
    return try Expression(
      .slice(value, from: parts[0], to: parts[1], step: parts.count == 3 ? parts[2] : nil), position)
  }

  /// The arguments of a call, with their parentheses.
  private mutating func arguments() throws -> Expression.Arguments {
    try expect(.symbol("("))
    var arguments = Expression.Arguments()
    var count = 0
    _ = try list(until: ")") { parser in
      count += 1
      let position = parser.current.position
      if parser.skip(.symbol("**")) {
        arguments.namedSpread = try parser.expression()
      } else if parser.skip(.symbol("*")) {
        arguments.spread = try parser.expression()
      } else if case .name(let name) = parser.current.kind, parser.next.kind == .symbol("=") {
        parser.advance()
        parser.advance()
        arguments.named.append((name, try parser.expression()))
      } else {
        guard arguments.named.isEmpty, arguments.spread == nil, arguments.namedSpread == nil else {
          throw Fault(.syntax, "an argument without a name stands after one with a name").at(position)
        }
        arguments.positional.append(try parser.expression())
      }
    }
    guard count < 256 else { throw unexpected("after more than 255 arguments") }
    return arguments
  }

  mutating func filtersAndTests(_ base: Expression) throws -> Expression {
    var value = base
    while true {
      if isSymbol("|") {
        value = try filters(of: value)
      } else if isName("is") {
        value = try test(of: value)
      } else if isSymbol("(") {
        value = try Expression(.call(value, try arguments()), value.position)
      } else {
        return value
      }
    }
  }

  /// One filter or more; the first is applied to `input`. Of a block the first one's “|” may be missing.
  mutating func filters(of input: Expression?) throws -> Expression {
    var value = input
    while isSymbol("|") || value == nil {
      _ = skip(.symbol("|"))
      let position = current.position
      var name = try name()
      while skip(.symbol(".")) { name += "." + (try self.name()) }
      let arguments = isSymbol("(") ? try arguments() : .init()
      value = try Expression(.filter(value, name, arguments), position)
    }
    return value!
  }

  private mutating func test(of value: Expression) throws -> Expression {
    advance()
    let isNegated = skip(.name("not"))
    let position = current.position
    var name = try name()
    while skip(.symbol(".")) { name += "." + (try self.name()) }
    var operands = Expression.Arguments()
    if isSymbol("(") {
      operands = try arguments()
    } else if beginsOperand {
      guard !isName("is") else { throw unexpected("after a test; put parentheses around it") }
      operands.positional = [try nested { try $0.postfix(try $0.primary()) }]
    }
    let test = try Expression(.test(value, name, operands), position)
    return isNegated ? try Expression(.not(test), position) : test
  }

  /// Whether the operand of a test stands here without parentheses.
  private var beginsOperand: Bool {
    switch current.kind {
    case .name(let name): !["else", "or", "and", "if", "in", "not"].contains(name)
    case .string, .integer, .number, .symbol("["), .symbol("{"): true
    default: false
    }
  }
}
