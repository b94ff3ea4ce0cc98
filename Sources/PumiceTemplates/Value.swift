/// A value while a template is rendered. Lists and dictionaries never change.
enum Value {
  /// Nothing; the text says what was not there.
  case undefined(String)
  case none
  case bool(Bool)
  case integer(Int)
  case number(Double)
  case string(String)
  case list(List)
  case dictionary(Dictionary)
  case object(Object)

  /// The elements of a list or tuple.
  final class List {
    let elements: [Value]
    let isTuple: Bool
    /// How deep lists are nested in it: bounded, so that whatever walks over values may recurse.
    let depth: Int

    init(_ elements: [Value], isTuple: Bool, depth: Int) {
      self.elements = elements
      self.isTuple = isTuple
      self.depth = depth
    }
  }

  /// Keys and values in their order.
  final class Dictionary {
    let keys: [Value]
    let values: [Value]
    let depth: Int
    private let positions: [Key: Int]

    init(keys: [Value], values: [Value], positions: [Key: Int], depth: Int) {
      self.keys = keys
      self.values = values
      self.positions = positions
      self.depth = depth
    }

    subscript(key: Key) -> Value? { positions[key].map { values[$0] } }
    subscript(name: String) -> Value? { self[.string(Array(name.utf8))] }
  }

  /// What a dictionary's keys are compared by.
  enum Key: Hashable {
    case none
    case integer(Int)
    case number(Double)
    /// UTF-8: `String` takes canonically equivalent texts for equal, Python does not.
    case string([UInt8])
    case tuple([Key])
    case object(ObjectIdentifier)

    /// - Throws: `invalidValue` for a list or dictionary.
    init(_ value: Value) throws {
      switch value {
      case .none: self = .none
      case .bool(let value): self = .integer(value ? 1 : 0)
      case .integer(let value): self = .integer(value)
      case .number(let value): self = Int(exactly: value).map { .integer($0) } ?? .number(value)
      case .string(let text): self = .string(Array(text.utf8))
      case .list(let list) where list.isTuple: self = .tuple(try list.elements.map { try Key($0) })
      case .object(let object): self = .object(ObjectIdentifier(object))
      case .list, .dictionary, .undefined: throw Fault.value("\(value.typeName) cannot be a key")
      }
    }
  }

  static func constant(_ literal: Expression.Literal) -> Value {
    switch literal {
    case .none: .none
    case .bool(let value): .bool(value)
    case .integer(let value): .integer(value)
    case .number(let value): .number(value)
    case .string(let value): .string(value)
    }
  }

  /// What it is, for messages.
  var typeName: String {
    switch self {
    case .undefined(let name): "\(name), which is undefined,"
    case .none: "none"
    case .bool: "a boolean"
    case .integer: "an integer"
    case .number: "a number"
    case .string: "a string"
    case .list(let list): list.isTuple ? "a tuple" : "a list"
    case .dictionary: "a dictionary"
    case .object(let object): object.typeName
    }
  }

  /// Whether it holds as a condition.
  var isTrue: Bool {
    switch self {
    case .undefined, .none: false
    case .bool(let value): value
    case .integer(let value): value != 0
    case .number(let value): value != 0
    case .string(let text): !text.isEmpty
    case .list(let list): !list.elements.isEmpty
    case .dictionary(let dictionary): !dictionary.keys.isEmpty
    case .object: true
    }
  }

  var isUndefined: Bool { if case .undefined = self { true } else { false } }

  /// How deep lists and dictionaries are nested.
  var depth: Int {
    switch self {
    case .list(let list): list.depth
    case .dictionary(let dictionary): dictionary.depth
    case .object(let object): object.depth
    default: 0
    }
  }

  /// The value as a number: booleans are 0 and 1.
  var numeric: Double? {
    switch self {
    case .bool(let value): value ? 1 : 0
    case .integer(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }

  /// The value as an integer, if it is one in Python: booleans are 0 and 1.
  var wholeNumber: Int? {
    switch self {
    case .bool(let value): value ? 1 : 0
    case .integer(let value): value
    default: nil
    }
  }
}

// MARK: Objects

/// A value with an identity.
class Object {
  var typeName: String { "an object" }
  var depth: Int { 0 }
  /// Lets go of other values, so that no chain of them is ever released link by link.
  func dispose() {}
}

/// `namespace()`: attributes that blocks may set.
final class Namespace: Object {
  var attributes: [String: Value] = [:]
  override var typeName: String { "a namespace" }
  override func dispose() { attributes = [:] }
}

/// The elements of a sequence that can be gone through once.
final class Generator: Object {
  private var elements: [Value]

  init(_ elements: [Value]) { self.elements = elements }

  func take() -> [Value] {
    defer { elements = [] }
    return elements
  }

  override var typeName: String { "a generator" }
  override func dispose() { elements = [] }
}

/// The variable `loop`.
final class LoopState: Object {
  let elements: [Value]
  /// How many loops there are around this one.
  let level: Int
  var index = 0
  private let elementDepth: Int

  init(_ elements: [Value], level: Int) {
    self.elements = elements
    self.level = level
    elementDepth = elements.lazy.map(\.depth).max() ?? 0
  }

  override var typeName: String { "a loop" }
  override var depth: Int { elementDepth + 1 }
}

/// Something that can be called.
final class Function: Object {
  typealias Body = (Renderer, Arguments) throws -> Value
  let name: String
  let body: Body?
  private let receiverDepth: Int

  /// - Parameter body: nil for a method that would change its receiver, which templates must not.
  init(_ name: String, depth: Int = 0, _ body: Body?) {
    self.name = name
    self.body = body
    receiverDepth = depth
  }

  override var typeName: String { "the function “\(name)”" }
  override var depth: Int { receiverDepth }
}

/// A macro with the variables that it sees.
final class MacroValue: Object {
  let macro: Statement.Macro
  var scope: Scope?

  init(_ macro: Statement.Macro, _ scope: Scope) {
    self.macro = macro
    self.scope = scope
  }

  override var typeName: String { "the macro “\(macro.name)”" }
  override func dispose() { scope = nil }
}

/// Variables, and those around them.
final class Scope {
  let parent: Scope?
  var variables: [String: Value] = [:]

  init(parent: Scope?) { self.parent = parent }

  func value(of name: String) -> Value? {
    var scope: Scope? = self
    while let here = scope {
      if let value = here.variables[name] { return value }
      scope = here.parent
    }
    return nil
  }
}
