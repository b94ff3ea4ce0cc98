/// The filters of texts. Other values are taken as the text that would be written for them.
extension Renderer {
  static let textFilters: [String: Filter] = [
    "string": { $0.make(try $0.text(of: $1, without: $2)) },
    // Nothing is escaped, so nothing needs to be marked.
    "safe": { $0.make(try $0.text(of: $1, without: $2)) },
    "upper": { try $0.string(try $0.text(of: $1, without: $2).uppercased()) },
    "lower": { try $0.string(try $0.text(of: $1, without: $2).lowercased()) },
    "capitalize": { try $0.string(try $0.text(of: $1, without: $2).capitalizedOnce) },
    "title": { renderer, input, arguments in
      let separators = Set("-({[<".unicodeScalars)
      var begins = true
      let words = try renderer.text(of: input, without: arguments).unicodeScalars.map { scalar in
        let isSeparator = separators.contains(scalar) || scalar.isPythonSpace
        defer { begins = isSeparator }
        return begins ? scalar.properties.uppercaseMapping : scalar.properties.lowercaseMapping
      }
      return try renderer.string(words.joined())
    },
    "escape": escaped, "e": escaped, "forceescape": escaped,
    "trim": { renderer, input, arguments in
      try renderer.stripped(try renderer.text(of: input), arguments, left: true, right: true)
    },
    "replace": { renderer, input, arguments in
      let bound = try arguments.bound(to: "old", "new", "count")
      guard let old = bound[0], let new = bound[1] else { throw Fault.value("“replace” takes an old and a new text") }
      let count = try bound[2].integer("count") ?? -1
      return try renderer.replaced(
        try renderer.text(of: input), try renderer.text(of: old), with: try renderer.text(of: new),
        limit: count < 0 ? .max : count)
    },
    "indent": { renderer, input, arguments in
      let bound = try arguments.bound(to: "width", "first", "blank")
      var indent = "    "
      if case .string(let text)? = bound[0] {
        indent = text
      } else if let width = try bound[0].integer("width") {
        indent = try renderer.padding(width, " ")
      }
      let text = try renderer.text(of: input)
      try renderer.spend(text.utf8.count / 4)
      let lines = lines(of: text + "\n", keepsEnds: false)
      guard indent.utf8.count * lines.count <= renderer.limits.bytes else {
        throw Fault(.limit, "a text has more than \(renderer.limits.bytes) bytes")
      }
      let indentsBlank = bound[2].isTrue
      let rest = lines.dropFirst().map { indentsBlank || !$0.isEmpty ? indent + $0 : $0 }
      let indented = ([lines[0]] + rest).joined(separator: "\n")
      return try renderer.string(bound[1].isTrue ? indent + indented : indented)
    },
    "center": { renderer, input, arguments in
      let width = try arguments.bound(to: "width")[0].integer("width") ?? 80
      let text = try renderer.text(of: input), missing = max(0, width - text.unicodeScalars.count)
      // Of an odd number Python puts the greater half to the left only when the width is odd.
      let left = missing / 2 + (missing & width & 1)
      return try renderer.string(renderer.padding(left, " ") + text + renderer.padding(missing - left, " "))
    },
    "truncate": { renderer, input, arguments in
      let bound = try arguments.bound(to: "length", "killwords", "end", "leeway")
      let length = try bound[0].integer("length") ?? 255, end = try bound[2].string("end") ?? "..."
      let text = try renderer.text(of: input), scalars = text.unicodeScalars
      guard length >= end.unicodeScalars.count else { throw Fault.value("the length is less than that of the end") }
      guard scalars.count - (try bound[3].integer("leeway") ?? 5) > length else { return .string(text) }
      var head = String(String.UnicodeScalarView(scalars.prefix(length - end.unicodeScalars.count)))
      if !bound[1].isTrue, let space = head.lastRange(ofExactly: " ") { head = String(head[..<space.lowerBound]) }
      return try renderer.string(head + end)
    },
    "wordcount": { renderer, input, arguments in
      let text = try renderer.text(of: input, without: arguments)
      return .integer(text.unicodeScalars.split { !($0.isNameStart || $0.isDigit) }.count)
    },
    "format": { renderer, input, arguments in
      guard arguments.named.isEmpty else { throw Fault(.unsupported, "“format” takes no names here") }
      return try renderer.formatted(
        try renderer.text(of: input), with: try renderer.list(arguments.positional, isTuple: true))
    },
    "urlencode": { renderer, input, arguments in
      guard case .string(let text) = input else { throw Fault(.unsupported, "“urlencode” takes texts only here") }
      let kept = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-~/".utf8)
      let hex = Array("0123456789ABCDEF")
      return try renderer.string(
        text.utf8.map { kept.contains($0) ? String(UnicodeScalar($0)) : "%\(hex[Int($0 >> 4)])\(hex[Int($0 & 15)])" }
          .joined())
    },
  ]

  private static let escaped: Filter = { renderer, input, arguments in
    let names: [Unicode.Scalar: String] = ["&": "&amp;", "<": "&lt;", ">": "&gt;", "'": "&#39;", "\"": "&#34;"]
    return try renderer.string(
      try renderer.text(of: input, without: arguments).unicodeScalars.map { names[$0] ?? String($0) }.joined())
  }

  private func make(_ text: String) -> Value { .string(text) }

  private func text(of value: Value, without arguments: Arguments) throws -> String {
    let text = try text(of: value)
    try spend(text.utf8.count / 16)
    return try arguments.unary(text)
  }
}
