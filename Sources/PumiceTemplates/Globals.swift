import Foundation

/// The functions that templates see.
extension Renderer {
  typealias GlobalFunction = @Sendable (Renderer, Arguments) throws -> Value

  /// As many elements as a range may have in Jinja's sandbox.
  private static let maximumRange = 100_000

  static let globals: [String: GlobalFunction] = [
    "range": { renderer, arguments in
      guard arguments.named.isEmpty, (1...3).contains(arguments.positional.count) else {
        throw Fault.value("“range” takes one to three integers")
      }
      let bounds = try arguments.positional.map { value in
        guard let number = value.wholeNumber else { throw Fault.value("“range” takes integers, not \(value.typeName)") }
        return number
      }
      let start = bounds.count > 1 ? bounds[0] : 0, end = bounds.count > 1 ? bounds[1] : bounds[0]
      let step = bounds.count > 2 ? bounds[2] : 1
      guard step != 0 else { throw Fault.value("the step of a range is 0") }
      guard (start < end) == (step > 0), start != end else { return try renderer.list([]) }
      let length = start < end ? end.subtractingReportingOverflow(start) : start.subtractingReportingOverflow(end)
      let size = UInt(bitPattern: length.partialValue)
      guard !length.overflow, (size - 1) / step.magnitude < UInt(maximumRange) else {
        throw Fault(.limit, "a range has more than \(maximumRange) elements")
      }
      return try renderer.list(stride(from: start, to: end, by: step).map { .integer($0) })
    },
    "dict": { renderer, arguments in
      try renderer.dictionary(try renderer.pairs(arguments))
    },
    "namespace": { renderer, arguments in
      let namespace = renderer.keep(Namespace())
      try renderer.spend(20)
      for (key, value) in try renderer.pairs(arguments) {
        guard case .string(let name) = key else { throw Fault.value("an attribute's name is \(key.typeName)") }
        namespace.attributes[name] = value
      }
      return .object(namespace)
    },
    "raise_exception": { renderer, arguments in
      throw Fault(.raised, try renderer.text(of: try arguments.bound(to: "message")[0] ?? .none))
    },
    "strftime_now": { renderer, arguments in
      guard let format = try arguments.bound(to: "format")[0].string("format") else {
        throw Fault.value("“strftime_now” takes a format")
      }
      return .string(try renderer.time(format))
    },
  ]

  /// What a dictionary is made of: another one, or pairs, and named arguments.
  private func pairs(_ arguments: Arguments) throws -> [(Value, Value)] {
    guard arguments.positional.count <= 1 else { throw Fault.value("there is more than one argument") }
    var pairs: [(Value, Value)] = []
    if case .dictionary(let dictionary)? = arguments.positional.first {
      pairs = Array(zip(dictionary.keys, dictionary.values))
    } else if let first = arguments.positional.first {
      for element in try elements(of: first) {
        let pair = try elements(of: element)
        guard pair.count == 2 else { throw Fault.value("an element is no pair") }
        pairs.append((pair[0], pair[1]))
      }
    }
    return pairs + arguments.named.map { (.string($0.name), $0.value) }
  }

  private func time(_ format: String) throws -> String {
    guard format.utf8.count <= 256, !format.utf8.contains(0) else {
      throw Fault(.limit, "the format of a time has more than 256 bytes")
    }
    guard !format.isEmpty else { return "" }
    var seconds = time_t(now.timeIntervalSince1970), parts = tm()
    localtime_r(&seconds, &parts)
    var buffer = [CChar](repeating: 0, count: 16384)
    // Widths such as %999d could make a text longer than the buffer; then there is none.
    let count = strftime(&buffer, buffer.count, format, &parts)
    return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
