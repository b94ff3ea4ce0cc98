/// Reads keys of an object in a configuration file, and names them in errors.
package struct ConfigurationReader {
  package let file: String
  /// The path of the object in the file, with a dot at its end; empty for the outermost.
  package let prefix: String
  package let object: JSONObject

  init(file: String, prefix: String, object: JSONObject) {
    self.file = file
    self.prefix = prefix
    self.object = object
  }

  /// Whether something of that name is there.
  package static func exists(_ path: String) -> Bool { FileBytes.exists(path) }

  /// Reads a file whose value is an object.
  ///
  /// - Throws: what is wrong with the file.
  package init(path: String) throws(ModelFileError) {
    guard case .object(let object) = try JSONValue(reading: path) else {
      throw ModelFileError(file: path, code: .invalidMetadata, detail: "the file is not a JSON object")
    }
    self.init(file: path, prefix: "", object: object)
  }

  /// The text of a whole file.
  ///
  /// - Throws: what is wrong with the file.
  package static func text(path: String) throws(ModelFileError) -> String {
    let bytes = try FileBytes(mapping: path)
    // The mapping ends with the last use of the object, not of its buffer.
    defer { withExtendedLifetime(bytes) {} }
    guard let text = String(validating: bytes.buffer, as: UTF8.self) else {
      throw ModelFileError(file: path, code: .invalidMetadata, detail: "the file is not UTF-8 text")
    }
    return text
  }

  /// Reads a text that is an object.
  ///
  /// - Parameter file: where the text is from, for messages.
  package init(text: String, file: String) throws(ModelFileError) {
    guard case .object(let object) = try JSONValue(parsing: text, from: file) else {
      throw ModelFileError(file: file, code: .invalidMetadata, detail: "the file is not a JSON object")
    }
    self.init(file: file, prefix: "", object: object)
  }

  package func failure(_ code: ModelFileError.Code, _ key: String, _ detail: String) -> ModelFileError {
    ModelFileError(file: file, code: code, subject: "key \(prefix)\(key)", detail: detail)
  }

  /// The value of a key; nil where it is absent or null.
  package func value(_ key: String) -> JSONValue? {
    guard let value = object[key], value != .null else { return nil }
    return value
  }

  private func wrongType(_ key: String, _ value: JSONValue, _ expected: String) -> ModelFileError {
    failure(.wrongKeyType, key, "is \(value.typeName), expected \(expected)")
  }

  private func required<T>(_ key: String, _ value: T?) throws(ModelFileError) -> T {
    guard let value else { throw failure(.missingKey, key, "the file does not have it") }
    return value
  }

  /// - Throws: `missingKey` or `wrongKeyType`.
  package func integer(_ key: String) throws(ModelFileError) -> Int { try required(key, optionalInteger(key)) }

  /// - Throws: `wrongKeyType`.
  package func optionalInteger(_ key: String) throws(ModelFileError) -> Int? {
    switch value(key) {
    case nil: return nil
    case .integer(let value): return value
    case let value?: throw wrongType(key, value, "an integer")
    }
  }

  /// A number, whole or not.
  ///
  /// - Throws: `wrongKeyType`.
  package func optionalNumber(_ key: String) throws(ModelFileError) -> Double? {
    switch value(key) {
    case nil: return nil
    case .integer(let value): return Double(value)
    case .number(let value): return value
    case let value?: throw wrongType(key, value, "a number")
    }
  }

  /// - Throws: `wrongKeyType`.
  package func optionalArray(_ key: String) throws(ModelFileError) -> [JSONValue]? {
    switch value(key) {
    case nil: return nil
    case .array(let values): return values
    case let value?: throw wrongType(key, value, "an array")
    }
  }

  /// - Throws: `wrongKeyType`.
  package func optionalString(_ key: String) throws(ModelFileError) -> String? {
    switch value(key) {
    case nil: return nil
    case .string(let value): return value
    case let value?: throw wrongType(key, value, "a string")
    }
  }

  /// - Throws: `wrongKeyType`.
  package func optionalBool(_ key: String) throws(ModelFileError) -> Bool? {
    switch value(key) {
    case nil: return nil
    case .bool(let value): return value
    case let value?: throw wrongType(key, value, "a boolean")
    }
  }

  /// - Throws: `wrongKeyType`.
  package func optionalObject(_ key: String) throws(ModelFileError) -> ConfigurationReader? {
    switch value(key) {
    case nil: return nil
    case .object(let value): return ConfigurationReader(file: file, prefix: "\(prefix)\(key).", object: value)
    case let value?: throw wrongType(key, value, "an object")
    }
  }

  /// An element of an array that is an object.
  package func element(_ key: String, _ object: JSONObject) -> ConfigurationReader {
    ConfigurationReader(file: file, prefix: "\(prefix)\(key).", object: object)
  }
}
