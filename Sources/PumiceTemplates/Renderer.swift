import Foundation

/// Runs the statements of one template once.
final class Renderer {
  /// How deep evaluation may be nested: this bounds the stack.
  static let maximumDepth = 500
  /// How deep lists and dictionaries may be nested.
  static let maximumValueDepth = 100

  let limits: Template.Limits
  let now: Date
  private var steps = 0
  private var depth = 0
  private(set) var output = ""
  private(set) var scope = Scope(parent: nil)
  var loopDepth = 0
  /// Everything that may refer to other values in a circle or a long chain.
  private var objects: [Object] = []
  private var capturedScopes: [Scope] = []

  init(limits: Template.Limits, now: Date) {
    self.limits = limits
    self.now = now
  }

  func render(_ statements: [Statement], _ variables: [String: TemplateValue]) throws -> String {
    do {
      for (name, value) in variables { scope.variables[name] = try self.value(of: value) }
    } catch let fault as Fault {
      throw fault.at(Position(line: 1, column: 1))
    }
    // What a template sets at its top hides the variables that it was given.
    scope = Scope(parent: scope)
    try run(statements)
    return output
  }

  func dispose() {
    for object in objects { object.dispose() }
    for scope in capturedScopes { scope.variables = [:] }
    scope.variables = [:]
  }

  // MARK: Bounds

  func spend(_ count: Int) throws {
    guard count <= limits.steps - steps else {
      throw Fault(.limit, "the template takes more than \(limits.steps) steps")
    }
    steps += count
  }

  func nested<T>(_ body: () throws -> T) throws -> T {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.maximumDepth else {
      throw Fault(.limit, "evaluation is nested more than \(Self.maximumDepth) deep")
    }
    return try body()
  }

  func write(_ text: String) throws {
    try spend(text.utf8.count / 16)
    guard output.utf8.count + text.utf8.count <= limits.bytes else {
      throw Fault(.limit, "the text has more than \(limits.bytes) bytes")
    }
    output += text
  }

  /// The text that `body` writes.
  func captured(_ body: () throws -> Void) throws -> String {
    let outer = output
    output = ""
    defer { output = outer }
    try body()
    return output
  }

  /// Calls `body` with variables of its own.
  func scoped<T>(_ parent: Scope? = nil, _ body: () throws -> T) throws -> T {
    let outer = scope
    scope = Scope(parent: parent ?? outer)
    defer { scope = outer }
    return try body()
  }

  // MARK: Making values

  func string(_ text: String) throws -> Value {
    try spend(text.utf8.count / 16)
    guard text.utf8.count <= limits.bytes else { throw Fault(.limit, "a text has more than \(limits.bytes) bytes") }
    return .string(text)
  }

  func list(_ elements: [Value], isTuple: Bool = false) throws -> Value {
    try spend(elements.count)
    let depth = try self.depth(of: elements)
    return .list(.init(elements, isTuple: isTuple, depth: depth))
  }

  func generator(_ elements: [Value]) throws -> Value {
    try spend(elements.count)
    return .object(keep(Generator(elements)))
  }

  func dictionary(_ pairs: [(Value, Value)]) throws -> Value {
    try spend(2 * pairs.count)
    var keys: [Value] = [], values: [Value] = [], positions: [Value.Key: Int] = [:]
    for (key, value) in pairs {
      let known = try Value.Key(key)
      if let position = positions[known] {
        values[position] = value
      } else {
        positions[known] = keys.count
        keys.append(key)
        values.append(value)
      }
    }
    let depth = try self.depth(of: keys + values)
    return .dictionary(.init(keys: keys, values: values, positions: positions, depth: depth))
  }

  func keep<O: Object>(_ object: O) -> O {
    objects.append(object)
    return object
  }

  func capture(_ macro: Statement.Macro) throws -> MacroValue {
    try spend(100)
    capturedScopes.append(scope)
    return keep(MacroValue(macro, scope))
  }

  private func depth(of elements: [Value]) throws -> Int {
    let depth = 1 + (elements.lazy.map(\.depth).max() ?? 0)
    guard depth <= Self.maximumValueDepth else {
      throw Fault(.limit, "lists are nested more than \(Self.maximumValueDepth) deep")
    }
    return depth
  }

  private func value(of given: TemplateValue, depth: Int = 0) throws -> Value {
    guard depth <= Self.maximumValueDepth else {
      throw Fault(.limit, "a variable is nested more than \(Self.maximumValueDepth) deep")
    }
    switch given {
    case .none: return .none
    case .bool(let value): return .bool(value)
    case .integer(let value): return .integer(value)
    case .number(let value): return .number(value)
    case .string(let text): return .string(text)
    case .list(let elements): return try list(elements.map { try value(of: $0, depth: depth + 1) })
    case .dictionary(let entries):
      return try dictionary(entries.map { (.string($0.key), try value(of: $0.value, depth: depth + 1)) })
    }
  }
}
