/// A JSON value, as the headers and configurations of models hold it.
package enum JSONValue: Hashable, Sendable {
  case null
  case bool(Bool)
  /// A number without fraction or exponent that an `Int` holds.
  case integer(Int)
  /// Any other number, rounded to binary64.
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object(JSONObject)

  /// What it is, for messages.
  package var typeName: String {
    switch self {
    case .null: "null"
    case .bool: "a boolean"
    case .integer: "an integer"
    case .number: "a number"
    case .string: "a string"
    case .array: "an array"
    case .object: "an object"
    }
  }
}

extension JSONValue {
  /// The value that a file is.
  ///
  /// - Throws: what is wrong with the file.
  package init(reading path: String) throws(ModelFileError) {
    let bytes = try FileBytes(mapping: path)
    let result = withExtendedLifetime(bytes) {
      Result { () throws(ModelFileError) in try JSONParser.parse(bytes.buffer, of: path, as: "the file") }
    }
    self = try result.get()
  }

  /// The value that a text is.
  ///
  /// - Parameter name: where the text is from, for messages.
  /// - Throws: `invalidMetadata`.
  package init(parsing text: String, from name: String) throws(ModelFileError) {
    var text = text
    let result = text.withUTF8 { bytes in
      Result { () throws(ModelFileError) in
        try JSONParser.parse(UnsafeRawBufferPointer(bytes), of: name, as: "the text")
      }
    }
    self = try result.get()
  }
}

/// Names and values in the order of the text; no name occurs twice.
package struct JSONObject: Hashable, Sendable {
  package private(set) var members: [(name: String, value: JSONValue)] = []
  /// By the bytes of names: strings that Unicode takes for equal may be two tokens of a vocabulary.
  private var positions: [[UInt8]: Int] = [:]

  package init() {}

  package subscript(name: String) -> JSONValue? { positions[Array(name.utf8)].map { members[$0].value } }

  /// - Returns: whether the name is new; if it is not, nothing changes.
  mutating func insert(_ name: String, _ value: JSONValue) -> Bool {
    let key = Array(name.utf8)
    guard positions[key] == nil else { return false }
    positions[key] = members.count
    members.append((name, value))
    return true
  }

  package static func == (a: JSONObject, b: JSONObject) -> Bool {
    a.members.elementsEqual(b.members) { $0 == $1 }
  }

  package func hash(into hasher: inout Hasher) {
    for member in members {
      hasher.combine(member.name)
      hasher.combine(member.value)
    }
  }
}
