/// What `tojson` writes: Python's `json.dumps` with `ensure_ascii=False`.
struct JSONText {
  /// What is put before each level of nesting; nil writes all on one line.
  var indent: String?
  var itemSeparator = ", "
  var keySeparator = ": "
  var sortsKeys = false
  var escapesAll = false
  let renderer: Renderer

  init(_ renderer: Renderer) { self.renderer = renderer }

  /// - Throws: `invalidValue` for what JSON cannot hold.
  func text(of value: Value, level: Int = 0) throws -> String {
    try renderer.spend(1)
    switch value {
    case .none: return "null"
    case .bool(let value): return value ? "true" : "false"
    case .integer(let value): return String(value)
    case .number(let value): return number(value)
    case .string(let text): return quoted(text)
    case .list(let list):
      return try enclosed("[", "]", level, try list.elements.map { try text(of: $0, level: level + 1) })
    case .dictionary(let dictionary):
      var pairs = try zip(dictionary.keys, dictionary.values).map { key, value in
        (key: try self.key(key), value: value)
      }
      if sortsKeys { pairs.sort { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) } }
      return try enclosed(
        "{", "}", level, try pairs.map { quoted($0.key) + keySeparator + (try text(of: $0.value, level: level + 1)) })
    case .undefined, .object: throw Fault.value("\(value.typeName) has no JSON")
    }
  }

  private func enclosed(_ begin: String, _ end: String, _ level: Int, _ items: [String]) throws -> String {
    guard !items.isEmpty else { return begin + end }
    let size = items.reduce(0) { $0 + $1.utf8.count + (indent?.utf8.count ?? 0) * (level + 1) }
    guard size <= renderer.limits.bytes else {
      throw Fault(.limit, "a text has more than \(renderer.limits.bytes) bytes")
    }
    try renderer.spend(size / 16)
    guard let indent else { return begin + items.joined(separator: itemSeparator) + end }
    let line = "\n" + String(repeating: indent, count: level)
    return begin + line + indent + items.joined(separator: itemSeparator + line + indent) + line + end
  }

  private func key(_ value: Value) throws -> String {
    switch value {
    case .string(let text): text
    case .none, .bool, .integer, .number: try text(of: value)
    default: throw Fault.value("\(value.typeName) is no key in JSON")
    }
  }

  private func number(_ value: Double) -> String {
    value.isNaN ? "NaN" : value.isInfinite ? (value < 0 ? "-Infinity" : "Infinity") : Renderer.text(of: value)
  }

  private func quoted(_ text: String) -> String {
    var quoted = String.UnicodeScalarView(["\""])
    func escape(_ unit: UInt16) {
      let digits = String(unit, radix: 16)
      quoted.append(contentsOf: ("\\u" + String(repeating: "0", count: 4 - digits.count) + digits).unicodeScalars)
    }
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\":
        quoted.append("\\")
        quoted.append(scalar)
      case "\n": quoted.append(contentsOf: "\\n".unicodeScalars)
      case "\r": quoted.append(contentsOf: "\\r".unicodeScalars)
      case "\t": quoted.append(contentsOf: "\\t".unicodeScalars)
      case "\u{8}": quoted.append(contentsOf: "\\b".unicodeScalars)
      case "\u{c}": quoted.append(contentsOf: "\\f".unicodeScalars)
      case "\0"..<" ": escape(UInt16(scalar.value))
      default:
        if escapesAll, scalar.value > 0x7E {
          for unit in String(scalar).utf16 { escape(unit) }
        } else {
          quoted.append(scalar)
        }
      }
    }
    quoted.append("\"")
    return String(quoted)
  }
}
