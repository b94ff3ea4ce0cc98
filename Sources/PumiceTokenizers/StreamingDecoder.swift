/// Turns tokens into text as they come, without ever splitting a character.
///
/// What `append` and `finish` return, put together, is what `decode` would return for all tokens at once.
public struct StreamingDecoder: Sendable {
  private let tokenizer: any Tokenizer
  private let skipSpecial: Bool
  private var stripsSpace: Bool
  private var pending: [UInt8] = []

  /// - Parameters:
  ///   - skipSpecial: leaves out control tokens.
  ///   - isStartOfText: true when the first token begins a text, whose leading space is then the tokenizer's own;
  ///     false when the tokens continue a prompt.
  public init(_ tokenizer: any Tokenizer, skipSpecial: Bool = true, isStartOfText: Bool = false) {
    self.tokenizer = tokenizer
    self.skipSpecial = skipSpecial
    stripsSpace = isStartOfText && tokenizer.addsSpacePrefix
  }

  /// The text that is complete with this token: empty while a character lacks bytes.
  public mutating func append(_ id: Int32) -> String {
    if skipSpecial && tokenizer.isSpecial(id) { return "" }
    var piece = tokenizer.piece(id)[...]
    if stripsSpace && piece.first == UInt8(ascii: " ") { piece = piece.dropFirst() }
    stripsSpace = false
    pending += piece
    let complete = pending.count - incompleteTail(pending)
    defer { pending.removeFirst(complete) }
    return String(decoding: pending[..<complete], as: UTF8.self)
  }

  /// What is left at the end of the sequence: U+FFFD for a character that was never completed, or nothing.
  public mutating func finish() -> String {
    defer { pending = [] }
    return String(decoding: pending, as: UTF8.self)
  }
}

/// How many bytes at the end are the beginning of a character that more bytes could complete: 0 to 3.
///
/// Source: the Unicode Standard, table 3-7 (well-formed UTF-8 byte sequences).
func incompleteTail(_ bytes: [UInt8]) -> Int {
  for length in 1...3 where length <= bytes.count {
    let lead = bytes[bytes.count - length]
    if lead & 0xC0 == 0x80 { continue }
    let second = length > 1 ? bytes[bytes.count - length + 1] : nil
    let (needed, seconds): (Int, ClosedRange<UInt8>) =
      switch lead {
      case 0xC2...0xDF: (2, 0x80...0xBF)
      case 0xE0: (3, 0xA0...0xBF)
      case 0xED: (3, 0x80...0x9F)
      case 0xE1...0xEF: (3, 0x80...0xBF)
      case 0xF0: (4, 0x90...0xBF)
      case 0xF1...0xF3: (4, 0x80...0xBF)
      case 0xF4: (4, 0x80...0x8F)
      default: (0, 0x80...0xBF)
      }
    return length < needed && second.map(seconds.contains) ?? true ? length : 0
  }
  return 0
}
