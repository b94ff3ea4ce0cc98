import Foundation
import PumiceModelFiles

/// What a tokenizer does to a text before it is cut, as the `normalizer` of `tokenizer.json` says.
///
/// Texts are sequences of Unicode scalars: Swift's `String` takes canonically equivalent texts for equal, which are not equal
/// here. Source: the `tokenizers` library, whose Unicode version may differ in characters newer than a model.
indirect enum TextNormalizer: Sendable {
  typealias Scalars = [Unicode.Scalar]

  enum Form: String {
    case nfc = "NFC"
    case nfd = "NFD"
    case nfkc = "NFKC"
    case nfkd = "NFKD"
  }

  case sequence([TextNormalizer])
  case form(Form)
  case lowercase
  case strip(left: Bool, right: Bool)
  /// Takes combining marks away.
  case stripAccents
  /// The cleaning up of SentencePiece's `nmt` rules.
  case nmt
  case replace(TextSplitter, Scalars)
  case prepend(Scalars)
  case bytes
  case charsMap(CharsMap)
  case bert(BERTNormalizer)

  func normalize(_ text: Scalars) -> Scalars {
    switch self {
    case .sequence(let parts): return parts.reduce(text) { $1.normalize($0) }
    case .form(let form): return Self.normalized(text, form)
    case .lowercase: return text.flatMap { Self.lowercased($0) }
    case .strip(let left, let right):
      var text = text[...]
      if left { text = text.drop { $0.properties.isWhitespace } }
      while right, let last = text.last, last.properties.isWhitespace { text.removeLast() }
      return Array(text)
    case .stripAccents: return text.filter { !Self.isMark($0.properties.generalCategory) }
    case .nmt: return text.compactMap(Self.cleaned)
    case .replace(let splitter, let content):
      var result: Scalars = []
      for (range, isMatch) in splitter.cut(text) { result += isMatch ? content : Array(text[range]) }
      return result
    case .prepend(let prefix): return text.isEmpty ? text : prefix + text
    case .bytes: return ByteAlphabet.scalars(of: text)
    case .charsMap(let map): return map.normalize(text)
    case .bert(let bert): return bert.normalize(text)
    }
  }

  static func normalized(_ text: Scalars, _ form: Form) -> Scalars {
    if text.allSatisfy(\.isASCII) { return text }
    var view = String.UnicodeScalarView()
    view.append(contentsOf: text)
    let string = String(view)
    let result =
      switch form {
      case .nfc: string.precomposedStringWithCanonicalMapping
      case .nfd: string.decomposedStringWithCanonicalMapping
      case .nfkc: string.precomposedStringWithCompatibilityMapping
      case .nfkd: string.decomposedStringWithCompatibilityMapping
      }
    return Array(result.unicodeScalars)
  }

  static func lowercased(_ scalar: Unicode.Scalar) -> Scalars {
    if scalar.isASCII {
      return [(65...90).contains(scalar.value) ? Unicode.Scalar(UInt8(scalar.value) + 32) : scalar]
    }
    return Array(scalar.properties.lowercaseMapping.unicodeScalars)
  }

  private static func isMark(_ category: Unicode.GeneralCategory) -> Bool {
    [.nonspacingMark, .spacingMark, .enclosingMark].contains(category)
  }

  private static func cleaned(_ scalar: Unicode.Scalar) -> Unicode.Scalar? {
    switch scalar.value {
    case 0x1...0x8, 0xB, 0xE...0x1F, 0x7F, 0x8F, 0x9F: nil
    case 0x9, 0xA, 0xC, 0xD, 0x1680, 0x200B...0x200F, 0x2028, 0x2029, 0x2581, 0xFEFF, 0xFFFD: " "
    default: scalar
    }
  }
}

/// BERT's: no control characters, Chinese characters as words of their own, no accents, small letters.
struct BERTNormalizer: Sendable {
  var cleans: Bool
  var separatesChinese: Bool
  var stripsAccents: Bool
  var lowercases: Bool

  func normalize(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
    var text = text
    if cleans {
      text = text.compactMap { scalar in
        if ["\t", "\n", "\r"].contains(scalar) { return " " }
        if scalar.value == 0 || scalar.value == 0xFFFD || Self.isOther(scalar.properties.generalCategory) { return nil }
        return scalar.properties.isWhitespace ? " " : scalar
      }
    }
    if separatesChinese { text = text.flatMap { Self.isChinese($0) ? [" ", $0, " "] : [$0] } }
    if stripsAccents {
      text = TextNormalizer.normalized(text, .nfd).filter { $0.properties.generalCategory != .nonspacingMark }
    }
    return lowercases ? text.flatMap { TextNormalizer.lowercased($0) } : text
  }

  private static func isOther(_ category: Unicode.GeneralCategory) -> Bool {
    [.control, .format, .privateUse].contains(category)
  }

  static func isChinese(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x4E00...0x9FFF, 0x3400...0x4DBF, 0x20000...0x2A6DF, 0x2A700...0x2B73F, 0x2B740...0x2B81F, 0x2B920...0x2CEAF,
      0xF900...0xFAFF, 0x2F800...0x2FA1F:
      true
    default: false
    }
  }
}
