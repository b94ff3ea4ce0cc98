import PumiceModelFiles

/// A tokenizer as `tokenizer.json` describes it: added tokens are found first, what is between them is normalized, cut into
/// words, and these into tokens.
///
/// The text of the file is in the key `tokenizer.huggingface.json`. Source: the `tokenizers` library and its file format.
struct PipelineTokenizer: Tokenizer {
  let vocabularySize: Int
  let bosToken: Int32?
  let eosToken: Int32?
  let endOfGenerationTokens: Set<Int32>
  let addsBOS: Bool
  let addsEOS: Bool
  let addsSpacePrefix: Bool
  /// By id; empty for none.
  private let tokens: [String]
  private let added: [Int32: AddedToken]
  private let unknown: Int32?
  private let rawMatcher: AddedTokenMatcher
  private let normalizedMatcher: AddedTokenMatcher
  private let normalizer: TextNormalizer?
  private let splitter: WordSplitter?
  private let model: any SubwordModel
  private let decoder: PieceDecoder
  /// What comes before and after a text.
  private let frame: (before: [Int32], after: [Int32])

  /// - Throws: a `ModelFileError` that names the key: `unsupportedModel` for a part that is not known.
  init(_ file: any GGUFSource) throws {
    let reader = try PipelineReader(text: file.string(Keys.huggingFace), file: "\(file.path)/\(TokenizerJSON.name)")
    let list = try reader.addedTokens()
    let model = try reader.model(list)
    (self.model, tokens, unknown) = (model.model, model.tokens, model.unknown)
    vocabularySize = tokens.count
    added = Dictionary(list.map { ($0.id, $0) }) { $1 }
    normalizer = try reader.normalizer()
    splitter = try reader.splitter()
    decoder = try reader.decoder()
    addsSpacePrefix = decoder.takesSpace
    rawMatcher = AddedTokenMatcher(list.filter { !$0.isNormalized }, normalizer: nil)
    normalizedMatcher = AddedTokenMatcher(list.filter(\.isNormalized), normalizer: normalizer)

    var frame = try reader.frame(vocabularySize: tokens.count)
    let ids = 0...max(0, tokens.count - 1)
    func token(_ key: String) throws -> Int32? { try file.optionalInteger(key, in: ids).map(Int32.init) }
    let table = ByteStringTable(tokens)
    func special(_ key: String) throws -> Int32? {
      if let name = try file.optionalString(Keys.named(key)), let id = table.find(Array(name.utf8)) { return id }
      return try token(key)
    }
    let begin = try special(Keys.bos), end = try special(Keys.eos)
    if let begin, let adds = try file.optionalBool(Keys.addBOS), adds != (frame.before.first == begin) {
      if adds {
        frame.before.insert(begin, at: 0)
      } else {
        frame.before.removeFirst(frame.before.first == begin ? 1 : 0)
      }
    }
    if let end, let adds = try file.optionalBool(Keys.addEOS), adds != (frame.after.last == end) {
      if adds { frame.after.append(end) } else { frame.after.removeLast(frame.after.last == end ? 1 : 0) }
    }
    self.frame = frame
    bosToken = begin ?? frame.before.first
    eosToken = end ?? frame.after.last
    addsBOS = !frame.before.isEmpty && frame.before.first == bosToken
    addsEOS = !frame.after.isEmpty && frame.after.last == eosToken
    var ends = EndOfGeneration.wellKnown(in: table)
    if let end { ends.insert(end) }
    for key in [Keys.eot, Keys.eom] { if let id = try token(key) { ends.insert(id) } }
    for id in try file.optionalIntegerArray(Keys.ends) ?? [] where ids.contains(id) { ends.insert(Int32(id)) }
    if end == nil, let last = frame.after.last { ends.insert(last) }
    endOfGenerationTokens = EndOfGeneration.tokens(ends, in: table)
  }

  func encode(_ text: String, addSpecial: Bool, parseSpecial: Bool) throws(TokenizerError) -> [Int32] {
    guard text.utf8.count <= Int32.max else {
      throw TokenizerError(
        code: .textTooLong, detail: "a text of \(text.utf8.count) bytes; at most \(Int32.max) can be encoded")
    }
    let scalars = Array(text.unicodeScalars)
    var output = addSpecial ? frame.before : []
    for fragment in rawMatcher.split(scalars, takesSpecial: parseSpecial) {
      switch fragment {
      case .token(let id): output.append(id)
      case .text(let range):
        let part = Array(scalars[range]), normalized = normalizer?.normalize(part) ?? part
        for fragment in normalizedMatcher.split(normalized, takesSpecial: parseSpecial) {
          switch fragment {
          case .token(let id): output.append(id)
          case .text(let words):
            encode(
              Array(normalized[words]), isFirst: range.lowerBound == 0 && words.lowerBound == 0, to: &output)
          }
        }
      }
    }
    if addSpecial { output += frame.after }
    return output
  }

  private func encode(_ text: [Unicode.Scalar], isFirst: Bool, to output: inout [Int32]) {
    for word in splitter?.words(text, isFirst: isFirst) ?? [text] {
      var bytes: [UInt8] = []
      bytes.reserveCapacity(word.count)
      for scalar in word { bytes.append(contentsOf: UTF8.encode(scalar)!) }
      if !bytes.isEmpty { model.encode(bytes, to: &output) }
    }
  }

  func piece(_ id: Int32) -> [UInt8] {
    guard tokens.indices.contains(Int(id)) else { return [] }
    if let token = added[id] { return Array(token.content.utf8) }
    return decoder.piece(tokens[Int(id)])
  }

  func isSpecial(_ id: Int32) -> Bool { id == unknown || added[id]?.isSpecial == true }
}

/// What tokens stand for in a text, as the `decoder` of `tokenizer.json` says.
struct PieceDecoder: Sendable {
  enum Step: Sendable {
    /// Characters that stand for bytes.
    case bytes
    case replace([Unicode.Scalar], [Unicode.Scalar])
    /// `<0x0A>` is a byte.
    case byteTokens
    /// Tokens with the prefix go on with a word; a space is before all others.
    case wordPiece(prefix: String)
    /// The end of a word is a space.
    case suffix(String)
  }

  var steps: [Step] = []
  /// Whether the space before the first token is not part of the text.
  var takesSpace = false

  func piece(_ token: String) -> [UInt8] {
    var text = token
    for step in steps {
      switch step {
      case .bytes: return ByteAlphabet.decode(text)
      case .replace(let pattern, let content):
        let scalars = Array(text.unicodeScalars)
        var result = String.UnicodeScalarView()
        for (range, isMatch) in TextSplitter.string(pattern).cut(scalars) {
          result.append(contentsOf: isMatch ? content : Array(scalars[range]))
        }
        text = String(result)
      case .byteTokens:
        let bytes = Array(text.utf8)
        if bytes.count == 6, text.hasPrefix("<0x"), text.hasSuffix(">"),
          let byte = UInt8(String(decoding: bytes[3..<5], as: UTF8.self), radix: 16)
        {
          return [byte]
        }
      case .wordPiece(let prefix):
        text =
          !prefix.isEmpty && text.utf8.starts(with: prefix.utf8)
          ? String(decoding: text.utf8.dropFirst(prefix.utf8.count), as: UTF8.self) : " " + text
      case .suffix(let suffix):
        let bytes = Array(text.utf8)
        if bytes.suffix(suffix.utf8.count).elementsEqual(suffix.utf8) {
          text = String(decoding: bytes.dropLast(suffix.utf8.count), as: UTF8.self) + " "
        }
      }
    }
    return Array(text.utf8)
  }
}
