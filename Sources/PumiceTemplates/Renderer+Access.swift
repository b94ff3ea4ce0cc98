/// Attributes, elements and slices.
extension Renderer {
  /// `base.name`: a method or an attribute, else the element of that name.
  func attribute(_ name: String, of base: Value) throws -> Value {
    if let value = try member(name, of: base) { return value }
    if case .dictionary(let dictionary) = base, let value = dictionary[name] { return value }
    return try missing("“\(name)”", of: base)
  }

  /// `base[index]`: an element, else the method or attribute of that name.
  func element(_ index: Value, of base: Value) throws -> Value {
    switch (base, index) {
    case (.dictionary(let dictionary), _):
      if !index.isUndefined, let value = dictionary[try Value.Key(index)] { return value }
    case (.list(let list), _):
      if let number = index.wholeNumber {
        let position = number < 0 ? number + list.elements.count : number
        if list.elements.indices.contains(position) { return list.elements[position] }
      }
    case (.string(let text), _):
      if let number = index.wholeNumber {
        let scalars = Array(text.unicodeScalars)
        try spend(scalars.count / 16)
        let position = number < 0 ? number + scalars.count : number
        if scalars.indices.contains(position) { return .string(String(scalars[position])) }
      }
    default: break
    }
    if case .string(let name) = index {
      return try member(name, of: base) ?? missing("“\(name)”", of: base)
    }
    return try missing("the element \(try representation(of: index))", of: base)
  }

  private func missing(_ what: String, of base: Value) throws -> Value {
    if case .undefined(let name) = base { throw Fault(.undefined, "\(name) is undefined, so it has no \(what)") }
    return .undefined("\(what) of \(base.typeName)")
  }

  /// A method or attribute that values of a kind have in Python.
  func member(_ name: String, of base: Value) throws -> Value? {
    switch base {
    case .string(let text):
      guard let method = Self.stringMethods[name] else { return nil }
      return .object(Function(name) { renderer, arguments in try method(renderer, text, arguments) })
    case .dictionary(let dictionary):
      guard let method = Self.dictionaryMethods[name] else { return nil }
      return .object(
        Function(name, depth: dictionary.depth, method.map { method in { try method($0, dictionary, $1) } }))
    case .list(let list):
      guard let method = Self.listMethods[name] else { return nil }
      return .object(Function(name, depth: list.depth, method.map { method in { try method($0, list, $1) } }))
    case .object(let namespace as Namespace): return namespace.attributes[name]
    case .object(let loop as LoopState): return try attribute(name, of: loop)
    case .object(let macro as MacroValue):
      switch name {
      case "name": return .string(macro.macro.name)
      case "arguments": return try list(macro.macro.parameters.map { .string($0.name) }, isTuple: true)
      default: return nil
      }
    default: return nil
    }
  }

  private func attribute(_ name: String, of loop: LoopState) throws -> Value? {
    let count = loop.elements.count, index = loop.index
    switch name {
    case "index": return .integer(index + 1)
    case "index0": return .integer(index)
    case "revindex": return .integer(count - index)
    case "revindex0": return .integer(count - index - 1)
    case "first": return .bool(index == 0)
    case "last": return .bool(index == count - 1)
    case "length": return .integer(count)
    case "depth": return .integer(loop.level + 1)
    case "depth0": return .integer(loop.level)
    case "previtem": return index > 0 ? loop.elements[index - 1] : .undefined("“previtem” of the first turn")
    case "nextitem":
      return index + 1 < count ? loop.elements[index + 1] : .undefined("“nextitem” of the last turn")
    case "cycle":
      return .object(
        Function("cycle") { _, arguments in
          guard !arguments.positional.isEmpty else { throw Fault.value("“cycle” has nothing to choose from") }
          return arguments.positional[index % arguments.positional.count]
        })
    default: return nil
    }
  }

  func slice(_ base: Value, from: Int?, to: Int?, step: Int?) throws -> Value {
    let step = step ?? 1
    guard step != 0 else { throw Fault.value("the step of a slice is 0") }
    func picked<T>(_ all: [T]) -> [T] {
      /// A bound as Python takes it: from the end if negative, and never outside.
      func clamped(_ bound: Int, _ range: ClosedRange<Int>) -> Int {
        let position = bound < 0 ? bound + all.count : bound
        return min(max(position, range.lowerBound), range.upperBound)
      }
      let range = step > 0 ? 0...all.count : -1...all.count - 1
      let start = from.map { clamped($0, range) } ?? (step > 0 ? range.lowerBound : range.upperBound)
      let end = to.map { clamped($0, range) } ?? (step > 0 ? range.upperBound : range.lowerBound)
      return stride(from: start, to: end, by: step).map { all[$0] }
    }
    switch base {
    case .list(let list): return try self.list(picked(list.elements), isTuple: list.isTuple)
    case .string(let text):
      try spend(text.utf8.count / 16)
      var view = String.UnicodeScalarView()
      view.append(contentsOf: picked(Array(text.unicodeScalars)))
      return try string(String(view))
    case .undefined(let name): throw Fault(.undefined, "\(name) is undefined, so it has no slices")
    // Jinja gives nothing for what cannot be cut.
    default: return .undefined("a slice of \(base.typeName)")
    }
  }
}
