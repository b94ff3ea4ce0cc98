/// The arguments of a call.
struct Arguments {
  var positional: [Value] = []
  var named: [(name: String, value: Value)] = []

  init(_ positional: [Value] = [], named: [(name: String, value: Value)] = []) {
    self.positional = positional
    self.named = named
  }

  /// The arguments by the order of parameters; nil for those that were not given.
  ///
  /// - Throws: `invalidValue` for too many arguments, or one of another name.
  func bound(to parameters: String...) throws -> [Value?] {
    guard positional.count <= parameters.count else {
      throw Fault.value("there are \(positional.count) arguments for \(parameters.count) parameters")
    }
    var values = positional.map(Optional.some)
    values += Array(repeating: nil, count: parameters.count - positional.count)
    for (name, value) in named {
      guard let index = parameters.firstIndex(of: name) else { throw Fault.value("there is no parameter “\(name)”") }
      guard values[index] == nil else { throw Fault.value("the parameter “\(name)” is given twice") }
      values[index] = value
    }
    return values
  }
}

extension Optional where Wrapped == Value {
  func string(_ name: String) throws -> String? {
    switch self {
    case nil, .some(.none), .some(.undefined): return nil
    case .some(.string(let text)): return text
    case .some(let value): throw Fault.value("“\(name)” is \(value.typeName), not a string")
    }
  }

  func integer(_ name: String) throws -> Int? {
    guard let value = self else { return nil }
    if case .none = value { return nil }
    guard let number = value.wholeNumber else {
      throw Fault.value("“\(name)” is \(value.typeName), not an integer")
    }
    return number
  }

  /// Whether it holds; false when it was not given.
  var isTrue: Bool { self?.isTrue ?? false }
}
