extension Renderer {
  func evaluate(_ expression: Expression) throws -> Value {
    do {
      try spend(1)
      return try nested { try value(of: expression) }
    } catch let fault as Fault {
      throw fault.at(expression.position)
    }
  }

  private func value(of expression: Expression) throws -> Value {
    switch expression.kind {
    case .literal(let literal): return .constant(literal)
    case .name(let name): return variable(name)
    case .list(let elements, let isTuple): return try list(try elements.map { try evaluate($0) }, isTuple: isTuple)
    case .dictionary(let pairs):
      return try dictionary(try pairs.map { (try evaluate($0.key), try evaluate($0.value)) })
    case .attribute(let base, let name): return try attribute(name, of: try evaluate(base))
    case .element(let base, let index): return try element(try evaluate(index), of: try evaluate(base))
    case .slice(let base, let from, let to, let step):
      func bound(_ part: Expression?) throws -> Int? {
        guard let part else { return nil }
        return try Optional(try evaluate(part)).integer("the bound of a slice")
      }
      return try slice(try evaluate(base), from: try bound(from), to: try bound(to), step: try bound(step))
    case .call(let callee, let arguments): return try call(try evaluate(callee), try self.arguments(arguments))
    case .filter(let input, let name, let arguments):
      guard let input else { throw Fault(.syntax, "a filter has no input") }
      return try apply(name, to: try evaluate(input), try self.arguments(arguments))
    case .test(let input, let name, let arguments):
      return .bool(try test(name, try evaluate(input), try self.arguments(arguments)))
    case .negative(let operand): return try negated(try evaluate(operand))
    case .positive(let operand):
      let value = try evaluate(operand)
      guard value.numeric != nil else { throw Fault.value("\(value.typeName) has no sign") }
      return value.wholeNumber.map { .integer($0) } ?? value
    case .not(let operand): return .bool(!(try evaluate(operand).isTrue))
    case .binary(let operation, let left, let right):
      return try self.operation(operation, try evaluate(left), try evaluate(right))
    case .concatenation(let parts):
      return try string(try parts.map { try text(of: try evaluate($0)) }.joined())
    case .and(let left, let right):
      let value = try evaluate(left)
      return value.isTrue ? try evaluate(right) : value
    case .or(let left, let right):
      let value = try evaluate(left)
      return value.isTrue ? value : try evaluate(right)
    case .comparison(let first, let others):
      var left = try evaluate(first)
      for (comparison, expression) in others {
        let right = try evaluate(expression)
        guard try holds(comparison, left, right) else { return .bool(false) }
        left = right
      }
      return .bool(true)
    case .conditional(let condition, let then, let otherwise):
      if try evaluate(condition).isTrue { return try evaluate(then) }
      return try otherwise.map { try evaluate($0) } ?? .undefined("the else of an inline if")
    }
  }

  private func variable(_ name: String) -> Value {
    if let value = scope.value(of: name) { return value }
    if let function = Self.globals[name] { return .object(Function(name, function)) }
    return .undefined("“\(name)”")
  }

  // MARK: Calls

  func arguments(_ arguments: Expression.Arguments) throws -> Arguments {
    var values = Arguments(try arguments.positional.map { try evaluate($0) })
    values.named = try arguments.named.map { ($0.name, try evaluate($0.value)) }
    if let spread = arguments.spread { values.positional += try elements(of: try evaluate(spread)) }
    if let spread = arguments.namedSpread {
      guard case .dictionary(let dictionary) = try evaluate(spread) else {
        throw Fault.value("“**” takes a dictionary")
      }
      for (key, value) in zip(dictionary.keys, dictionary.values) {
        guard case .string(let name) = key else { throw Fault.value("“**” takes a dictionary with names") }
        values.named.append((name, value))
      }
    }
    return values
  }

  func call(_ callee: Value, _ arguments: Arguments) throws -> Value {
    switch callee {
    case .undefined(let name): throw Fault(.undefined, "\(name) is undefined, and called")
    case .object(let function as Function):
      guard let body = function.body else {
        throw Fault(.unsupported, "“\(function.name)” would change a value, which templates must not do")
      }
      return try body(self, arguments)
    case .object(let macro as MacroValue): return try call(macro, arguments)
    default: throw Fault.value("\(callee.typeName) cannot be called")
    }
  }

  private func call(_ value: MacroValue, _ arguments: Arguments) throws -> Value {
    let macro = value.macro
    let names = macro.parameters.map(\.name)
    let others = Array(arguments.positional.dropFirst(names.count))
    guard others.isEmpty || macro.extras.contains("varargs") else {
      throw Fault.value("the macro “\(macro.name)” takes at most \(names.count) arguments")
    }
    var given = Dictionary(zip(names, arguments.positional)) { $1 }
    var rest: [(Value, Value)] = []
    for (name, value) in arguments.named {
      if names.contains(name) || name == "caller" && macro.extras.contains(name) {
        guard given.updateValue(value, forKey: name) == nil else {
          throw Fault.value("the macro “\(macro.name)” is given “\(name)” twice")
        }
      } else if macro.extras.contains("kwargs") {
        rest.append((.string(name), value))
      } else {
        throw Fault.value("the macro “\(macro.name)” has no parameter “\(name)”")
      }
    }
    let remaining = try (list(others, isTuple: true), dictionary(rest))
    let text = try captured {
      let outerLoop = loopDepth
      loopDepth = 0
      defer { loopDepth = outerLoop }
      try scoped(value.scope) {
        scope.variables["varargs"] = remaining.0
        scope.variables["kwargs"] = remaining.1
        scope.variables["caller"] = given["caller"] ?? .undefined("“caller”")
        for (name, initial) in macro.parameters {
          scope.variables[name] = try given[name] ?? initial.map { try evaluate($0) } ?? .undefined("“\(name)”")
        }
        try run(macro.body)
      }
    }
    return try string(text)
  }
}
