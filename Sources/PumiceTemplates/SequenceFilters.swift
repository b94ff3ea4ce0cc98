/// The filters of lists, dictionaries and other sequences.
extension Renderer {
  static let sequenceFilters: [String: Filter] = [
    "length": counted, "count": counted,
    "list": { renderer, input, arguments in
      _ = try arguments.bound()
      return try renderer.list(try renderer.elements(of: input))
    },
    "first": { renderer, input, arguments in
      _ = try arguments.bound()
      return try renderer.elements(of: input).first ?? .undefined("the first of no elements")
    },
    "last": { renderer, input, arguments in
      _ = try arguments.bound()
      return try renderer.elements(of: input).last ?? .undefined("the last of no elements")
    },
    "reverse": { renderer, input, arguments in
      _ = try arguments.bound()
      if case .string(let text) = input {
        return try renderer.string(String(String.UnicodeScalarView(text.unicodeScalars.reversed())))
      }
      return try renderer.generator(try renderer.elements(of: input).reversed())
    },
    "join": { renderer, input, arguments in
      let bound = try arguments.bound(to: "d", "attribute")
      let separator = try bound[0].map { try renderer.text(of: $0) } ?? ""
      let parts = try renderer.elements(of: input).map { element in
        try renderer.text(of: bound[1].map { try renderer.attribute($0, of: element) } ?? element)
      }
      return try renderer.joined(parts, separator: separator)
    },
    "items": { renderer, input, arguments in
      _ = try arguments.bound()
      if input.isUndefined { return try renderer.generator([]) }
      guard case .dictionary(let dictionary) = input else { throw Fault.value("\(input.typeName) has no items") }
      return try renderer.generator(try renderer.items(of: dictionary))
    },
    "dictsort": { renderer, input, arguments in
      let bound = try arguments.bound(to: "case_sensitive", "by", "reverse")
      let by = try bound[1].string("by") ?? "key"
      guard case .dictionary(let dictionary) = input else { throw Fault.value("\(input.typeName) has no items") }
      guard by == "key" || by == "value" else { throw Fault.value("a dictionary is not sorted by “\(by)”") }
      let isCaseSensitive = bound[0].isTrue
      let pairs = zip(dictionary.keys, dictionary.values).map { key, value in
        (sortedBy: renderer.sortKey(by == "key" ? key : value, isCaseSensitive), pair: [key, value])
      }
      return try renderer.list(
        try renderer.sorted(pairs, reverse: bound[2].isTrue).map { try renderer.list($0, isTuple: true) })
    },
    "sort": { renderer, input, arguments in
      let bound = try arguments.bound(to: "reverse", "case_sensitive", "attribute")
      let attributes = try bound[2].string("attribute").map { $0.split(separator: ",").map(String.init) }
      let isCaseSensitive = bound[1].isTrue
      let keyed = try renderer.elements(of: input).map { element in
        let keys = try (attributes ?? []).map {
          renderer.sortKey(try renderer.attribute(.string($0), of: element), isCaseSensitive)
        }
        let key =
          attributes == nil
          ? renderer.sortKey(element, isCaseSensitive)
          : keys.count == 1 ? keys[0] : try renderer.list(keys)
        return (sortedBy: key, pair: element)
      }
      return try renderer.list(try renderer.sorted(keyed, reverse: bound[0].isTrue))
    },
    "unique": { renderer, input, arguments in
      let bound = try arguments.bound(to: "case_sensitive", "attribute")
      var seen: Set<Value.Key> = []
      return try renderer.generator(
        try renderer.elements(of: input).filter { element in
          let value = try bound[1].map { try renderer.attribute($0, of: element) } ?? element
          return seen.insert(try Value.Key(renderer.sortKey(value, bound[0].isTrue))).inserted
        })
    },
    "min": { try $0.extreme($1, $2, greatest: false) },
    "max": { try $0.extreme($1, $2, greatest: true) },
    "sum": { renderer, input, arguments in
      let bound = try arguments.bound(to: "attribute", "start")
      let attribute: Value? = if case .some(.none) = bound[0] { nil } else { bound[0] }
      return try renderer.elements(of: input).reduce(bound[1] ?? .integer(0)) { sum, element in
        try renderer.operation(.add, sum, try attribute.map { try renderer.attribute($0, of: element) } ?? element)
      }
    },
    "map": { renderer, input, arguments in
      var rest = arguments
      // Jinja asks first whether there is anything at all, so none will do.
      if !input.isTrue { return try renderer.generator([]) }
      if rest.positional.isEmpty {
        let bound = try arguments.bound(to: "attribute", "default")
        guard let attribute = bound[0] else { throw Fault.value("“map” takes a filter or an attribute") }
        return try renderer.generator(
          try renderer.elements(of: input).map { element in
            let value = try renderer.attribute(attribute, of: element)
            return value.isUndefined ? bound[1] ?? value : value
          })
      }
      guard case .string(let name) = rest.positional.removeFirst() else {
        throw Fault.value("a filter's name is no string")
      }
      return try renderer.generator(try renderer.elements(of: input).map { try renderer.apply(name, to: $0, rest) })
    },
    "select": { try $0.chosen($1, $2, byAttribute: false, wanted: true) },
    "reject": { try $0.chosen($1, $2, byAttribute: false, wanted: false) },
    "selectattr": { try $0.chosen($1, $2, byAttribute: true, wanted: true) },
    "rejectattr": { try $0.chosen($1, $2, byAttribute: true, wanted: false) },
    "groupby": { renderer, input, arguments in
      let bound = try arguments.bound(to: "attribute", "default", "case_sensitive")
      guard let attribute = bound[0] else { throw Fault.value("“groupby” takes an attribute") }
      let keyed = try renderer.elements(of: input).map { element in
        let value = try renderer.attribute(attribute, of: element)
        let key = value.isUndefined ? bound[1] ?? value : value
        return (sortedBy: renderer.sortKey(key, bound[2].isTrue), pair: (key, element))
      }
      var groups: [(key: Value, elements: [Value])] = []
      var last: Value?
      for (key, element) in try renderer.sorted(keyed, reverse: false) {
        let sortKey = renderer.sortKey(key, bound[2].isTrue)
        if let last, try renderer.isEqual(last, sortKey) {
          groups[groups.count - 1].elements.append(element)
        } else {
          groups.append((key, [element]))
        }
        last = sortKey
      }
      return try renderer.list(
        try groups.map { try renderer.list([$0.key, try renderer.list($0.elements)], isTuple: true) })
    },
    "batch": { renderer, input, arguments in
      let bound = try arguments.bound(to: "linecount", "fill_with")
      guard let size = try bound[0].integer("linecount"), size > 0 else { throw Fault.value("“batch” takes a size") }
      let all = try renderer.elements(of: input)
      return try renderer.generator(
        try stride(from: 0, to: all.count, by: min(size, max(1, all.count))).map { start in
          var part = Array(all[start..<min(all.count, start + min(size, all.count))])
          if let fill = bound[1], part.count < size {
            try renderer.spend(size)
            part += Array(repeating: fill, count: size - part.count)
          }
          return try renderer.list(part)
        })
    },
  ]

  private static let counted: Filter = { renderer, input, arguments in
    _ = try arguments.bound()
    switch input {
    case .string(let text):
      try renderer.spend(text.utf8.count / 16)
      return .integer(text.unicodeScalars.count)
    case .object, .none, .bool, .integer, .number: throw Fault.value("\(input.typeName) has no length")
    default: return .integer(try renderer.elements(of: input).count)
    }
  }

  // MARK: Parts

  /// An attribute that may be a path: `function.name`, also with indices.
  private func attribute(_ path: Value, of value: Value) throws -> Value {
    guard case .string(let path) = path else { return try element(path, of: value) }
    return try path.split(separator: ".", omittingEmptySubsequences: false).reduce(value) { value, part in
      try element(Int(part).map { .integer($0) } ?? .string(String(part)), of: value)
    }
  }

  /// What an element is sorted by: texts without regard to case, unless that matters.
  private func sortKey(_ value: Value, _ isCaseSensitive: Bool) -> Value {
    if !isCaseSensitive, case .string(let text) = value { .string(text.lowercased()) } else { value }
  }

  private func sorted<T>(_ values: [(sortedBy: Value, pair: T)], reverse: Bool) throws -> [T] {
    try spend(values.count)
    // Equal elements keep their order, also when it is turned around.
    return try values.enumerated().sorted { a, b in
      let (left, right) = reverse ? (b.element.sortedBy, a.element.sortedBy) : (a.element.sortedBy, b.element.sortedBy)
      if try precedes(left, right) { return true }
      return try !precedes(right, left) && a.offset < b.offset
    }.map(\.element.pair)
  }

  private func extreme(_ input: Value, _ arguments: Arguments, greatest: Bool) throws -> Value {
    let bound = try arguments.bound(to: "case_sensitive", "attribute")
    var best: (key: Value, value: Value)?
    for element in try elements(of: input) {
      let key = sortKey(try bound[1].map { try attribute($0, of: element) } ?? element, bound[0].isTrue)
      if let known = best, !(try greatest ? precedes(known.key, key) : precedes(key, known.key)) { continue }
      best = (key, element)
    }
    return best?.value ?? .undefined("the greatest or least of no elements")
  }

  /// The elements for which a test holds, or does not; without a test those that are true.
  private func chosen(_ input: Value, _ arguments: Arguments, byAttribute: Bool, wanted: Bool) throws -> Value {
    var rest = arguments
    var path: Value?
    if !input.isTrue { return try generator([]) }
    if byAttribute {
      guard !rest.positional.isEmpty else { throw Fault.value("there is no attribute to choose by") }
      path = rest.positional.removeFirst()
    }
    var name: String?
    if !rest.positional.isEmpty {
      guard case .string(let text) = rest.positional.removeFirst() else {
        throw Fault.value("a test's name is no string")
      }
      name = text
    }
    return try generator(
      try elements(of: input).filter { element in
        let value = try path.map { try attribute($0, of: element) } ?? element
        return try (name.map { try test($0, value, rest) } ?? value.isTrue) == wanted
      })
  }
}
