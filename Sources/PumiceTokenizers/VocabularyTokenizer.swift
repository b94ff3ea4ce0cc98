/// A tokenizer that cuts special tokens out of the text and encodes what is left between them.
protocol VocabularyTokenizer: Tokenizer {
  var vocabulary: Vocabulary { get }

  /// Appends the tokens of a range of a text that contains no special tokens.
  ///
  /// - Parameter isFirst: whether nothing or a special token is before it.
  func encode(_ bytes: [UInt8], in range: Range<Int>, isFirst: Bool, to output: inout [Int32])

  /// Whether a token that is no ordinary one is cut out of the text before the rest is encoded.
  func isCutOut(_ id: Int32, parseSpecial: Bool) -> Bool
}

extension VocabularyTokenizer {
  public var vocabularySize: Int { vocabulary.tokens.count }
  public var bosToken: Int32? { vocabulary.bosToken }
  public var eosToken: Int32? { vocabulary.eosToken }
  public var endOfGenerationTokens: Set<Int32> { vocabulary.endOfGenerationTokens }
  public var addsBOS: Bool { vocabulary.addsBOS }
  public var addsEOS: Bool { vocabulary.addsEOS }

  public func isSpecial(_ id: Int32) -> Bool {
    [.control, .unknown].contains(vocabulary.type(of: id))
  }

  public func isCutOut(_ id: Int32, parseSpecial: Bool) -> Bool { parseSpecial || !isSpecial(id) }

  public func encode(_ text: String, addSpecial: Bool, parseSpecial: Bool) throws(TokenizerError)
    -> [Int32]
  {
    let bytes = Array(text.utf8)
    guard bytes.count <= Int32.max else {
      throw TokenizerError(
        code: .textTooLong,
        detail: "a text of \(bytes.count) bytes; at most \(Int32.max) can be encoded")
    }
    var output: [Int32] = []
    if addSpecial && addsBOS, let bosToken { output.append(bosToken) }
    var isFirst = true
    for fragment in vocabulary.matcher.split(bytes, where: { isCutOut($0, parseSpecial: parseSpecial) }) {
      switch fragment {
      case .token(let id):
        output.append(id)
        isFirst = true
      case .text(let range):
        encode(bytes, in: range, isFirst: isFirst, to: &output)
        isFirst = false
      }
    }
    if addSpecial && addsEOS, let eosToken { output.append(eosToken) }
    return output
  }
}
