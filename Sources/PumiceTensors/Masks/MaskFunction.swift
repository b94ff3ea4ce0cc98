import Synchronization

/// A mask of the user's: a GLSL expression for shaders, and the same in Swift as the reference.
///
/// The expression is a `bool` made of `uint head`, `int query`, `int key` and `int length`, for instance
/// `((query ^ key) & 1) == 0`; it may span lines. Two functions are equal if their names and expressions are: the closure
/// cannot be compared.
public struct MaskFunction: Hashable, Sendable {
  /// How the text form calls it: letters, digits and underscores, no digit first.
  public let name: String
  public let glsl: String
  /// Whether the query of a head sees a key: head, query, key, length of the sequence.
  public let evaluate: @Sendable (Int, Int, Int, Int) -> Bool

  public init(_ name: String, glsl: String, evaluate: @escaping @Sendable (Int, Int, Int, Int) -> Bool) {
    self.name = name
    self.glsl = glsl
    self.evaluate = evaluate
  }

  public static func == (a: MaskFunction, b: MaskFunction) -> Bool { a.name == b.name && a.glsl == b.glsl }
  public func hash(into hasher: inout Hasher) {
    hasher.combine(name)
    hasher.combine(glsl)
  }

  private static let functions = Mutex<[String: MaskFunction]>([:])

  /// Makes the function known by its name, so that `user(name)` in a text means it.
  ///
  /// - Throws: `AttentionMaskError.function` if the name cannot be written, there is no expression, or another function
  ///   has that name.
  public static func register(_ function: MaskFunction) throws(AttentionMaskError) {
    try function.validate()
    let known = functions.withLock { functions in
      let known = functions[function.name]
      if known == nil { functions[function.name] = function }
      return known
    }
    if let known, known != function {
      throw .function(name: function.name, reason: "is registered with another expression: \(known.glsl)")
    }
  }

  /// The function that was registered by that name.
  public static func registered(_ name: String) -> MaskFunction? { functions.withLock { $0[name] } }

  func validate() throws(AttentionMaskError) { try validateFunction(name: name, glsl: glsl) }
}

/// Throws unless the name can be written in a text and there is an expression.
func validateFunction(name: String, glsl: String) throws(AttentionMaskError) {
  let isName = name.utf8.first.map(isWordStart) == true && name.utf8.allSatisfy { isWordStart($0) || isDigit($0) }
  if !isName { throw .function(name: name, reason: "needs a name of letters, digits and underscores") }
  if glsl.allSatisfy(\.isWhitespace) { throw .function(name: name, reason: "has no expression") }
}

func isDigit(_ byte: UInt8) -> Bool { UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte }
func isWordStart(_ byte: UInt8) -> Bool {
  UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte || UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte
    || byte == UInt8(ascii: "_")
}
