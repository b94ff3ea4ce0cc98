/// The printable characters that stand for bytes in the vocabularies of byte-level tokenizers.
///
/// Printable Latin-1 stands for itself; the other 68 bytes are numbered from U+0100 on, so that space is “Ġ”.
/// Source: Radford et al. 2019 (GPT-2), `bytes_to_unicode`.
enum ByteAlphabet {
  /// The UTF-8 of the character for each byte.
  static let characters: [[UInt8]] = alphabet.map { Array(String($0).utf8) }

  /// The character for each byte.
  static let alphabet: [Unicode.Scalar] = {
    var next: UInt32 = 0x100
    return (0...255).map { (byte: UInt32) in
      if (33...126).contains(byte) || (161...172).contains(byte) || (174...255).contains(byte) {
        return Unicode.Scalar(byte)!
      }
      defer { next += 1 }
      return Unicode.Scalar(next)!
    }
  }()

  private static let bytes: [Unicode.Scalar: UInt8] = Dictionary(
    uniqueKeysWithValues: zip(alphabet, 0...255))

  /// The bytes for which a text stands. A character outside the alphabet stands for its own UTF-8.
  static func decode(_ text: String) -> [UInt8] {
    text.unicodeScalars.flatMap { scalar in bytes[scalar].map { [$0] } ?? Array(String(scalar).utf8)
    }
  }
}
