import PumiceTokenizers
import Testing

@Suite struct RoundTripTests {
  /// Texts of every kind of scalar, the same on each run.
  static func randomTexts(count: Int, seed: UInt64) -> [String] {
    var generator = SplitMix(state: seed)
    let pools: [[UInt32]] = [
      Array(32...126), [32, 32, 10, 9, 13, 0xA0, 0x3000, 0x2003], Array(48...57), [39, 115, 116, 108, 108, 101, 118],
      Array(0xC0...0x17F), Array(0x400...0x45F), Array(0x4E00...0x4EFF), Array(0x300...0x30F), Array(0x1F600...0x1F64F),
      [0x200D, 0xFE0F, 0x1F3FD, 0xFFFD, 0, 1, 0x7F], Array(0x10000...0x1007F), Array(0xE000...0xE00F),
    ]
    return (0..<count).map { _ in
      var text = String.UnicodeScalarView()
      for _ in 0..<Int.random(in: 0...12, using: &generator) {
        let pool = pools.randomElement(using: &generator) ?? []
        for _ in 0..<Int.random(in: 1...4, using: &generator) {
          text.append(pool.randomElement(using: &generator).flatMap(Unicode.Scalar.init) ?? "?")
        }
      }
      return String(text)
    }
  }

  @Test(arguments: ["gpt-2", "llama-bpe", "qwen2"]) func byteLevelTokenizersLoseNothing(name: String) throws {
    let tokenizer = try FixtureTokenizers.tokenizer(name)
    for text in Self.randomTexts(count: 2000, seed: 1) {
      let ids = try tokenizer.encode(text, addSpecial: false, parseSpecial: false)
      #expect(tokenizer.decode(ids).utf8.elementsEqual(text.utf8), "\(text.debugDescription)")
    }
  }

  @Test func sentencePieceLosesNothingButTheDifferenceOfItsSpaceSign() throws {
    let tokenizer = try FixtureTokenizers.tokenizer("llama-spm")
    for text in Self.randomTexts(count: 2000, seed: 2) + ["  two", " ", "", "a\u{2581}b"] {
      let ids = try tokenizer.encode(text, addSpecial: true, parseSpecial: false)
      let expected = text.replacing("\u{2581}", with: " ")
      #expect(tokenizer.decode(ids).utf8.elementsEqual(expected.utf8), "\(text.debugDescription)")
    }
  }

  /// Quadratic work would take hours here.
  @Test(.timeLimit(.minutes(1)), arguments: ["gpt-2", "llama-spm"])
  func aMegabyteOfOneLetterIsNoHarderThanOtherText(name: String) throws {
    let tokenizer = try FixtureTokenizers.tokenizer(name)
    let text = String(repeating: "a", count: 1 << 20)
    let ids = try tokenizer.encode(text, addSpecial: false, parseSpecial: true)
    let decoded = ids.reduce(0) { $0 + tokenizer.piece($1).count } - (tokenizer.addsSpacePrefix ? 1 : 0)
    #expect(decoded == text.utf8.count)
  }
}

/// Steele, Lea & Flood 2014: a generator that is the same everywhere.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
