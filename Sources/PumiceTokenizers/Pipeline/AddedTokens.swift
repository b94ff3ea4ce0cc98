import PumiceModelFiles

/// Tokens that are found in the text before anything else is done to it, or before it is cut into words.
struct AddedToken: Sendable {
  var id: Int32
  var content: String
  var isSpecial: Bool
  /// Whether it is found in normalized text, itself normalized.
  var isNormalized: Bool
  /// Whether it must not touch letters, numbers or the like.
  var isWord: Bool
  /// Whether white space before and behind it belongs to it.
  var stripsLeft: Bool
  var stripsRight: Bool
}

/// Finds added tokens from left to right, the longest at each place. Source: the `tokenizers` library.
struct AddedTokenMatcher: Sendable {
  private let tokens: [AddedToken]
  /// By the first scalar: numbers of tokens and their texts, longest first.
  private let byFirst: [Unicode.Scalar: [(index: Int, text: [Unicode.Scalar])]]

  init(_ tokens: [AddedToken], normalizer: TextNormalizer?) {
    self.tokens = tokens
    var byFirst: [Unicode.Scalar: [(index: Int, text: [Unicode.Scalar])]] = [:]
    for (index, token) in tokens.enumerated() {
      let content = Array(token.content.unicodeScalars)
      let text = normalizer.map { $0.normalize(content) } ?? content
      if let first = text.first { byFirst[first, default: []].append((index, text)) }
    }
    // Longest first; of the same text the one that is listed first.
    self.byFirst = byFirst.mapValues { list in
      list.sorted { ($1.text.count, $0.index) < ($0.text.count, $1.index) }
    }
  }

  enum Fragment {
    case token(Int32)
    case text(Range<Int>)
  }

  func split(_ text: [Unicode.Scalar], takesSpecial: Bool) -> [Fragment] {
    guard !byFirst.isEmpty else { return text.isEmpty ? [] : [.text(text.indices)] }
    var fragments: [Fragment] = []
    var end = 0, position = 0
    while position < text.count {
      guard
        let match = byFirst[text[position]]?.first(where: { candidate in
          position + candidate.text.count <= text.count
            && text[position..<position + candidate.text.count].elementsEqual(candidate.text)
        })
      else {
        position += 1
        continue
      }
      let token = tokens[match.index]
      var start = position, stop = position + match.text.count
      position = stop
      if token.isSpecial, !takesSpecial { continue }
      if token.isWord, start > 0 && Self.isWord(text[start - 1]) || stop < text.count && Self.isWord(text[stop]) {
        continue
      }
      if token.stripsLeft {
        while start > end, text[start - 1].properties.isWhitespace { start -= 1 }
      }
      if token.stripsRight { while stop < text.count, text[stop].properties.isWhitespace { stop += 1 } }
      if end < start { fragments.append(.text(end..<start)) }
      fragments.append(.token(token.id))
      end = stop
    }
    if end < text.count { fragments.append(.text(end..<text.count)) }
    return fragments
  }

  private static func isWord(_ scalar: Unicode.Scalar) -> Bool {
    let properties = scalar.properties
    switch properties.generalCategory {
    case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation: return true
    default: return properties.isAlphabetic || properties.isJoinControl
    }
  }
}
