import Synchronization

/// A function of the user's: a GLSL expression for shaders, and the same in Swift as the reference.
///
/// The expression may span lines. Two functions are equal if their names and expressions are: the closure cannot be compared.
public struct UserFunction<Evaluate: Sendable>: Hashable, Sendable {
  /// How the text form calls it: letters, digits and underscores, no digit first.
  public let name: String
  public let glsl: String
  public let evaluate: Evaluate

  public init(_ name: String, glsl: String, evaluate: Evaluate) {
    self.name = name
    self.glsl = glsl
    self.evaluate = evaluate
  }

  public static func == (a: UserFunction, b: UserFunction) -> Bool { a.name == b.name && a.glsl == b.glsl }
  public func hash(into hasher: inout Hasher) {
    hasher.combine(name)
    hasher.combine(glsl)
  }

  /// Makes the function known by its name, so that `user(name)` in a text means it, and what was encoded with it can be
  /// decoded.
  ///
  /// - Throws: `AttentionMaskError.function` if the name cannot be written, there is no expression, or another function
  ///   has that name.
  public static func register(_ function: UserFunction) throws(AttentionMaskError) {
    try function.validate()
    let known = registry.withLock { functions in
      let known = functions[Self.key(function.name)]
      if known == nil { functions[Self.key(function.name)] = function }
      return known as? UserFunction
    }
    if let known, known != function {
      throw .function(name: function.name, reason: "is registered with another expression: \(known.glsl)")
    }
  }

  /// The function that was registered by that name.
  public static func registered(_ name: String) -> UserFunction? {
    registry.withLock { $0[key(name)] as? UserFunction }
  }

  private static func key(_ name: String) -> RegistryKey { RegistryKey(kind: ObjectIdentifier(Self.self), name: name) }

  /// Throws unless the name can be written in a text and there is an expression.
  func validate() throws(AttentionMaskError) {
    let isName = name.utf8.first.map(isWordStart) == true && name.utf8.allSatisfy { isWordStart($0) || isDigit($0) }
    if !isName { throw .function(name: name, reason: "needs a name of letters, digits and underscores") }
    if glsl.allSatisfy(\.isWhitespace) { throw .function(name: name, reason: "has no expression") }
  }
}

/// A mask: whether the query of a head sees a key, of head, query, key and length of the sequence. The expression is a `bool`
/// made of `uint head`, `int query`, `int key` and `int length`, for instance `((query ^ key) & 1) == 0`.
public typealias MaskFunction = UserFunction<@Sendable (Int, Int, Int, Int) -> Bool>

/// A change of scores: the changed score, of score, head, query and key. The expression is a `float` made of `float score`,
/// `uint head`, `int query` and `int key`.
public typealias ScoreFunction = UserFunction<@Sendable (Double, Int, Int, Int) -> Double>

/// A mask and a change of scores may have the same name.
private struct RegistryKey: Hashable {
  let kind: ObjectIdentifier
  let name: String
}

private let registry = Mutex<[RegistryKey: any Sendable]>([:])

func isDigit(_ byte: UInt8) -> Bool { UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte }
func isWordStart(_ byte: UInt8) -> Bool {
  UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte || UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte
    || byte == UInt8(ascii: "_")
}
