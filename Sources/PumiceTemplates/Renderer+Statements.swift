extension Renderer {
  /// How a block was left.
  enum Flow { case end, stop, next }

  @discardableResult
  func run(_ statements: [Statement]) throws -> Flow {
    for statement in statements {
      let flow: Flow
      do {
        try spend(1)
        flow = try nested { try run(statement) }
      } catch let fault as Fault {
        throw fault.at(statement.position)
      }
      guard flow == .end else { return flow }
    }
    return .end
  }

  private func run(_ statement: Statement) throws -> Flow {
    switch statement.kind {
    case .text(let text): try write(text)
    case .output(let expression): try write(try text(of: try evaluate(expression)))
    case .choice(let branches, let otherwise):
      for (condition, body) in branches where try evaluate(condition).isTrue { return try run(body) }
      return try run(otherwise)
    case .loop(let loop): try run(loop)
    case .set(let target, let expression): try assign(try evaluate(expression), to: target)
    case .setBlock(let target, let filter, let body):
      let text = try captured { _ = try scoped { try run(body) } }
      try assign(try filtered(.string(text), by: filter), to: target)
    case .macro(let macro): scope.variables[macro.name] = .object(try capture(macro))
    case .call(let call, let block):
      guard case .call(let callee, let arguments) = call.kind else { break }
      var evaluated = try self.arguments(arguments)
      evaluated.named.append(("caller", .object(try capture(block))))
      try write(try text(of: try self.call(try evaluate(callee), evaluated)))
    case .filter(let filter, let body):
      let text = try captured { _ = try scoped { try run(body) } }
      try write(try self.text(of: try filtered(.string(text), by: filter)))
    case .with(let values, let body):
      let evaluated = try values.map { try evaluate($0.1) }
      return try scoped {
        for ((target, _), value) in zip(values, evaluated) { try assign(value, to: target) }
        return try run(body)
      }
    case .scope(let body): return try scoped { try run(body) }
    case .stop: return .stop
    case .next: return .next
    }
    return .end
  }

  /// A text after the filters of a block.
  private func filtered(_ text: Value, by filter: Expression?) throws -> Value {
    guard let filter, case .filter(let inner, let name, let arguments) = filter.kind else { return text }
    let input = try nested { try filtered(text, by: inner) }
    do { return try apply(name, to: input, try self.arguments(arguments)) } catch let fault as Fault {
      throw fault.at(filter.position)
    }
  }

  private func run(_ loop: Statement.Loop) throws {
    var elements = try elements(of: try evaluate(loop.source))
    if let condition = loop.condition {
      elements = try elements.filter { element in
        try scoped {
          try assign(element, to: loop.target)
          return try evaluate(condition).isTrue
        }
      }
    }
    if elements.isEmpty {
      _ = try scoped { try run(loop.otherwise) }
      return
    }
    let state = LoopState(elements, level: loopDepth)
    loopDepth += 1
    defer { loopDepth -= 1 }
    for (index, element) in elements.enumerated() {
      try spend(1)
      state.index = index
      let flow = try scoped {
        scope.variables["loop"] = .object(state)
        try assign(element, to: loop.target)
        return try run(loop.body)
      }
      if flow == .stop { break }
    }
  }

  func assign(_ value: Value, to target: Target) throws {
    switch target {
    case .name(let name): scope.variables[name] = value
    case .attribute(let name, let attribute):
      guard case .object(let object)? = scope.value(of: name), let namespace = object as? Namespace else {
        throw Fault.value("“\(name)” is no namespace, so its attributes cannot be set")
      }
      namespace.attributes[attribute] = value
    case .several(let targets):
      let elements = try elements(of: value)
      guard elements.count == targets.count else {
        throw Fault.value("there are \(elements.count) values for \(targets.count) names")
      }
      for (target, element) in zip(targets, elements) { try assign(element, to: target) }
    }
  }

  /// What a loop goes through.
  func elements(of value: Value) throws -> [Value] {
    switch value {
    case .undefined: return []
    case .list(let list): return list.elements
    case .dictionary(let dictionary): return dictionary.keys
    case .string(let text):
      try spend(text.utf8.count)
      return text.unicodeScalars.map { .string(String($0)) }
    case .object(let object as Generator): return object.take()
    case .none, .bool, .integer, .number, .object: throw Fault.value("\(value.typeName) has no elements")
    }
  }
}
