import Foundation

/// Arithmetic and comparisons, as Python does them.
extension Renderer {
  func operation(_ operation: Expression.Operator, _ left: Value, _ right: Value) throws -> Value {
    for value in [left, right] {
      if case .undefined(let name) = value {
        throw Fault(.undefined, "\(name) is undefined, and in “\(operation.rawValue)”")
      }
    }
    switch (operation, left, right) {
    case (.add, .string(let a), .string(let b)): return try string(a + b)
    case (.add, .list(let a), .list(let b)) where a.isTuple == b.isTuple:
      return try list(a.elements + b.elements, isTuple: a.isTuple)
    case (.modulo, .string(let format), _): return try formatted(format, with: right)
    case (.multiply, .string(let text), _) where right.wholeNumber != nil:
      return try repeated(text, right.wholeNumber!)
    case (.multiply, _, .string(let text)) where left.wholeNumber != nil: return try repeated(text, left.wholeNumber!)
    case (.multiply, .list(let list), _) where right.wholeNumber != nil:
      return try repeated(list, right.wholeNumber!)
    default: break
    }
    if let a = left.wholeNumber, let b = right.wholeNumber, let value = try whole(operation, a, b) { return value }
    guard let a = left.numeric, let b = right.numeric else {
      throw Fault.value("“\(operation.rawValue)” does not take \(left.typeName) and \(right.typeName)")
    }
    switch operation {
    case .add: return .number(a + b)
    case .subtract: return .number(a - b)
    case .multiply: return .number(a * b)
    case .power: return .number(pow(a, b))
    case .divide, .floorDivide, .modulo:
      guard b != 0 else { throw Fault.value("division by zero") }
      if operation == .divide { return .number(a / b) }
      let floor = (a / b).rounded(.down)
      return .number(operation == .floorDivide ? floor : a - floor * b)
    }
  }

  /// Nil for operations whose result is no integer.
  private func whole(_ operation: Expression.Operator, _ a: Int, _ b: Int) throws -> Value? {
    let result: (partialValue: Int, overflow: Bool)
    switch operation {
    case .divide: return nil
    case .add: result = a.addingReportingOverflow(b)
    case .subtract: result = a.subtractingReportingOverflow(b)
    case .multiply: result = a.multipliedReportingOverflow(by: b)
    case .floorDivide, .modulo:
      guard b != 0 else { throw Fault.value("division by zero") }
      let (quotient, overflow) = a.dividedReportingOverflow(by: b)
      let remainder = overflow ? 0 : a % b
      // Python rounds down, Swift to zero.
      let isOff = remainder != 0 && (remainder < 0) != (b < 0)
      result = (operation == .floorDivide ? quotient - (isOff ? 1 : 0) : remainder + (isOff ? b : 0), overflow)
    case .power:
      guard b >= 0 else { return nil }
      // Of 0, 1 and −1 only the parity counts; others overflow soon.
      var factors = a.magnitude > 1 || b == 0 ? b : b % 2 + 2
      var power = (partialValue: 1, overflow: false)
      while factors > 0, !power.overflow {
        power = power.partialValue.multipliedReportingOverflow(by: a)
        factors -= 1
      }
      result = power
    }
    guard !result.overflow else { throw Fault(.limit, "the result of “\(operation.rawValue)” is too large") }
    return .integer(result.partialValue)
  }

  func negated(_ value: Value) throws -> Value {
    if let number = value.wholeNumber {
      guard number != .min else { throw Fault(.limit, "the result of “-” is too large") }
      return .integer(-number)
    }
    guard let number = value.numeric else { throw Fault.value("\(value.typeName) has no sign") }
    return .number(-number)
  }

  private func repeated(_ text: String, _ count: Int) throws -> Value {
    let (bytes, overflow) = text.utf8.count.multipliedReportingOverflow(by: max(count, 0))
    guard !overflow, bytes <= limits.bytes else { throw Fault(.limit, "a text has more than \(limits.bytes) bytes") }
    try spend(bytes / 16)
    return .string(String(repeating: text, count: bytes == 0 ? 0 : count))
  }

  private func repeated(_ list: Value.List, _ count: Int) throws -> Value {
    let (total, overflow) = list.elements.count.multipliedReportingOverflow(by: max(count, 0))
    guard !overflow else { throw Fault(.limit, "a list has too many elements") }
    try spend(total)
    return try self.list((0..<(total == 0 ? 0 : count)).flatMap { _ in list.elements }, isTuple: list.isTuple)
  }

  // MARK: Comparisons

  func holds(_ comparison: Expression.Comparison, _ left: Value, _ right: Value) throws -> Bool {
    switch comparison {
    case .equal: return try isEqual(left, right)
    case .notEqual: return !(try isEqual(left, right))
    case .in: return try contains(right, left)
    case .notIn: return !(try contains(right, left))
    case .less: return try precedes(left, right)
    case .greater: return try precedes(right, left)
    // Not the opposite of “>”: of numbers that are none nothing holds.
    case .lessOrEqual: return try precedes(left, right) || isEqual(left, right)
    case .greaterOrEqual: return try precedes(right, left) || isEqual(left, right)
    }
  }

  func isEqual(_ left: Value, _ right: Value) throws -> Bool {
    try spend(1)
    if let a = left.wholeNumber, let b = right.wholeNumber { return a == b }
    if let a = left.numeric, let b = right.numeric { return a == b }
    switch (left, right) {
    case (.undefined, .undefined), (.none, .none): return true
    case (.string(let a), .string(let b)):
      try spend(min(a.utf8.count, b.utf8.count) / 64)
      return a.utf8.elementsEqual(b.utf8)
    case (.list(let a), .list(let b)):
      guard a.isTuple == b.isTuple, a.elements.count == b.elements.count else { return false }
      return try zip(a.elements, b.elements).allSatisfy { try isEqual($0, $1) }
    case (.dictionary(let a), .dictionary(let b)):
      guard a.keys.count == b.keys.count else { return false }
      return try zip(a.keys, a.values).allSatisfy { key, value in
        guard let other = b[try Value.Key(key)] else { return false }
        return try isEqual(value, other)
      }
    case (.object(let a), .object(let b)): return a === b
    default: return false
    }
  }

  /// Whether `left` is less than `right`.
  func precedes(_ left: Value, _ right: Value) throws -> Bool {
    try spend(1)
    if let a = left.wholeNumber, let b = right.wholeNumber { return a < b }
    if let a = left.numeric, let b = right.numeric { return a < b }
    switch (left, right) {
    case (.string(let a), .string(let b)):
      try spend(min(a.utf8.count, b.utf8.count) / 64)
      // The order of UTF-8 is that of code points.
      return a.utf8.lexicographicallyPrecedes(b.utf8)
    case (.list(let a), .list(let b)) where a.isTuple == b.isTuple:
      for (x, y) in zip(a.elements, b.elements) where !(try isEqual(x, y)) { return try precedes(x, y) }
      return a.elements.count < b.elements.count
    case (.undefined(let name), _), (_, .undefined(let name)):
      throw Fault(.undefined, "\(name) is undefined, and compared")
    default: throw Fault.value("\(left.typeName) and \(right.typeName) have no order")
    }
  }

  /// Whether `container` has `element`.
  func contains(_ container: Value, _ element: Value) throws -> Bool {
    switch container {
    case .string(let text):
      guard case .string(let part) = element else {
        throw Fault.value("a string contains strings only, and this is \(element.typeName)")
      }
      try spend(text.utf8.count / 16)
      return text.range(ofExactly: part, from: text.startIndex) != nil
    case .dictionary(let dictionary): return dictionary[try Value.Key(element)] != nil
    case .object(let namespace as Namespace):
      throw Fault.value("\(namespace.typeName) has no elements")
    default: return try elements(of: container).contains { try isEqual($0, element) }
    }
  }
}
