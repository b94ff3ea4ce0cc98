import Foundation

/// The filters, by name. Those of values and texts stand here, those of sequences in `SequenceFilters`.
extension Renderer {
  typealias Filter = @Sendable (Renderer, Value, Arguments) throws -> Value

  /// - Throws: `unsupported` for a filter that is not there.
  func apply(_ name: String, to input: Value, _ arguments: Arguments) throws -> Value {
    guard let filter = Self.valueFilters[name] ?? Self.textFilters[name] ?? Self.sequenceFilters[name] else {
      throw Fault(.unsupported, "there is no filter “\(name)”")
    }
    return try filter(self, input, arguments)
  }

  static let valueFilters: [String: Filter] = [
    "default": defaulted, "d": defaulted,
    "abs": { _, input, arguments in
      _ = try arguments.bound()
      if let number = input.wholeNumber, number != .min { return .integer(Swift.abs(number)) }
      guard let number = input.numeric else { throw Fault.value("\(input.typeName) has no absolute value") }
      return .number(Swift.abs(number))
    },
    "int": { renderer, input, arguments in
      let bound = try arguments.bound(to: "default", "base")
      return try renderer.integer(input, base: try bound[1].integer("base") ?? 10) ?? bound[0] ?? .integer(0)
    },
    "float": { renderer, input, arguments in
      let fallback = try arguments.bound(to: "default")[0] ?? .number(0)
      if let number = input.numeric { return .number(number) }
      if case .undefined(let name) = input { throw Fault(.undefined, "\(name) is undefined, and no number") }
      guard case .string(let text) = input else { return fallback }
      return Double(text.stripped(\.isPythonSpace).replacing("_", with: "")).map { .number($0) } ?? fallback
    },
    "round": { _, input, arguments in
      let bound = try arguments.bound(to: "precision", "method")
      let precision = try bound[0].integer("precision") ?? 0
      let method = try bound[1].string("method") ?? "common"
      guard let number = input.numeric else { throw Fault.value("\(input.typeName) cannot be rounded") }
      guard abs(precision) <= 20 else { throw Fault.value("the precision \(precision) is not between −20 and 20") }
      let scale = pow(10, Double(precision))
      switch method {
      case "common":
        if let whole = input.wholeNumber, precision >= 0 { return .integer(whole) }
        if precision < 0 { return .number((number * scale).rounded(.toNearestOrEven) / scale) }
        return .number(Double(String(format: "%.\(precision)f", number)) ?? number)
      case "ceil": return .number((number * scale).rounded(.up) / scale)
      case "floor": return .number((number * scale).rounded(.down) / scale)
      default: throw Fault.value("there is no way of rounding “\(method)”")
      }
    },
    "attr": { renderer, input, arguments in
      let name = try arguments.bound(to: "name")[0].string("name") ?? ""
      return try renderer.member(name, of: input) ?? .undefined("“\(name)” of \(input.typeName)")
    },
    "tojson": { renderer, input, arguments in
      let bound = try arguments.bound(to: "ensure_ascii", "indent", "separators", "sort_keys")
      var json = JSONText(renderer)
      json.escapesAll = bound[0].isTrue
      json.sortsKeys = bound[3].isTrue
      switch bound[1] {
      case nil, .some(.none): break
      case .string(let text)?: json.indent = text
      case let value:
        json.indent = try renderer.padding(try value.integer("indent") ?? 0, " ")
      }
      if json.indent != nil { json.itemSeparator = "," }
      if case .list(let list)? = bound[2] {
        guard list.elements.count == 2, case .string(let item) = list.elements[0],
          case .string(let key) = list.elements[1]
        else { throw Fault.value("“separators” is no pair of strings") }
        (json.itemSeparator, json.keySeparator) = (item, key)
      }
      return try renderer.string(try json.text(of: input))
    },
  ]

  private static let defaulted: Filter = { _, input, arguments in
    let bound = try arguments.bound(to: "default_value", "boolean")
    return input.isUndefined || bound[1].isTrue && !input.isTrue ? bound[0] ?? .string("") : input
  }

  /// Nil for what is no number.
  private func integer(_ input: Value, base: Int) throws -> Value? {
    if let number = input.wholeNumber { return .integer(number) }
    if let number = input.numeric { return Int(exactly: number.rounded(.towardZero)).map { .integer($0) } }
    if case .undefined(let name) = input { throw Fault(.undefined, "\(name) is undefined, and no number") }
    guard case .string(let given) = input else { return nil }
    guard (2...36).contains(base) else { throw Fault.value("there are no numbers of base \(base)") }
    var text = given.stripped(\.isPythonSpace).replacing("_", with: "")
    let prefixes = [16: ["0x", "0X"], 8: ["0o", "0O"], 2: ["0b", "0B"]]
    if let prefix = prefixes[base]?.first(where: text.hasPrefix) { text.removeFirst(prefix.count) }
    if let number = Int(text, radix: base) { return .integer(number) }
    return Double(text).flatMap { Int(exactly: $0.rounded(.towardZero)) }.map { .integer($0) }
  }
}
