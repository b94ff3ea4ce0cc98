import Foundation
import PumiceModelFiles

/// SentencePiece's table of what characters are replaced with: a double array of prefixes, and the texts that it points into.
///
/// Source: Aoe 1989 for double arrays, in the layout of Yata's `darts-clone`; SentencePiece's `normalizer.cc`.
struct CharsMap: Sendable {
  private let units: [UInt32]
  private let texts: [UInt8]

  /// - Parameter blob: the length of the array in bytes, the array, and texts each with a zero at its end.
  /// - Returns: nil for anything else.
  init?(_ blob: [UInt8]) {
    func word(_ offset: Int) -> UInt32 {
      blob[offset..<offset + 4].enumerated().reduce(0) { $0 | UInt32($1.element) << UInt32(8 * $1.offset) }
    }
    guard blob.count >= 4, case let size = Int(word(0)), size % 4 == 0, size <= blob.count - 4 else { return nil }
    units = (0..<size / 4).map { word(4 + 4 * $0) }
    texts = Array(blob[(4 + size)...])
    guard !units.isEmpty, texts.isEmpty || texts.last == 0 else { return nil }
  }

  /// The prefixes of bytes that the table has, shortest first, with the text for each.
  func prefixes(of bytes: ArraySlice<UInt8>) -> [(count: Int, text: ArraySlice<UInt8>)] {
    func offset(_ unit: UInt32) -> Int { Int((unit >> 10) << ((unit & 1 << 9) >> 6)) }
    var found: [(Int, ArraySlice<UInt8>)] = []
    var node = offset(units[0])
    for (index, byte) in bytes.enumerated() where byte != 0 {
      node ^= Int(byte)
      guard node < units.count else { return found }
      let unit = units[node]
      // The label with the bit that marks values.
      guard unit & (1 << 31 | 0xFF) == UInt32(byte) else { return found }
      node ^= offset(unit)
      guard node < units.count else { return found }
      guard unit >> 8 & 1 == 1 else { continue }
      let start = Int(units[node] & ~(1 << 31))
      guard start < texts.count, let end = texts[start...].firstIndex(of: 0) else { continue }
      found.append((index + 1, texts[start..<end]))
    }
    return found
  }

  /// As the `tokenizers` library does it: a whole character of several scalars first, then each of these; the shortest prefix
  /// counts for all.
  func normalize(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
    var view = String.UnicodeScalarView()
    view.append(contentsOf: text)
    var result: [Unicode.Scalar] = []
    func replacement(_ bytes: [UInt8]) -> [Unicode.Scalar]? {
      prefixes(of: bytes[...]).first.map { Array(String(decoding: $0.text, as: UTF8.self).unicodeScalars) }
    }
    for character in String(view) {
      let bytes = Array(character.utf8)
      if bytes.count < 6, let text = replacement(bytes) {
        result += text
        continue
      }
      for scalar in character.unicodeScalars { result += replacement(Array(String(scalar).utf8)) ?? [scalar] }
    }
    return result
  }
}
