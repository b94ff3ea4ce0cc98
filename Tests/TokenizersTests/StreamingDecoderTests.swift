import PumiceTokenizers
import Testing

@Suite struct StreamingDecoderTests {
  @Test(arguments: Fixture.names) func piecesOfAnEmojiAreHeldUntilItIsWhole(name: String) throws {
    let tokenizer = try FixtureTokenizers.tokenizer(name)
    let text = "I 😶‍🌫️ you 🏽é—ok"
    let ids = try tokenizer.encode(text, addSpecial: false, parseSpecial: false)
    #expect(ids.contains { String(validating: tokenizer.piece($0), as: UTF8.self) == nil }, "nothing is split here")
    var decoder = StreamingDecoder(tokenizer, isStartOfText: true)
    var shown = ""
    for id in ids {
      let part = decoder.append(id)
      #expect(!part.unicodeScalars.contains("\u{FFFD}"))
      shown += part
    }
    #expect(decoder.finish() == "")
    #expect(shown.utf8.elementsEqual(text.utf8))
  }

  @Test func bytesThatNeverBecomeACharacterAreShownAsReplacements() throws {
    let tokenizer = try FixtureTokenizers.tokenizer("llama-spm")
    let byte = { (value: Int32) in value + 3 }  // <0x00> is token 3
    let sequences: [[Int32]] = [
      [0xF0, 0x9F, 0x98], [0xF0, 0x9F, 0x41], [0xFF, 0xFE], [0xE0, 0x80, 0x80], [0xC3], [0x80, 0x80],
      [0xED, 0xA0, 0x80],
      [0xF4, 0x90, 0x80, 0x80], [0xF0, 0x9F, 0x98, 0x80, 0xE2, 0x82], [0xC0, 0xAF], [0xE2, 0xC3, 0xA9],
    ]
    for sequence in sequences {
      var decoder = StreamingDecoder(tokenizer)
      let streamed = sequence.map { decoder.append(byte($0)) }.joined() + decoder.finish()
      let expected = String(decoding: sequence.map { UInt8($0) }, as: UTF8.self)
      #expect(streamed == expected)
      #expect(tokenizer.decode(sequence.map(byte)) == expected)
      #expect(decoder.finish() == "")
    }
  }

  @Test func randomBytesStreamAsTheyDecode() throws {
    let tokenizer = try FixtureTokenizers.tokenizer("llama-spm")
    var generator = SplitMix(state: 3)
    let leads: [Int32] = [
      0x41, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC2, 0xE0, 0xE2, 0xED, 0xF0, 0xF1, 0xF4, 0xF5, 0xFF,
    ]
    for _ in 0..<2000 {
      let bytes = (0..<Int.random(in: 1...8, using: &generator)).map { _ in leads.randomElement(using: &generator) ?? 0
      }
      var decoder = StreamingDecoder(tokenizer)
      let streamed = bytes.map { decoder.append($0 + 3) }.joined() + decoder.finish()
      #expect(streamed.utf8.elementsEqual(String(decoding: bytes.map { UInt8($0) }, as: UTF8.self).utf8), "\(bytes)")
    }
  }

  @Test func continuationsKeepTheirSpaceAndStartsLoseIt() throws {
    let tokenizer = try FixtureTokenizers.tokenizer("llama-spm")
    let ids = try tokenizer.encode("Hello world", addSpecial: true, parseSpecial: false)
    #expect(ids.first == tokenizer.bosToken)
    var continuing = StreamingDecoder(tokenizer)
    #expect(ids.map { continuing.append($0) }.joined() == " Hello world")
    var starting = StreamingDecoder(tokenizer, isStartOfText: true)
    #expect(ids.map { starting.append($0) }.joined() == "Hello world")
    #expect(tokenizer.decode(ids, skipSpecial: false) == "<s> Hello world")
  }
}
