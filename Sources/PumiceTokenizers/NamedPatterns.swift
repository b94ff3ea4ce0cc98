/// The regular expressions by which the words of models' tokenizers are cut, one after the other.
///
/// Source: the `tokenizer.json` of the models; the names are those of `tokenizer.ggml.pre`.
package enum NamedPatterns {
  static let gpt2 = #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#
  private static let contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
  private static let spaces = #"\s*[\r\n]+|\s+(?!\S)|\s+"#
  private static let han = "[一-龥぀-ゟ゠-ヿ]+"
  private static let small = #"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"#
  private static let capital = #"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"#
  private static let sentence = #" ?[^(\s|.,!?…。，、।۔،)]+"#

  /// Words that begin with capitals, as in Mistral's Tekken and OpenAI's o200k.
  private static func cased(suffix: String, numbers: String) -> String {
    let lead = #"[^\r\n\p{L}\p{N}]?"#
    return lead + capital + "*" + small + "+" + suffix + "|" + lead + capital + "+" + small + "*"
      + suffix + "|"
      + numbers + #"| ?[^\s\p{L}\p{N}]+[\r\n/]*|"# + spaces
  }

  /// DeepSeek V3 and what followed it.
  private static func deepseek(symbolEnd: String, spaces: String) -> [String] {
    let words =
      ##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+"##
    return [#"\p{N}{1,3}"#, han, words + symbolEnd + "|" + spaces]
  }

  /// The expressions of a name.
  package static let byName: [String: [String]] = [
    "digits": [#"\p{N}"#, gpt2],
    "falcon": [#"[\p{P}\$\+<=>\^~\|`]+"#, gpt2, "[0-9][0-9][0-9]"],
    "default": [#"[\p{P}\$\+<=>\^~\|]+"#, gpt2, #"\p{N}+"#, "[0-9][0-9][0-9]"],
    "tekken": [cased(suffix: "", numbers: #"\p{N}"#)],
    "gpt-4o": [cased(suffix: contractions + "?", numbers: #"\p{N}{1,3}"#)],
    "qwen35": [
      contractions + #"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|"#
        + spaces
    ],
    "ufakzeka": [#"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|"# + spaces],
    "seed-coder": [
      contractions + #"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|"# + spaces
    ],
    "bailingmoe": [
      "'(?i:[sdmt]|ll|ve|re)" + #"|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|"#
        + #"\s*[\r\n]|\s+(?!\S)|\s+"#
    ],
    "minicpm5": [
      #"\p{N}{1,3}"#,
      contractions + #"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}+| ?[^\s\p{L}\p{N}]+[\r\n]*|"# + spaces,
    ],
    "laguna": [
      #"[^\n]+|[\n]+"#,
      contractions + #"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|"# + spaces,
    ],
    "jais-2": [
      contractions + #"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|"#
        + [512, 256, 128, 64, 32, 16, 8, 4].map { "\\s{\($0)}(?!\\S)|" }.joined()
        + #"\s{1,2}(?!\S)|\s{1}"#
    ],
    "bloom": [sentence], "viking": [sentence, #"\p{N}"#],
    "deepseek-v3": deepseek(symbolEnd: #"[\r\n]*"#, spaces: spaces),
    "spark2_5": deepseek(symbolEnd: "", spaces: #"[\r\n]|\s+(?!\S)|\s+"#) + [#"\p{N}"#],
    "deepseek-coder": [#"[\r\n]"#, #"\s?\p{L}+"#, #"\s?\p{P}+"#, "[一-龥ࠀ-一가-\u{D7FF}]+", #"\p{N}"#],
    "deepseek-llm": [
      #"[\r\n]"#, #"\s?["# + deepseekLetters + "]+", #"\s?[!-/:-~！-／：-～‘-‟\u3000-。]+"#, #"\s+$"#,
      "[一-龥ࠀ-一가-\u{D7FF}]+", #"\p{N}+"#,
    ],
    "chameleon": [
      "<sentinel:[0-9]+>", "(IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z", #"([\t\n]|    |  )"#, #"\p{N}"#,
      #"[\p{P}!-/:-@\[-`{-~]"#, gpt2,
    ],
  ]

  /// The letters with two cases, as DeepSeek LLM lists them.
  private static let deepseekLetters =
    "A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝὟ-ώᾀ"
    + "-ᾴᾶ-ᾼιῂ-ῄῆ-ῌῐ-ΐῖ-Ίῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤΩℨK-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-𐑏𐒰"
    + "-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃"

  /// The words of a text, as the expressions of a name cut it.
  ///
  /// - Throws: `PatternError`.
  package static func words(of text: String, by name: String) throws(PatternError) -> [String] {
    var patterns: [Pattern] = []
    for source in byName[name] ?? [] { patterns.append(try Pattern(source)) }
    let bytes = Array(text.utf8)
    var words: [String] = []
    Pattern.forEachWord(patterns, bytes, in: bytes.indices) {
      words.append(String(decoding: bytes[$0], as: UTF8.self))
    }
    return words
  }
}
