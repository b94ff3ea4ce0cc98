/// Reads the regular expressions of tokenizers.
struct PatternParser {
  private static let maximumDepth = 20
  /// The most times that something other than a set may be repeated.
  private static let maximumCount = 1000

  private let source: [Unicode.Scalar]
  private var position = 0
  private var depth = 0

  static func parse(_ source: String) throws(PatternError) -> Pattern.Node {
    var parser = PatternParser(source: Array(source.unicodeScalars))
    guard parser.source.count <= 4096 else {
      throw PatternError(detail: "the expression is too long")
    }
    let node = try parser.choice(ignoringCase: false)
    guard parser.position == parser.source.count else {
      throw PatternError(detail: "a parenthesis is not opened")
    }
    return node
  }

  private init(source: [Unicode.Scalar]) { self.source = source }

  private var next: Unicode.Scalar? { position < source.count ? source[position] : nil }

  private mutating func take(_ text: String) -> Bool {
    let wanted = Array(text.unicodeScalars)
    guard source[position...].starts(with: wanted) else { return false }
    position += wanted.count
    return true
  }

  private mutating func choice(ignoringCase: Bool) throws(PatternError) -> Pattern.Node {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.maximumDepth else {
      throw PatternError(detail: "the expression is nested too deep")
    }
    var branches: [Pattern.Node] = []
    repeat {
      var nodes: [Pattern.Node] = []
      while let next, next != "|", next != ")" { nodes.append(try repetition(ignoringCase)) }
      branches.append(nodes.count == 1 ? nodes[0] : .sequence(nodes))
    } while take("|")
    return branches.count == 1 ? branches[0] : .choice(branches)
  }

  private mutating func repetition(_ ignoringCase: Bool) throws(PatternError) -> Pattern.Node {
    let node = try atom(ignoringCase)
    let counts: ClosedRange<Int>
    if take("?") {
      counts = 0...1
    } else if take("*") {
      counts = 0...Int.max
    } else if take("+") {
      counts = 1...Int.max
    } else if take("{") {
      counts = try bounds()
    } else {
      return node
    }
    let isPossessive = take("+")
    if take("?") { throw PatternError(detail: "lazy repetition is not read") }
    if case .set = node { return .repetition(node, counts, isPossessive: isPossessive) }
    // A repetition of what may be long in itself could take exponential time.
    guard !isPossessive, counts.upperBound <= Self.maximumCount else {
      throw PatternError(detail: "a group is repeated without a bound")
    }
    return .repetition(node, counts, isPossessive: false)
  }

  private mutating func bounds() throws(PatternError) -> ClosedRange<Int> {
    func number(_ parser: inout PatternParser) -> Int? {
      var digits = ""
      while let next = parser.next, ("0"..."9").contains(next), digits.count < 6 {
        digits.unicodeScalars.append(next)
        parser.position += 1
      }
      return Int(digits)
    }
    guard let low = number(&self) else { throw PatternError(detail: "a repetition has no count") }
    if take("}") { return low...low }
    guard take(",") else { throw PatternError(detail: "a repetition has no end") }
    let high = number(&self) ?? Int.max
    guard take("}"), low <= high else { throw PatternError(detail: "a repetition has no end") }
    return low...high
  }

  private mutating func atom(_ ignoringCase: Bool) throws(PatternError) -> Pattern.Node {
    if take("(?:") { return try group(ignoringCase) }
    if take("(?i:") { return try group(true) }
    if take("(?=") { return .lookahead(try group(ignoringCase), isNegated: false) }
    if take("(?!") { return .lookahead(try group(ignoringCase), isNegated: true) }
    if take("(?") { throw PatternError(detail: "this kind of group is not read") }
    if take("(") { return try group(ignoringCase) }
    if take("[") { return .set(try set(ignoringCase)) }
    if take("$") { return .end }
    if take(".") { return .set(ScalarSet(ranges: [0x0A...0x0A], isNegated: true)) }
    if let next, "*+?{^".unicodeScalars.contains(next) {
      throw PatternError(detail: "“\(next)” has no meaning here")
    }
    var set = ScalarSet()
    try member(of: &set, ignoringCase, inBrackets: false)
    return .set(set)
  }

  private mutating func group(_ ignoringCase: Bool) throws(PatternError) -> Pattern.Node {
    let node = try choice(ignoringCase: ignoringCase)
    guard take(")") else { throw PatternError(detail: "a parenthesis is not closed") }
    return node
  }

  private mutating func set(_ ignoringCase: Bool) throws(PatternError) -> ScalarSet {
    var set = ScalarSet()
    set.isNegated = take("^")
    repeat { try member(of: &set, ignoringCase, inBrackets: true) } while next != nil && next != "]"
    guard take("]") else { throw PatternError(detail: "a bracket is not closed") }
    return set
  }

  /// Adds a scalar, a range or a class.
  private mutating func member(of set: inout ScalarSet, _ ignoringCase: Bool, inBrackets: Bool)
    throws(PatternError)
  {
    guard let first = try scalar(or: &set) else { return }
    var last = first
    if inBrackets, next == "-", position + 1 < source.count, source[position + 1] != "]" {
      position += 1
      var classes = ScalarSet()
      guard let end = try scalar(or: &classes), end.value >= first.value else {
        throw PatternError(detail: "a range has no end")
      }
      last = end
    }
    set.ranges.append(first.value...last.value)
    if ignoringCase, first == last, first.isASCII, first.properties.isAlphabetic {
      set.ranges.append((first.value ^ 0x20)...(first.value ^ 0x20))
    }
  }

  /// The scalar that stands here, or nil for a class, which is added to the set.
  private mutating func scalar(or set: inout ScalarSet) throws(PatternError) -> Unicode.Scalar? {
    guard let first = next else { throw PatternError(detail: "the expression ends too soon") }
    position += 1
    guard first == "\\" else { return first }
    guard let escaped = next else { throw PatternError(detail: "the expression ends too soon") }
    position += 1
    let digits = ScalarSet.Classes(category: "Nd")!
    switch escaped {
    case "n": return "\n"
    case "r": return "\r"
    case "t": return "\t"
    case "f": return "\u{c}"
    case "v": return "\u{b}"
    case "s": set.classes.insert(.space)
    case "S": set.others.append(.space)
    case "d": set.classes.formUnion(digits)
    case "D": set.others.append(digits)
    case "p", "P":
      guard take("{"), let end = source[position...].firstIndex(of: "}") else {
        throw PatternError(detail: "a category has no name")
      }
      let name = String(String.UnicodeScalarView(source[position..<end]))
      guard let classes = ScalarSet.Classes(category: name) else {
        throw PatternError(detail: "there is no category “\(name)”")
      }
      position = end + 1
      if escaped == "p" { set.classes.formUnion(classes) } else { set.others.append(classes) }
    case "x", "u":
      let count = escaped == "x" ? 2 : 4
      guard position + count <= source.count,
        let code = UInt32(
          String(String.UnicodeScalarView(source[position..<position + count])), radix: 16),
        let scalar = Unicode.Scalar(code)
      else { throw PatternError(detail: "an escape names no character") }
      position += count
      return scalar
    default:
      guard !escaped.properties.isAlphabetic, !("0"..."9").contains(escaped) else {
        throw PatternError(detail: "the escape “\\\(escaped)” is not read")
      }
      return escaped
    }
    return nil
  }
}
