/// Values by type. Each accessor names the key in its error; the optional ones give nil for a key that is absent, but
/// still refuse a value of the wrong type.
extension GGUFSource {
  /// - Throws: `missingKey` or `wrongKeyType`.
  public func string(_ key: String) throws(ModelFileError) -> String { try required(key, optionalString(key)) }

  /// - Throws: `wrongKeyType`.
  public func optionalString(_ key: String) throws(ModelFileError) -> String? {
    guard let value = metadata[key] else { return nil }
    guard case .string(let string) = value else { throw wrongType(key, value, "string") }
    return string
  }

  /// A value of any integer type.
  ///
  /// - Throws: `missingKey`, `wrongKeyType`, or `invalidMetadata` when the value is outside `range`.
  public func integer(_ key: String, in range: ClosedRange<Int> = Int.min...Int.max) throws(ModelFileError) -> Int {
    try required(key, optionalInteger(key, in: range))
  }

  /// A value of any integer type.
  ///
  /// - Throws: `wrongKeyType`, or `invalidMetadata` when the value is outside `range`.
  public func optionalInteger(
    _ key: String, in range: ClosedRange<Int> = Int.min...Int.max
  ) throws(ModelFileError) -> Int? {
    guard let value = metadata[key] else { return nil }
    guard let integer = value.integer else {
      if case .uint64(let large) = value { throw outOfRange(key, "\(large)", range) }
      throw wrongType(key, value, "an integer")
    }
    guard range.contains(integer) else { throw outOfRange(key, "\(integer)", range) }
    return integer
  }

  /// A float32 or float64.
  ///
  /// - Throws: `missingKey` or `wrongKeyType`.
  public func float(_ key: String) throws(ModelFileError) -> Double { try required(key, optionalFloat(key)) }

  /// A float32 or float64.
  ///
  /// - Throws: `wrongKeyType`.
  public func optionalFloat(_ key: String) throws(ModelFileError) -> Double? {
    switch metadata[key] {
    case nil: nil
    case .float32(let value): Double(value)
    case .float64(let value): value
    case let value?: throw wrongType(key, value, "float32 or float64")
    }
  }

  /// - Throws: `missingKey` or `wrongKeyType`.
  public func bool(_ key: String) throws(ModelFileError) -> Bool { try required(key, optionalBool(key)) }

  /// - Throws: `wrongKeyType`.
  public func optionalBool(_ key: String) throws(ModelFileError) -> Bool? {
    guard let value = metadata[key] else { return nil }
    guard case .bool(let bool) = value else { throw wrongType(key, value, "bool") }
    return bool
  }

  /// - Throws: `missingKey` or `wrongKeyType`.
  public func stringArray(_ key: String) throws(ModelFileError) -> [String] {
    try required(key, optionalStringArray(key))
  }

  /// - Throws: `wrongKeyType`.
  public func optionalStringArray(_ key: String) throws(ModelFileError) -> [String]? {
    guard let value = metadata[key] else { return nil }
    guard case .array(.string(let strings)) = value else { throw wrongType(key, value, "array of string") }
    return strings
  }

  /// An array of any integer type.
  ///
  /// - Throws: `missingKey`, or `wrongKeyType` (also when an element does not fit an `Int`).
  public func integerArray(_ key: String) throws(ModelFileError) -> [Int] {
    try required(key, optionalIntegerArray(key))
  }

  /// An array of any integer type.
  ///
  /// - Throws: `wrongKeyType` (also when an element does not fit an `Int`).
  public func optionalIntegerArray(_ key: String) throws(ModelFileError) -> [Int]? {
    guard let value = metadata[key] else { return nil }
    guard case .array(let array) = value, let integers = array.integers else {
      throw wrongType(key, value, "array of integers")
    }
    return integers
  }

  /// An array of float32 or float64.
  ///
  /// - Throws: `missingKey` or `wrongKeyType`.
  public func floatArray(_ key: String) throws(ModelFileError) -> [Double] {
    try required(key, optionalFloatArray(key))
  }

  /// An array of float32 or float64.
  ///
  /// - Throws: `wrongKeyType`.
  public func optionalFloatArray(_ key: String) throws(ModelFileError) -> [Double]? {
    switch metadata[key] {
    case nil: nil
    case .array(.float32(let values)): values.map(Double.init)
    case .array(.float64(let values)): values
    case let value?: throw wrongType(key, value, "array of float32 or float64")
    }
  }

  /// The tensor of that name.
  ///
  /// - Throws: `missingTensor`.
  public func requiredTensor(named name: String) throws(ModelFileError) -> GGUFTensor {
    guard let tensor = tensor(named: name) else {
      throw error(.missingTensor, subject: "tensor \(name)", "the file does not have it")
    }
    return tensor
  }

  /// An error about this file, for checks that other modules make.
  public func error(_ code: ModelFileError.Code, subject: String? = nil, _ detail: String) -> ModelFileError {
    ModelFileError(file: path, code: code, subject: subject, detail: detail)
  }

  private func required<T>(_ key: String, _ value: T?) throws(ModelFileError) -> T {
    guard let value else { throw error(.missingKey, subject: "key \(key)", "the file does not have it") }
    return value
  }

  private func wrongType(_ key: String, _ value: GGUFValue, _ expected: String) -> ModelFileError {
    error(.wrongKeyType, subject: "key \(key)", "is \(value.typeName), expected \(expected)")
  }

  private func outOfRange(_ key: String, _ value: String, _ range: ClosedRange<Int>) -> ModelFileError {
    error(.invalidMetadata, subject: "key \(key)", "\(value) is outside \(range.lowerBound)…\(range.upperBound)")
  }
}
