import PumiceModelFiles
import PumiceTokenizers
import Testing

@Suite struct SpecialTokenTests {
  @Test func theLongestNameWinsAndTheTextAroundItIsCut() throws {
    let tokenizer = try Tokenizers.load(
      from: byteLevelFile(extra: [("<|a|>", 3), ("<|a|><|b|>", 3), ("|><|", 3), ("<|b|>", 3)]))
    func encode(_ text: String) throws -> [String] {
      try tokenizer.encode(text, addSpecial: false, parseSpecial: true).map { tokenizer.text(of: $0) }
    }
    #expect(try encode("x<|a|><|b|>y") == ["x", "<|a|><|b|>", "y"])
    #expect(try encode("<|a|><|a|>") == ["<|a|>", "<|a|>"])
    #expect(try encode("<|b|><|c|>") == ["<|b|>", "<", "|", "c", "|", ">"])
    #expect(try encode("<|a|") == ["<", "|", "a", "|"])
  }

  @Test func controlTokensComeFromTextOnlyWhenAskedFor() throws {
    let tokenizer = try Tokenizers.load(from: byteLevelFile(extra: [("<|im_end|>", 3), ("[user]", 4)]))
    let control = Int32(tokenizer.vocabularySize - 2)
    let text = "a<|im_end|>[user]"
    let plain = try tokenizer.encode(text, addSpecial: false, parseSpecial: false)
    let parsed = try tokenizer.encode(text, addSpecial: false, parseSpecial: true)
    #expect(parsed == [parsed[0], control, control + 1])
    #expect(!plain.contains(control) && plain.last == control + 1, "user-defined tokens are ordinary text")
    #expect(tokenizer.isSpecial(control) && !tokenizer.isSpecial(control + 1))
    #expect(tokenizer.decode(parsed) == "a[user]")
    #expect(tokenizer.decode(parsed, skipSpecial: false) == text)
  }

  @Test func endsOfGenerationComeFromKeysAndNames() throws {
    let file = try byteLevelFile(
      extra: [("<|im_end|>", 1), ("<|eot_id|>", 3), ("stop", 3)],
      metadata: [("tokenizer.ggml.eos_token_id", .uint32(258))])
    let tokenizer = try Tokenizers.load(from: file)
    #expect(tokenizer.eosToken == 258)
    #expect(tokenizer.endOfGenerationTokens == [256, 257, 258])
    #expect(tokenizer.isSpecial(256), "a well-known end is for control whatever its type")

    let harmony = try byteLevelFile(extra: [("<|end|>", 3), ("<|return|>", 3), ("<|call|>", 3)])
    #expect(try Tokenizers.load(from: harmony).endOfGenerationTokens == [257, 258])
  }

  @Test func sequencesBeginAndEndAsTheFileSays() throws {
    let ids: [(String, GGUFValue)] = [
      ("tokenizer.ggml.bos_token_id", .uint32(256)), ("tokenizer.ggml.eos_token_id", .uint32(257)),
    ]
    let extra: [(String, Int32)] = [("<s>", 3), ("</s>", 3)]
    let quiet = try Tokenizers.load(from: byteLevelFile(extra: extra, metadata: ids))
    #expect(!quiet.addsBOS && !quiet.addsEOS)
    let both: [(String, GGUFValue)] = [
      ("tokenizer.ggml.add_bos_token", .bool(true)), ("tokenizer.ggml.add_eos_token", .bool(true)),
    ]
    let tokenizer = try Tokenizers.load(from: byteLevelFile(extra: extra, metadata: ids + both))
    #expect(try tokenizer.encode("", addSpecial: true, parseSpecial: false) == [256, 257])
    #expect(try tokenizer.encode("", addSpecial: false, parseSpecial: false) == [])
    let llama3 = try Tokenizers.load(
      from: byteLevelFile(extra: extra, metadata: ids + [("tokenizer.ggml.pre", .string("llama3"))]))
    #expect(llama3.addsBOS, "where the file is silent, Llama 3 begins with BOS")
  }

  @Test func idsOutsideTheVocabularyStandForNothing() throws {
    for name in Fixture.names {
      let tokenizer = try FixtureTokenizers.tokenizer(name)
      for id in [-1, Int32.min, Int32.max, Int32(tokenizer.vocabularySize)] {
        #expect(tokenizer.piece(id) == [] && tokenizer.text(of: id) == "" && !tokenizer.isSpecial(id))
      }
      #expect(tokenizer.decode([-1, .max]) == "")
    }
  }

  @Test func piecesInPrintShowBytesThatAreNoCharacter() throws {
    let tokenizer = try Tokenizers.load(from: byteLevelFile())
    let ids = try tokenizer.encode("aé\n", addSpecial: false, parseSpecial: false)
    #expect(ids.map { tokenizer.text(of: $0) } == ["a", "<0xC3>", "<0xA9>", "\n"])
  }
}
