import PumiceModelFiles

/// Finds places in a text: a string, a regular expression, or a kind of character.
enum TextSplitter: Sendable {
  case string([Unicode.Scalar])
  case pattern(Pattern)
  /// Runs of characters are found one by one.
  case characters(@Sendable (Unicode.Scalar) -> Bool)

  /// What is found and what is between, in order; together they are the whole text.
  func cut(_ text: [Unicode.Scalar]) -> [(range: Range<Int>, isMatch: Bool)] {
    var parts: [(Range<Int>, Bool)] = [], gap = 0
    func add(_ match: Range<Int>) {
      if gap < match.lowerBound { parts.append((gap..<match.lowerBound, false)) }
      parts.append((match, true))
      gap = match.upperBound
    }
    switch self {
    case .string(let wanted):
      guard let first = wanted.first else { break }
      var position = 0
      while position + wanted.count <= text.count {
        if text[position] == first, text[position..<position + wanted.count].elementsEqual(wanted) {
          add(position..<position + wanted.count)
          position += wanted.count
        } else {
          position += 1
        }
      }
    case .pattern(let pattern): for match in pattern.matches(in: text) { add(match) }
    case .characters(let isWanted):
      for position in text.indices where isWanted(text[position]) { add(position..<position + 1) }
    }
    if gap < text.count { parts.append((gap..<text.count, false)) }
    return parts
  }
}

/// What becomes of the places at which a text is cut.
enum SplitBehavior: String, Sendable {
  case removed = "Removed"
  case isolated = "Isolated"
  case mergedWithPrevious = "MergedWithPrevious"
  case mergedWithNext = "MergedWithNext"
  case contiguous = "Contiguous"

  /// The words that are left.
  func words(_ parts: [(range: Range<Int>, isMatch: Bool)]) -> [Range<Int>] {
    var words: [Range<Int>] = []
    var last: Bool?
    switch self {
    case .removed: return parts.filter { !$0.isMatch }.map(\.range)
    case .isolated: return parts.map(\.range)
    case .contiguous:
      for (range, isMatch) in parts {
        if isMatch == last, let word = words.popLast() {
          words.append(word.lowerBound..<range.upperBound)
        } else {
          words.append(range)
        }
        last = isMatch
      }
    case .mergedWithPrevious:
      for (range, isMatch) in parts {
        if isMatch, last == false, let word = words.popLast() {
          words.append(word.lowerBound..<range.upperBound)
        } else {
          words.append(range)
        }
        last = isMatch
      }
    case .mergedWithNext:
      for (range, isMatch) in parts.reversed() {
        if isMatch, last == false, let word = words.popLast() {
          words.append(range.lowerBound..<word.upperBound)
        } else {
          words.append(range)
        }
        last = isMatch
      }
      words.reverse()
    }
    return words
  }
}

/// How a text is cut into words, as the `pre_tokenizer` of `tokenizer.json` says. Source: the `tokenizers` library.
indirect enum WordSplitter: Sendable {
  typealias Scalars = [Unicode.Scalar]

  enum Prefix: String {
    case always, first, never
  }

  case sequence([WordSplitter])
  case split(TextSplitter, SplitBehavior, isInverted: Bool)
  /// Characters that stand for bytes, after cutting as GPT-2 does.
  case bytes(addsSpace: Bool, splitter: TextSplitter?)
  case metaspace(Unicode.Scalar, Prefix, splits: Bool)
  /// Runs of characters of the same kind; those of none are left out.
  case runs(@Sendable (Unicode.Scalar) -> Int?)

  /// - Parameter isFirst: whether the text is the beginning of all of it.
  func words(_ text: Scalars, isFirst: Bool) -> [Scalars] {
    switch self {
    case .sequence(let parts):
      var words = [text]
      for part in parts {
        words = words.enumerated().flatMap { part.words($1, isFirst: isFirst && $0 == 0) }.filter { !$0.isEmpty }
      }
      return words
    case .split(let splitter, let behavior, let isInverted):
      var parts = splitter.cut(text)
      if isInverted { parts = parts.map { ($0.range, !$0.isMatch) } }
      return behavior.words(parts).map { Array(text[$0]) }
    case .bytes(let addsSpace, let splitter):
      let text = addsSpace && text.first != " " ? [" "] + text : text
      let words = splitter.map { SplitBehavior.isolated.words($0.cut(text)) } ?? [text.indices]
      return words.map { ByteAlphabet.scalars(of: Array(text[$0])) }
    case .metaspace(let replacement, let prefix, let splits):
      var text = text.map { $0 == " " ? replacement : $0 }
      if text.first != replacement, prefix == .always || prefix == .first && isFirst { text.insert(replacement, at: 0) }
      guard splits else { return [text] }
      let parts = TextSplitter.string([replacement]).cut(text)
      return SplitBehavior.mergedWithNext.words(parts).map { Array(text[$0]) }
    case .runs(let kind):
      var words: [Scalars] = []
      var last: Int?
      for scalar in text {
        let kind = kind(scalar)
        if kind != nil, kind == last {
          words[words.count - 1].append(scalar)
        } else if kind != nil {
          words.append([scalar])
        }
        last = kind
      }
      return words
    }
  }

  /// The words of the expression `\w+|[^\w\s]+`.
  static let words = WordSplitter.runs { scalar in
    let properties = scalar.properties
    if properties.isAlphabetic || properties.isJoinControl { return 0 }
    switch properties.generalCategory {
    case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation: return 0
    default: return properties.isWhitespace ? nil : 1
    }
  }

  /// Words between white space, and every punctuation mark.
  static let bert = WordSplitter.sequence([
    .split(.characters { $0.properties.isWhitespace }, .removed, isInverted: false),
    .split(.characters(isPunctuation), .isolated, isInverted: false),
  ])

  static func isPunctuation(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 33...47, 58...64, 91...96, 123...126: return true
    default: break
    }
    switch scalar.properties.generalCategory {
    case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation, .initialPunctuation,
      .finalPunctuation, .otherPunctuation:
      return true
    default: return false
    }
  }

  static func isNumber(_ scalar: Unicode.Scalar) -> Bool {
    [.decimalNumber, .letterNumber, .otherNumber].contains(scalar.properties.generalCategory)
  }
}

extension ByteAlphabet {
  /// The characters for the UTF-8 of a text.
  static func scalars(of text: [Unicode.Scalar]) -> [Unicode.Scalar] {
    text.flatMap { scalar in UTF8.encode(scalar)!.map { alphabet[Int($0)] } }
  }
}
