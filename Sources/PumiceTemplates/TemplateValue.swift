package import PumiceModelFiles

/// What a template is rendered with.
public enum TemplateValue: Hashable, Sendable {
  case none
  case bool(Bool)
  case integer(Int)
  case number(Double)
  case string(String)
  case list([TemplateValue])
  /// Keys in their order; of a key that occurs twice the last value counts.
  case dictionary([Entry])

  /// A key of a dictionary with its value.
  public struct Entry: Hashable, Sendable {
    public var key: String
    public var value: TemplateValue

    public init(_ key: String, _ value: TemplateValue) {
      self.key = key
      self.value = value
    }
  }

  /// The same value as in JSON.
  package init(_ json: JSONValue) {
    switch json {
    case .null: self = .none
    case .bool(let value): self = .bool(value)
    case .integer(let value): self = .integer(value)
    case .number(let value): self = .number(value)
    case .string(let value): self = .string(value)
    case .array(let values): self = .list(values.map { TemplateValue($0) })
    case .object(let object): self = .dictionary(object.members.map { Entry($0.name, TemplateValue($0.value)) })
    }
  }
}

extension TemplateValue: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByFloatLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
  public init(stringLiteral value: String) { self = .string(value) }
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  public init(integerLiteral value: Int) { self = .integer(value) }
  public init(floatLiteral value: Double) { self = .number(value) }
  public init(arrayLiteral elements: TemplateValue...) { self = .list(elements) }
  public init(dictionaryLiteral elements: (String, TemplateValue)...) {
    self = .dictionary(elements.map { Entry($0, $1) })
  }
  public init(nilLiteral: ()) { self = .none }
}
