/// Text to token ids and back.
///
/// Ids outside the vocabulary are legal everywhere and stand for nothing: their piece is empty.
public protocol Tokenizer: Sendable {
  /// The number of tokens; ids are 0 to this, exclusive.
  var vocabularySize: Int { get }
  /// The token that begins a sequence.
  var bosToken: Int32? { get }
  /// The token that ends a sequence.
  var eosToken: Int32? { get }
  /// The tokens at which a model stops: end of sequence, of turn, of message.
  var endOfGenerationTokens: Set<Int32> { get }
  /// Whether `encode` with `addSpecial` begins with the BOS token.
  var addsBOS: Bool { get }
  /// Whether `encode` with `addSpecial` ends with the EOS token.
  var addsEOS: Bool { get }
  /// Whether `encode` puts a space before the text, which `decode` takes away again.
  var addsSpacePrefix: Bool { get }

  /// The tokens of a text.
  ///
  /// - Parameters:
  ///   - addSpecial: puts the BOS and EOS tokens around it where the model wants them.
  ///   - parseSpecial: takes the names of control tokens in the text for those tokens. Leave it false for text of users.
  ///     (Tokens that the vocabulary calls user-defined are ordinary text and always matched.)
  /// - Throws: `textTooLong`.
  func encode(_ text: String, addSpecial: Bool, parseSpecial: Bool) throws(TokenizerError)
    -> [Int32]

  /// The bytes that a token stands for: maybe only a part of a character. A control token gives its name.
  func piece(_ id: Int32) -> [UInt8]

  /// Whether a token is for control or unknown text, so that it is no part of what a reader sees.
  func isSpecial(_ id: Int32) -> Bool
}

extension Tokenizer {
  /// The piece in print. Bytes that are no whole characters are written like `<0xF0>`.
  public func text(of id: Int32) -> String {
    let piece = piece(id)
    return String(validating: piece, as: UTF8.self)
      ?? piece.map { "<0x\($0 < 16 ? "0" : "")\(String($0, radix: 16, uppercase: true))>" }.joined()
  }

  /// The text of a sequence. Bytes that are not UTF-8 become U+FFFD.
  ///
  /// One space is taken from the front when `addsSpacePrefix`: that of the first token that is shown.
  /// - Parameter skipSpecial: leaves out the tokens for which `isSpecial` holds.
  public func decode(_ ids: [Int32], skipSpecial: Bool = true) -> String {
    var decoder = StreamingDecoder(self, skipSpecial: skipSpecial, isStartOfText: true)
    return ids.map { decoder.append($0) }.joined() + decoder.finish()
  }
}
