/// Makes statements of tokens.
struct Parser {
  /// How deep blocks may be nested.
  static let maximumDepth = 60

  let tokens: [Token]
  var index = 0
  /// How many blocks, or expressions in brackets, are open.
  var depth = 0
  private var loopDepth = 0

  init(_ tokens: [Token]) { self.tokens = tokens }

  /// - Throws: `TemplateError`.
  static func parse(_ template: String) throws -> [Statement] {
    var parser = Parser(try Lexer.tokens(of: template))
    let statements = try parser.block(until: [])
    return statements
  }

  // MARK: Tokens

  var current: Token { tokens[index] }
  var next: Token { tokens[min(index + 1, tokens.count - 1)] }

  @discardableResult
  mutating func advance() -> Token {
    defer { if index + 1 < tokens.count { index += 1 } }
    return tokens[index]
  }

  func isSymbol(_ symbol: String) -> Bool { current.kind == .symbol(symbol) }
  func isName(_ name: String) -> Bool { current.kind == .name(name) }

  mutating func skip(_ kind: Token.Kind) -> Bool {
    guard current.kind == kind else { return false }
    advance()
    return true
  }

  mutating func expect(_ kind: Token.Kind) throws {
    guard !skip(kind) else { return }
    throw unexpected("not \(Token(kind: kind, position: current.position).name)")
  }

  mutating func name() throws -> String {
    guard case .name(let name) = current.kind else { throw unexpected("where a name should be") }
    advance()
    return name
  }

  func unexpected(_ remark: String) -> TemplateError {
    Fault(.syntax, "here is \(current.name), \(remark)").at(current.position)
  }

  /// Calls `body` one level deeper.
  mutating func nested<T>(_ body: (inout Parser) throws -> T) throws -> T {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.maximumDepth else {
      throw Fault(.limit, "the template is nested more than \(Self.maximumDepth) deep").at(current.position)
    }
    return try body(&self)
  }

  // MARK: Statements

  /// Statements up to a block tag of one of some names, after whose name it stands.
  private mutating func block(until ends: [String]) throws -> [Statement] {
    var statements: [Statement] = []
    while true {
      let token = advance()
      switch token.kind {
      case .text(let text): statements.append(Statement(kind: .text(text), position: token.position))
      case .outputBegin:
        let value = try tuple(allowsConditional: true)
        try expect(.outputEnd)
        statements.append(Statement(kind: .output(value), position: token.position))
      case .blockBegin:
        let position = current.position
        let tag = try name()
        if ends.contains(tag) {
          index -= 1
          return statements
        }
        statements.append(
          Statement(kind: try nested { try $0.statement(tag, position) }, position: position))
      case .end:
        guard ends.isEmpty else { throw unexpected("but a block lacks its “\(ends.last!)”") }
        return statements
      default: throw Fault(.syntax, "here is \(token.name), outside of a tag").at(token.position)
      }
    }
  }

  private mutating func statement(_ tag: String, _ position: Position) throws -> Statement.Kind {
    switch tag {
    case "if": return try choice()
    case "for": return try loop()
    case "set": return try set()
    case "macro":
      let name = try name()
      try expect(.symbol("("))
      return .macro(try macro(name, parameters: try parameters(), end: "endmacro"))
    case "call":
      let parameters = skip(.symbol("(")) ? try parameters() : []
      let call = try expression()
      guard case .call = call.kind else { throw Fault(.syntax, "this is no call").at(call.position) }
      return .call(call, block: try macro("caller", parameters: parameters, end: "endcall"))
    case "filter":
      let filter = try filters(of: nil)
      return .filter(filter, try body(until: "endfilter"))
    case "with":
      var values: [(Target, Expression)] = []
      while current.kind != .blockEnd {
        if !values.isEmpty { try expect(.symbol(",")) }
        let target = try target(allowsAttribute: false)
        try expect(.symbol("="))
        values.append((target, try expression()))
      }
      return .with(values, try body(until: "endwith"))
    case "generation": return .scope(try body(until: "endgeneration"))
    case "break", "continue":
      guard loopDepth > 0 else { throw Fault(.syntax, "“\(tag)” stands in no loop").at(position) }
      try expect(.blockEnd)
      return tag == "break" ? .stop : .next
    default: throw Fault(.unsupported, "there is no statement “\(tag)”").at(position)
    }
  }

  /// The rest of the opening tag, the statements up to the end tag, and that.
  private mutating func body(until end: String) throws -> [Statement] {
    try expect(.blockEnd)
    let statements = try block(until: [end])
    advance()
    try expect(.blockEnd)
    return statements
  }

  private mutating func choice() throws -> Statement.Kind {
    var branches: [(condition: Expression, body: [Statement])] = []
    var otherwise: [Statement] = []
    while true {
      let condition = try tuple(allowsConditional: false)
      try expect(.blockEnd)
      branches.append((condition, try block(until: ["elif", "else", "endif"])))
      let tag = try name()
      if tag == "elif" { continue }
      if tag == "else" {
        otherwise = try body(until: "endif")
      } else {
        try expect(.blockEnd)
      }
      return .choice(branches, otherwise: otherwise)
    }
  }

  private mutating func loop() throws -> Statement.Kind {
    let target = try targets(allowsAttribute: false)
    try expect(.name("in"))
    let source = try tuple(allowsConditional: false)
    let condition = skip(.name("if")) ? try expression() : nil
    if isName("recursive") {
      throw Fault(.unsupported, "recursive loops are not supported").at(current.position)
    }
    try expect(.blockEnd)
    loopDepth += 1
    let body = try block(until: ["else", "endfor"])
    loopDepth -= 1
    var otherwise: [Statement] = []
    if try name() == "else" { otherwise = try self.body(until: "endfor") } else { try expect(.blockEnd) }
    return .loop(.init(target: target, source: source, condition: condition, body: body, otherwise: otherwise))
  }

  private mutating func set() throws -> Statement.Kind {
    let target = try targets(allowsAttribute: true)
    if skip(.symbol("=")) {
      let value = try tuple(allowsConditional: true)
      try expect(.blockEnd)
      return .set(target, value)
    }
    let filter = isSymbol("|") ? try filters(of: nil) : nil
    return .setBlock(target, filter: filter, try body(until: "endset"))
  }

  private mutating func macro(
    _ name: String, parameters: [(name: String, value: Expression?)], end: String
  ) throws -> Statement.Macro {
    // A loop around a macro is not the macro's own.
    let outer = loopDepth
    loopDepth = 0
    defer { loopDepth = outer }
    let start = index, body = try body(until: end)
    let extras = ["varargs", "kwargs", "caller"].filter { extra in
      tokens[start..<index].contains { $0.kind == .name(extra) }
    }
    return Statement.Macro(name: name, parameters: parameters, body: body, extras: Set(extras))
  }

  /// The parameters of a macro, up to the closing parenthesis.
  private mutating func parameters() throws -> [(name: String, value: Expression?)] {
    var parameters: [(name: String, value: Expression?)] = []
    while !skip(.symbol(")")) {
      if !parameters.isEmpty { try expect(.symbol(",")) }
      if skip(.symbol(")")) { break }
      let position = current.position
      let name = try name()
      let value = skip(.symbol("=")) ? try expression() : nil
      if value == nil, parameters.last?.value != nil {
        throw Fault(.syntax, "“\(name)” has no default, but a parameter before it has one").at(position)
      }
      parameters.append((name, value))
    }
    return parameters
  }

  /// What is assigned to: names with commas between them, or one.
  private mutating func targets(allowsAttribute: Bool) throws -> Target {
    var targets = [try target(allowsAttribute: allowsAttribute)]
    guard isSymbol(",") else { return targets[0] }
    while skip(.symbol(",")), !isName("in"), !isSymbol("=") {
      targets.append(try target(allowsAttribute: allowsAttribute))
    }
    return .several(targets)
  }

  private mutating func target(allowsAttribute: Bool) throws -> Target {
    if skip(.symbol("(")) {
      let targets = try nested { try $0.targets(allowsAttribute: allowsAttribute) }
      try expect(.symbol(")"))
      return targets
    }
    let position = current.position
    let name = try name()
    if allowsAttribute, skip(.symbol(".")) { return .attribute(name, try self.name()) }
    guard !["true", "false", "none", "True", "False", "None"].contains(name) else {
      throw Fault(.syntax, "nothing can be assigned to “\(name)”").at(position)
    }
    return .name(name)
  }
}
