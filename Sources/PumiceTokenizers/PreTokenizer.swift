/// Cuts text into the words inside which bytes may be merged.
///
/// The models' authors give regular expressions; here they are scanners over the classes of Unicode scalars, because a
/// regular expression engine would be slower and would bring its own idea of `\s` and of case. Letters and numbers are
/// general categories L and N in the Unicode version of the Swift runtime, so letters that are newer than a model's own
/// tokenizer may be cut differently than there; `\s` is the property White_Space.
enum PreTokenizer: Hashable, Sendable {
  /// GPT-2: `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
  case gpt2
  /// Llama 3 with at most 3 digits in a word, Qwen 2 with 1:
  /// `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
  ///
  /// Case is ignored for ASCII letters only.
  case llama3(maximumDigits: Int)
  /// Regular expressions, each for what the one before it left.
  case patterns([Pattern])

  /// Calls `body` with the byte range of each word, in order; together they are the whole range.
  func forEachWord(_ bytes: [UInt8], in range: Range<Int>, _ body: (Range<Int>) -> Void) {
    if case .patterns(let patterns) = self {
      return Pattern.forEachWord(patterns, bytes, in: range, body)
    }
    let scanner = WordScanner(bytes, range)
    var position = 0
    while position < scanner.count {
      let end =
        switch self {
        case .gpt2: scanner.gpt2Word(at: position)
        case .llama3(let maximumDigits):
          scanner.llama3Word(at: position, maximumDigits: maximumDigits)
        case .patterns: scanner.count
        }
      body(scanner.starts[position]..<scanner.starts[end])
      position = end
    }
  }
}

/// What the expressions ask of a scalar.
private enum ScalarClass: UInt8 {
  case letter, number, newline, otherSpace, other
  /// After the last scalar.
  case end

  init(_ scalar: Unicode.Scalar) {
    let properties = scalar.properties
    switch properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
      self = .letter
    case .decimalNumber, .letterNumber, .otherNumber: self = .number
    default:
      self =
        scalar == "\n" || scalar == "\r" ? .newline : properties.isWhitespace ? .otherSpace : .other
    }
  }

  static let ascii: [ScalarClass] = (0..<128).map { ScalarClass(Unicode.Scalar($0 as UInt8)) }

  var isSpace: Bool { self == .newline || self == .otherSpace }
}

private struct WordScanner {
  /// The first byte of each scalar, and the end of the text.
  private(set) var starts: [Int] = []
  private var classes: [ScalarClass] = []
  private let bytes: [UInt8]

  var count: Int { starts.count - 1 }

  init(_ bytes: [UInt8], _ range: Range<Int>) {
    self.bytes = bytes
    var start = range.lowerBound
    var decoder = UTF8()
    var rest = bytes[range].makeIterator()
    while case .scalarValue(let scalar) = decoder.decode(&rest) {
      starts.append(start)
      classes.append(scalar.isASCII ? ScalarClass.ascii[Int(scalar.value)] : ScalarClass(scalar))
      start += UTF8.width(scalar)
    }
    starts.append(range.upperBound)
    classes.append(.end)
  }

  func gpt2Word(at position: Int) -> Int {
    if let end = contraction(at: position, ignoringCase: false) { return end }
    let first = position + (isBlank(position) ? 1 : 0)
    switch classes[first] {
    case .letter, .number, .other: return run(of: classes[first], from: first)
    case .newline, .otherSpace, .end: return spaces(at: position)
    }
  }

  func llama3Word(at position: Int, maximumDigits: Int) -> Int {
    if let end = contraction(at: position, ignoringCase: true) { return end }
    switch classes[position] {
    case .letter: return run(of: .letter, from: position)
    case .otherSpace, .other:
      if classes[position + 1] == .letter { return run(of: .letter, from: position + 1) }
    case .number:
      let following = (position..<position + maximumDigits).first { classes[$0] != .number }
      return following ?? position + maximumDigits
    case .newline, .end: break
    }
    let first = position + (isBlank(position) ? 1 : 0)
    if classes[first] == .other { return run(of: .newline, from: run(of: .other, from: first)) }
    let end = run(from: position) { $0.isSpace }
    if let newline = classes[position..<end].lastIndex(of: .newline) { return newline + 1 }
    return spaces(at: position)
  }

  /// `\s+(?!\S)|\s+`: a run of spaces, without its last one when a word follows that can take it.
  private func spaces(at position: Int) -> Int {
    let end = run(from: position) { $0.isSpace }
    return end == count || end == position + 1 ? end : end - 1
  }

  private func run(of wanted: ScalarClass, from position: Int) -> Int {
    run(from: position) { $0 == wanted }
  }

  private func run(from position: Int, while condition: (ScalarClass) -> Bool) -> Int {
    var end = position
    while condition(classes[end]) { end += 1 }
    return end
  }

  private func isBlank(_ position: Int) -> Bool { bytes[starts[position]] == UInt8(ascii: " ") }

  /// `'s|'t|'re|'ve|'m|'ll|'d`
  private func contraction(at position: Int, ignoringCase: Bool) -> Int? {
    guard bytes[starts[position]] == UInt8(ascii: "'") else { return nil }
    func letter(_ offset: Int) -> UInt8 {
      guard position + offset < count else { return 0 }
      let byte = bytes[starts[position + offset]]
      return ignoringCase && (65...90).contains(byte) ? byte | 0x20 : byte
    }
    switch letter(1) {
    case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"):
      return position + 2
    case UInt8(ascii: "r"), UInt8(ascii: "v"):
      return letter(2) == UInt8(ascii: "e") ? position + 3 : nil
    case UInt8(ascii: "l"): return letter(2) == UInt8(ascii: "l") ? position + 3 : nil
    default: return nil
    }
  }
}
