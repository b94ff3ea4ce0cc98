/// The tests, by name.
extension Renderer {
  private static let plainTests: Set = [
    "defined", "undefined", "none", "boolean", "true", "false", "integer", "float", "number", "string", "mapping",
    "callable", "iterable", "sequence", "even", "odd", "lower", "upper", "filter", "test",
  ]

  private static let comparisons: [String: Expression.Comparison] = [
    "==": .equal, "eq": .equal, "equalto": .equal, "!=": .notEqual, "ne": .notEqual, "<": .less, "lt": .less,
    "lessthan": .less, "<=": .lessOrEqual, "le": .lessOrEqual, ">": .greater, "gt": .greater, "greaterthan": .greater,
    ">=": .greaterOrEqual, "ge": .greaterOrEqual, "in": .in,
  ]

  private static func isTest(_ name: String) -> Bool {
    plainTests.contains(name) || comparisons[name] != nil || name == "divisibleby" || name == "sameas"
  }

  /// - Throws: `unsupported` for a test that is not there.
  func test(_ name: String, _ input: Value, _ arguments: Arguments) throws -> Bool {
    guard Self.isTest(name) else { throw Fault(.unsupported, "there is no test “\(name)”") }
    let count = Self.plainTests.contains(name) ? 0 : 1
    guard arguments.positional.count == count, arguments.named.isEmpty else {
      throw Fault.value("the test “\(name)” takes \(count == 0 ? "no argument" : "one argument")")
    }
    guard let operand = arguments.positional.first else { return try test(name, input) }
    if let comparison = Self.comparisons[name] { return try holds(comparison, input, operand) }
    return try name == "sameas" ? isSame(input, operand) : remainder(input, operand) == 0
  }

  private func test(_ name: String, _ input: Value) throws -> Bool {
    switch (name, input) {
    case ("defined", _): return !input.isUndefined
    case ("undefined", _): return input.isUndefined
    case ("even", _): return try remainder(input, .integer(2)) == 0
    case ("odd", _): return try remainder(input, .integer(2)) == 1
    case ("lower", _): return Self.isCased(try text(of: input)) { $0.properties.isLowercase }
    case ("upper", _): return Self.isCased(try text(of: input)) { $0.properties.isUppercase }
    case ("number", _): return input.numeric != nil
    case ("iterable", _): return input.isIterable
    case ("filter", .string(let name)):
      return [Self.valueFilters, Self.textFilters, Self.sequenceFilters].contains { $0[name] != nil }
    case ("test", .string(let name)): return Self.isTest(name)
    case ("sequence", .object): return false
    case ("sequence", _): return input.isIterable
    case ("callable", .object(let object)): return object is Function || object is MacroValue
    case ("none", .none), ("boolean", .bool), ("true", .bool(true)), ("false", .bool(false)), ("integer", .integer),
      ("float", .number), ("string", .string), ("mapping", .dictionary):
      return true
    default: return false
    }
  }

  private func remainder(_ value: Value, _ divisor: Value) throws -> Double? {
    try operation(.modulo, value, divisor).numeric
  }

  private func isSame(_ left: Value, _ right: Value) throws -> Bool {
    switch (left, right) {
    case (.bool, .bool), (.none, .none), (.string, .string), (.integer, .integer), (.number, .number):
      return try isEqual(left, right)
    case (.list(let a), .list(let b)): return a === b
    case (.dictionary(let a), .dictionary(let b)): return a === b
    case (.object(let a), .object(let b)): return a === b
    default: return false
    }
  }
}

extension Value {
  fileprivate var isIterable: Bool {
    switch self {
    case .undefined, .string, .list, .dictionary: true
    case .object(let object): object is Generator
    case .none, .bool, .integer, .number: false
    }
  }
}
