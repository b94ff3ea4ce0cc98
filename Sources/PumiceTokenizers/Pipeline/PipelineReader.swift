import Foundation
import PumiceModelFiles

/// Reads the parts of a `tokenizer.json`. What is not known is refused by its name.
struct PipelineReader {
  let root: ConfigurationReader

  init(text: String, file: String) throws(ModelFileError) {
    root = try ConfigurationReader(text: text, file: file)
    for key in ["truncation", "padding"] { _ = try root.optionalObject(key) }
  }

  /// The type of a part, and its name in messages.
  private func type(_ part: ConfigurationReader) throws(ModelFileError) -> String {
    guard let type = try part.optionalString("type") else {
      throw part.failure(.missingKey, "type", "the file does not have it")
    }
    return type
  }

  private func unknown(_ part: ConfigurationReader, _ type: String) -> ModelFileError {
    part.failure(.unsupportedModel, "type", "“\(type)” is not read")
  }

  /// The parts of a sequence.
  private func elements(_ part: ConfigurationReader, _ key: String) throws(ModelFileError) -> [ConfigurationReader] {
    var parts: [ConfigurationReader] = []
    for value in try part.optionalArray(key) ?? [] {
      guard case .object(let object) = value else {
        throw part.failure(.wrongKeyType, key, "has \(value.typeName), expected objects")
      }
      parts.append(part.element(key, object))
    }
    return parts
  }

  private func scalars(_ part: ConfigurationReader, _ key: String) throws(ModelFileError) -> [Unicode.Scalar] {
    guard let text = try part.optionalString(key) else {
      throw part.failure(.missingKey, key, "the file does not have it")
    }
    return Array(text.unicodeScalars)
  }

  /// A string or a regular expression.
  private func pattern(_ part: ConfigurationReader) throws(ModelFileError) -> TextSplitter {
    guard let pattern = try part.optionalObject("pattern") else {
      throw part.failure(.missingKey, "pattern", "the file does not have it")
    }
    if pattern.value("String") != nil { return .string(try scalars(pattern, "String")) }
    guard let source = try pattern.optionalString("Regex") else {
      throw pattern.failure(.missingKey, "Regex", "the file does not have it")
    }
    do throws(PatternError) { return .pattern(try Pattern(source)) } catch {
      throw pattern.failure(.unsupportedModel, "Regex", "“\(source)”: \(error.detail)")
    }
  }

  // MARK: Added tokens

  func addedTokens() throws(ModelFileError) -> [AddedToken] {
    var tokens: [AddedToken] = []
    for token in try elements(root, "added_tokens") {
      let id = try token.integer("id"), isSpecial = try token.optionalBool("special") ?? false
      guard let content = try token.optionalString("content"), 0..<1 << 24 ~= id else {
        throw root.failure(.invalidMetadata, "added_tokens", "has an element without content, or the id \(id)")
      }
      tokens.append(
        AddedToken(
          id: Int32(id), content: content, isSpecial: isSpecial,
          isNormalized: try token.optionalBool("normalized") ?? !isSpecial,
          isWord: try token.optionalBool("single_word") ?? false,
          stripsLeft: try token.optionalBool("lstrip") ?? false,
          stripsRight: try token.optionalBool("rstrip") ?? false))
    }
    return tokens
  }

  // MARK: Normalizers

  func normalizer() throws(ModelFileError) -> TextNormalizer? {
    guard let part = try root.optionalObject("normalizer") else { return nil }
    return try normalizer(part)
  }

  private func normalizer(_ part: ConfigurationReader) throws(ModelFileError) -> TextNormalizer {
    switch try type(part) {
    case "Sequence":
      var parts: [TextNormalizer] = []
      for element in try elements(part, "normalizers") { parts.append(try normalizer(element)) }
      return .sequence(parts)
    case "NFC": return .form(.nfc)
    case "NFD": return .form(.nfd)
    case "NFKC": return .form(.nfkc)
    case "NFKD": return .form(.nfkd)
    case "Lowercase": return .lowercase
    case "Strip":
      return .strip(
        left: try part.optionalBool("strip_left") ?? true, right: try part.optionalBool("strip_right") ?? true)
    case "StripAccents": return .stripAccents
    case "Nmt": return .nmt
    case "Replace": return .replace(try pattern(part), try scalars(part, "content"))
    case "Prepend": return .prepend(try scalars(part, "prepend"))
    case "ByteLevel": return .bytes
    case "BertNormalizer":
      let lowercases = try part.optionalBool("lowercase") ?? true
      return .bert(
        BERTNormalizer(
          cleans: try part.optionalBool("clean_text") ?? true,
          separatesChinese: try part.optionalBool("handle_chinese_chars") ?? true,
          stripsAccents: try part.optionalBool("strip_accents") ?? lowercases, lowercases: lowercases))
    case "Precompiled":
      guard let text = try part.optionalString("precompiled_charsmap") else { return .sequence([]) }
      if text.isEmpty { return .sequence([]) }
      guard let data = Data(base64Encoded: text), let map = CharsMap(Array(data)) else {
        throw part.failure(.invalidMetadata, "precompiled_charsmap", "is no table of SentencePiece")
      }
      return .charsMap(map)
    case let type: throw unknown(part, type)
    }
  }

  // MARK: Words

  func splitter() throws(ModelFileError) -> WordSplitter? {
    guard let part = try root.optionalObject("pre_tokenizer") else { return nil }
    return try splitter(part)
  }

  private func behavior(_ part: ConfigurationReader, default standard: SplitBehavior) throws(ModelFileError)
    -> SplitBehavior
  {
    guard let name = try part.optionalString("behavior") else { return standard }
    guard let behavior = SplitBehavior(rawValue: name) else {
      throw part.failure(.unsupportedModel, "behavior", "“\(name)” is not read")
    }
    return behavior
  }

  private static let gpt2 = Result { () throws(PatternError) in try Pattern(NamedPatterns.gpt2) }

  private func splitter(_ part: ConfigurationReader) throws(ModelFileError) -> WordSplitter {
    switch try type(part) {
    case "Sequence":
      var parts: [WordSplitter] = []
      for element in try elements(part, "pretokenizers") { parts.append(try splitter(element)) }
      return .sequence(parts)
    case "ByteLevel":
      let usesExpression = try part.optionalBool("use_regex") ?? true
      return .bytes(
        addsSpace: try part.optionalBool("add_prefix_space") ?? true,
        splitter: usesExpression ? (try? Self.gpt2.get()).map { .pattern($0) } : nil)
    case "Metaspace":
      let text = try part.optionalString("replacement") ?? "▁"
      guard let replacement = text.unicodeScalars.first, text.unicodeScalars.count == 1 else {
        throw part.failure(.invalidMetadata, "replacement", "“\(text)” is not one character")
      }
      return .metaspace(replacement, try prefix(part), splits: try part.optionalBool("split") ?? true)
    case "Split":
      return .split(
        try pattern(part), try behavior(part, default: .isolated), isInverted: try part.optionalBool("invert") ?? false)
    case "Whitespace": return .words
    case "WhitespaceSplit": return .split(.characters { $0.properties.isWhitespace }, .removed, isInverted: false)
    case "BertPreTokenizer": return .bert
    case "Punctuation":
      return .split(
        .characters(WordSplitter.isPunctuation), try behavior(part, default: .isolated), isInverted: false)
    case "Digits":
      let areSingle = try part.optionalBool("individual_digits") ?? false
      return .split(.characters(WordSplitter.isNumber), areSingle ? .isolated : .contiguous, isInverted: false)
    case "CharDelimiterSplit":
      let delimiter = try scalars(part, "delimiter")
      return .split(.string(delimiter), .removed, isInverted: false)
    case let type: throw unknown(part, type)
    }
  }

  private func prefix(_ part: ConfigurationReader) throws(ModelFileError) -> WordSplitter.Prefix {
    guard let name = try part.optionalString("prepend_scheme") else {
      return try part.optionalBool("add_prefix_space") ?? true ? .always : .never
    }
    guard let prefix = WordSplitter.Prefix(rawValue: name) else {
      throw part.failure(.unsupportedModel, "prepend_scheme", "“\(name)” is not read")
    }
    return prefix
  }

  // MARK: What is around a text

  func frame(vocabularySize: Int) throws(ModelFileError) -> (before: [Int32], after: [Int32]) {
    guard let part = try root.optionalObject("post_processor") else { return ([], []) }
    let frame = try frame(part)
    if let id = (frame.before + frame.after).first(where: { $0 < 0 || $0 >= vocabularySize }) {
      throw part.failure(.invalidMetadata, "special_tokens", "there is no token \(id)")
    }
    return frame
  }

  private func frame(_ part: ConfigurationReader) throws(ModelFileError) -> (before: [Int32], after: [Int32]) {
    switch try type(part) {
    case "Sequence":
      var frame: (before: [Int32], after: [Int32]) = ([], [])
      for element in try elements(part, "processors") {
        let outer = try self.frame(element)
        frame = (outer.before + frame.before, frame.after + outer.after)
      }
      return frame
    case "ByteLevel": return ([], [])
    case "BertProcessing", "RobertaProcessing": return ([try named(part, "cls")], [try named(part, "sep")])
    case "TemplateProcessing": return try template(part)
    case let type: throw unknown(part, type)
    }
  }

  /// The id of a token that is a name and an id.
  private func named(_ part: ConfigurationReader, _ key: String) throws(ModelFileError) -> Int32 {
    guard case .array(let pair)? = part.value(key), pair.count == 2, case .integer(let id) = pair[1], 0..<1 << 24 ~= id
    else { throw part.failure(.invalidMetadata, key, "is no pair of a name and an id") }
    return Int32(id)
  }

  private func template(_ part: ConfigurationReader) throws(ModelFileError) -> (before: [Int32], after: [Int32]) {
    let special = try part.optionalObject("special_tokens")
    var frame: (before: [Int32], after: [Int32]) = ([], [])
    var isAfter = false
    for item in try elements(part, "single") {
      if item.value("Sequence") != nil {
        guard !isAfter else { throw part.failure(.unsupportedModel, "single", "has the text twice") }
        isAfter = true
        continue
      }
      guard let name = try item.optionalObject("SpecialToken")?.optionalString("id") else {
        throw part.failure(.invalidMetadata, "single", "has an element that is neither a token nor a text")
      }
      guard let ids = try special?.optionalObject(name)?.optionalArray("ids") else {
        throw part.failure(.missingKey, "special_tokens", "has no token “\(printable(name))”")
      }
      for value in ids {
        guard case .integer(let id) = value, 0..<1 << 24 ~= id else {
          throw part.failure(.invalidMetadata, "special_tokens", "“\(printable(name))” is no list of ids")
        }
        if isAfter { frame.after.append(Int32(id)) } else { frame.before.append(Int32(id)) }
      }
    }
    return frame
  }

  // MARK: Decoders

  func decoder() throws(ModelFileError) -> PieceDecoder {
    // Without one, tokens are words.
    guard let part = try root.optionalObject("decoder") else {
      return PieceDecoder(steps: [.wordPiece(prefix: "")], takesSpace: true)
    }
    var decoder = PieceDecoder()
    try add(part, to: &decoder)
    return decoder
  }

  private func add(_ part: ConfigurationReader, to decoder: inout PieceDecoder) throws(ModelFileError) {
    switch try type(part) {
    case "Sequence": for element in try elements(part, "decoders") { try add(element, to: &decoder) }
    case "ByteLevel": decoder.steps.append(.bytes)
    case "ByteFallback": decoder.steps.append(.byteTokens)
    case "Fuse": break
    case "Replace":
      guard case .string(let text) = try pattern(part) else {
        throw part.failure(.unsupportedModel, "pattern", "a regular expression is not read in a decoder")
      }
      decoder.steps.append(.replace(text, try scalars(part, "content")))
    case "Strip":
      guard try part.optionalString("content") == " ", try part.optionalInteger("stop") ?? 0 == 0 else {
        throw part.failure(.unsupportedModel, "content", "anything but spaces at the beginning is not taken away")
      }
      if try part.optionalInteger("start") ?? 0 > 0 { decoder.takesSpace = true }
    case "Metaspace":
      let replacement = try part.optionalString("replacement") ?? "▁"
      decoder.steps.append(.replace(Array(replacement.unicodeScalars), [" "]))
      if try prefix(part) != .never { decoder.takesSpace = true }
    case "WordPiece":
      decoder.steps.append(.wordPiece(prefix: try part.optionalString("prefix") ?? "##"))
      decoder.takesSpace = true
    case "BPEDecoder": decoder.steps.append(.suffix(try part.optionalString("suffix") ?? "</w>"))
    case let type: throw unknown(part, type)
    }
  }
}
