/// The methods of strings, lists and dictionaries, as in Python. Those that would change a value are nil: templates run
/// in a sandbox without them.
extension Renderer {
  typealias StringMethod = @Sendable (Renderer, String, Arguments) throws -> Value
  typealias ListMethod = @Sendable (Renderer, Value.List, Arguments) throws -> Value
  typealias DictionaryMethod = @Sendable (Renderer, Value.Dictionary, Arguments) throws -> Value

  static let listMethods: [String: ListMethod?] = [
    "count": { renderer, list, arguments in
      let wanted = try arguments.bound(to: "value")[0] ?? .none
      return .integer(try list.elements.count { try renderer.isEqual($0, wanted) })
    },
    "index": { renderer, list, arguments in
      let wanted = try arguments.bound(to: "value")[0] ?? .none
      guard let index = try list.elements.firstIndex(where: { try renderer.isEqual($0, wanted) }) else {
        throw Fault.value("the list does not have the element")
      }
      return .integer(index)
    },
    "copy": { _, list, arguments in
      _ = try arguments.bound()
      return .list(list)
    },
    "append": nil, "extend": nil, "insert": nil, "pop": nil, "remove": nil, "clear": nil, "reverse": nil, "sort": nil,
  ]

  static let dictionaryMethods: [String: DictionaryMethod?] = [
    "get": { _, dictionary, arguments in
      let bound = try arguments.bound(to: "key", "default")
      guard let key = bound[0] else { throw Fault.value("“get” is given no key") }
      return (key.isUndefined ? nil : dictionary[try Value.Key(key)]) ?? bound[1] ?? .none
    },
    "items": { renderer, dictionary, arguments in
      _ = try arguments.bound()
      return try renderer.list(try renderer.items(of: dictionary))
    },
    "keys": { renderer, dictionary, arguments in
      _ = try arguments.bound()
      return try renderer.list(dictionary.keys)
    },
    "values": { renderer, dictionary, arguments in
      _ = try arguments.bound()
      return try renderer.list(dictionary.values)
    },
    "copy": { _, dictionary, arguments in
      _ = try arguments.bound()
      return .dictionary(dictionary)
    },
    "clear": nil, "pop": nil, "popitem": nil, "setdefault": nil, "update": nil, "fromkeys": nil,
  ]

  /// The pairs of a dictionary, as tuples.
  func items(of dictionary: Value.Dictionary) throws -> [Value] {
    try zip(dictionary.keys, dictionary.values).map { try list([$0, $1], isTuple: true) }
  }

  static let stringMethods: [String: StringMethod] = [
    "upper": { try $0.string(try $2.unary($1).uppercased()) },
    "lower": { try $0.string(try $2.unary($1).lowercased()) },
    "casefold": { try $0.string(try $2.unary($1).lowercased()) },
    "capitalize": { try $0.string(try $2.unary($1).capitalizedOnce) },
    "title": { try $0.string(titled(try $2.unary($1))) },
    "swapcase": { renderer, text, arguments in
      try renderer.string(
        try arguments.unary(text).unicodeScalars.map {
          $0.properties.isUppercase ? $0.properties.lowercaseMapping : $0.properties.uppercaseMapping
        }.joined())
    },
    "strip": { try $0.stripped($1, $2, left: true, right: true) },
    "lstrip": { try $0.stripped($1, $2, left: true, right: false) },
    "rstrip": { try $0.stripped($1, $2, left: false, right: true) },
    "startswith": { try $0.hasAffix($1, $2) { $0.utf8.starts(with: $1.utf8) } },
    "endswith": { try $0.hasAffix($1, $2) { $0.utf8.reversed().starts(with: $1.utf8.reversed()) } },
    "removeprefix": { renderer, text, arguments in
      let prefix = try arguments.bound(to: "prefix")[0].string("prefix") ?? ""
      return .string(text.utf8.starts(with: prefix.utf8) ? String(text.utf8.dropFirst(prefix.utf8.count))! : text)
    },
    "removesuffix": { renderer, text, arguments in
      let suffix = try arguments.bound(to: "suffix")[0].string("suffix") ?? ""
      let ends = text.utf8.reversed().starts(with: suffix.utf8.reversed())
      return .string(ends ? String(text.utf8.dropLast(suffix.utf8.count))! : text)
    },
    "split": { renderer, text, arguments in
      let bound = try arguments.bound(to: "sep", "maxsplit")
      let limit = try bound[1].integer("maxsplit") ?? -1
      return try renderer.split(text, bound[0].string("sep"), limit: limit < 0 ? .max : limit)
    },
    "rsplit": { renderer, text, arguments in
      let bound = try arguments.bound(to: "sep", "maxsplit")
      let limit = try bound[1].integer("maxsplit") ?? -1
      guard limit >= 0, let separator = try bound[0].string("sep"), !separator.isEmpty else {
        guard limit < 0 else { throw Fault(.unsupported, "“rsplit” at white space takes no limit here") }
        return try renderer.split(text, bound[0].string("sep"), limit: .max)
      }
      try renderer.spend(text.utf8.count / 4)
      let pieces = text.pieces(between: separator), cut = max(0, pieces.count - 1 - limit)
      let head = pieces[...cut].joined(separator: separator)
      return try renderer.list(([head] + pieces[(cut + 1)...]).map { .string($0) })
    },
    "splitlines": { renderer, text, arguments in
      let keeps = try arguments.bound(to: "keepends")[0].isTrue
      try renderer.spend(text.utf8.count / 4)
      return try renderer.list(lines(of: text, keepsEnds: keeps).map { .string($0) })
    },
    "partition": { renderer, text, arguments in
      let separator = try arguments.bound(to: "sep")[0].string("sep") ?? ""
      guard !separator.isEmpty else { throw Fault.value("the separator is empty") }
      let range = text.range(ofExactly: separator, from: text.startIndex)
      let parts = range.map { [String(text[..<$0.lowerBound]), separator, String(text[$0.upperBound...])] }
      return try renderer.list((parts ?? [text, "", ""]).map { .string($0) }, isTuple: true)
    },
    "rpartition": { renderer, text, arguments in
      let separator = try arguments.bound(to: "sep")[0].string("sep") ?? ""
      guard !separator.isEmpty else { throw Fault.value("the separator is empty") }
      let range = text.lastRange(ofExactly: separator)
      let parts = range.map { [String(text[..<$0.lowerBound]), separator, String(text[$0.upperBound...])] }
      return try renderer.list((parts ?? ["", "", text]).map { .string($0) }, isTuple: true)
    },
    "replace": { renderer, text, arguments in
      let bound = try arguments.bound(to: "old", "new", "count")
      let count = try bound[2].integer("count") ?? -1
      return try renderer.replaced(
        text, try bound[0].string("old") ?? "", with: try bound[1].string("new") ?? "", limit: count < 0 ? .max : count)
    },
    "join": { renderer, text, arguments in
      let parts = try renderer.elements(of: try arguments.bound(to: "iterable")[0] ?? .none).map { part in
        guard case .string(let text) = part else { throw Fault.value("“join” takes strings, not \(part.typeName)") }
        return text
      }
      return try renderer.joined(parts, separator: text)
    },
    "find": { renderer, text, arguments in
      let part = try arguments.bound(to: "sub")[0].string("sub") ?? ""
      return .integer(try renderer.offset(text.range(ofExactly: part, from: text.startIndex), in: text) ?? -1)
    },
    "rfind": { renderer, text, arguments in
      let part = try arguments.bound(to: "sub")[0].string("sub") ?? ""
      return .integer(try renderer.offset(text.lastRange(ofExactly: part), in: text) ?? -1)
    },
    "index": { renderer, text, arguments in
      let part = try arguments.bound(to: "sub")[0].string("sub") ?? ""
      guard let offset = try renderer.offset(text.range(ofExactly: part, from: text.startIndex), in: text) else {
        throw Fault.value("the string does not have the part")
      }
      return .integer(offset)
    },
    "count": { renderer, text, arguments in
      let part = try arguments.bound(to: "sub")[0].string("sub") ?? ""
      try renderer.spend(text.utf8.count / 16)
      if part.isEmpty { return .integer(text.unicodeScalars.count + 1) }
      return .integer(text.pieces(between: part).count - 1)
    },
    "isdigit": { .bool(try $2.unary($1).isAll { $0.properties.numericType.map { $0 != .numeric } ?? false }) },
    "isdecimal": { .bool(try $2.unary($1).isAll { $0.properties.numericType == .decimal }) },
    "isnumeric": { .bool(try $2.unary($1).isAll { $0.properties.numericType != nil }) },
    "isspace": { .bool(try $2.unary($1).isAll(\.isPythonSpace)) },
    "isalpha": { .bool(try $2.unary($1).isAll(\.isLetter)) },
    "isalnum": { .bool(try $2.unary($1).isAll { $0.isLetter || $0.properties.numericType != nil }) },
    "isupper": { .bool(isCased(try $2.unary($1)) { $0.properties.isUppercase }) },
    "islower": { .bool(isCased(try $2.unary($1)) { $0.properties.isLowercase }) },
    "zfill": { renderer, text, arguments in
      let width = try arguments.bound(to: "width")[0].integer("width") ?? 0
      let sign = text.hasPrefix("-") || text.hasPrefix("+") ? 1 : 0
      let zeros = try renderer.padding(width - text.unicodeScalars.count, "0")
      return try renderer.string(text.prefix(sign) + zeros + text.dropFirst(sign))
    },
    "ljust": { renderer, text, arguments in
      let bound = try arguments.bound(to: "width", "fillchar")
      let count = (try bound[0].integer("width") ?? 0) - text.unicodeScalars.count
      return try renderer.string(text + renderer.padding(count, try bound[1].string("fillchar") ?? " "))
    },
    "rjust": { renderer, text, arguments in
      let bound = try arguments.bound(to: "width", "fillchar")
      let count = (try bound[0].integer("width") ?? 0) - text.unicodeScalars.count
      return try renderer.string(renderer.padding(count, try bound[1].string("fillchar") ?? " ") + text)
    },
    "format": { renderer, text, arguments in try renderer.braceFormatted(text, arguments) },
  ]
}
