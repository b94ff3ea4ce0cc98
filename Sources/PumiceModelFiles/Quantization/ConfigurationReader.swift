/// Reads keys of an object in a configuration file, and names them in errors.
struct ConfigurationReader {
  let file: String
  /// The path of the object in the file, with a dot at its end; empty for the outermost.
  let prefix: String
  let object: JSONObject

  func failure(_ code: ModelFileError.Code, _ key: String, _ detail: String) -> ModelFileError {
    ModelFileError(file: file, code: code, subject: "key \(prefix)\(key)", detail: detail)
  }

  /// The value of a key; nil where it is absent or null.
  func value(_ key: String) -> JSONValue? {
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
  func integer(_ key: String) throws(ModelFileError) -> Int { try required(key, optionalInteger(key)) }

  /// - Throws: `wrongKeyType`.
  func optionalInteger(_ key: String) throws(ModelFileError) -> Int? {
    switch value(key) {
    case nil: return nil
    case .integer(let value): return value
    case let value?: throw wrongType(key, value, "an integer")
    }
  }

  /// - Throws: `wrongKeyType`.
  func optionalString(_ key: String) throws(ModelFileError) -> String? {
    switch value(key) {
    case nil: return nil
    case .string(let value): return value
    case let value?: throw wrongType(key, value, "a string")
    }
  }

  /// - Throws: `wrongKeyType`.
  func optionalBool(_ key: String) throws(ModelFileError) -> Bool? {
    switch value(key) {
    case nil: return nil
    case .bool(let value): return value
    case let value?: throw wrongType(key, value, "a boolean")
    }
  }

  /// - Throws: `wrongKeyType`.
  func optionalObject(_ key: String) throws(ModelFileError) -> ConfigurationReader? {
    switch value(key) {
    case nil: return nil
    case .object(let value): return ConfigurationReader(file: file, prefix: "\(prefix)\(key).", object: value)
    case let value?: throw wrongType(key, value, "an object")
    }
  }
}
