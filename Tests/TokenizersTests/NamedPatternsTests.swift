import Foundation
import PumiceTokenizers
import Testing

/// Words against those that Hugging Face's `tokenizers` makes with the same expressions.
@Suite struct NamedPatternsTests {
  private struct Expected: Decodable {
    var texts: [String]
    /// The lengths of words in Unicode scalars, for each text.
    var lengths: [String: [[Int]]]
  }

  @Test(arguments: NamedPatterns.byName.keys.sorted()) func textsAreCutIntoTheSameWords(name: String) throws {
    let expected = try Fixture.load("words", as: Expected.self)
    let lengths = try #require(expected.lengths[name])
    #expect(expected.texts.count > 100 && lengths.count == expected.texts.count)
    for (text, lengths) in zip(expected.texts, lengths) {
      let words = try NamedPatterns.words(of: text, by: name)
      #expect(words.map(\.unicodeScalars.count) == lengths, "\(text.debugDescription)")
      #expect(words.joined() == text)
    }
  }
}
