/// Why a template cannot be read or rendered, and where in its text.
public struct TemplateError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What kind of failure it is. The set may grow: a `switch` over it needs a `default`.
  public struct Code: RawRepresentable, Hashable, Sendable {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }

    /// The text is no template.
    public static let syntax = Code(rawValue: "syntax")
    /// A variable, attribute or element that is not there was used as if it were.
    public static let undefined = Code(rawValue: "undefined")
    /// A value is of a kind that the operation does not take, or outside its range.
    public static let invalidValue = Code(rawValue: "invalidValue")
    /// There is no filter, test, statement or method of that name.
    public static let unsupported = Code(rawValue: "unsupported")
    /// The template is nested too deep, runs too long or makes too much text.
    public static let limit = Code(rawValue: "limit")
    /// The template called `raise_exception`: it refuses the conversation, and `detail` are its own words.
    public static let raised = Code(rawValue: "raised")
  }

  public var code: Code
  /// From 1.
  public var line: Int
  /// In Unicode scalars, from 1.
  public var column: Int
  public var detail: String

  public init(code: Code, line: Int, column: Int, detail: String) {
    self.code = code
    self.line = line
    self.column = column
    self.detail = detail
  }

  /// One line: `template line 3, column 7: there is no filter “uper”`.
  public var description: String {
    let words = detail.split(whereSeparator: \.isNewline).joined(separator: " ")
    return "template line \(line), column \(column): \(words)"
  }
}

/// A place in the text of a template.
struct Position: Hashable, Sendable {
  var line: Int
  var column: Int
}

/// A failure whose place the caller knows.
struct Fault: Error {
  var code: TemplateError.Code
  var detail: String

  init(_ code: TemplateError.Code, _ detail: String) {
    self.code = code
    self.detail = detail
  }

  static func value(_ detail: String) -> Fault { Fault(.invalidValue, detail) }

  func at(_ position: Position) -> TemplateError {
    TemplateError(code: code, line: position.line, column: position.column, detail: detail)
  }
}
