/// A value with a text form: `init(parsing:)` reads what `description` writes as the same value, and `Codable` writes the text.
public protocol MaskText: LosslessStringConvertible, Codable {
  /// The value that a text stands for.
  ///
  /// - Throws: `MaskSyntaxError`, which points at the mistake.
  init(parsing text: String) throws(MaskSyntaxError)
}

extension MaskText {
  public init?(_ description: String) {
    guard let value = try? Self(parsing: description) else { return nil }
    self = value
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    do {
      try self.init(parsing: try container.decode(String.self))
    } catch let error as MaskSyntaxError {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: error.description)
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}

/// A mistake in the text of a mask, and where it is.
public struct MaskSyntaxError: Error, Hashable, Sendable, CustomStringConvertible {
  public let text: String
  /// Counted in characters from 1.
  public let column: Int
  public let message: String

  /// The message, the text, and a caret under the mistake.
  public var description: String {
    "column \(column): \(message)\n  \(text)\n  \(String(repeating: " ", count: column - 1))^"
  }
}
