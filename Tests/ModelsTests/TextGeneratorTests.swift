import PumiceModelFiles
import PumiceModels
import PumiceTokenizers
import Testing

/// A session that says a given sequence, whatever it is told.
private final class ScriptedSession: Session {
  let configuration: ModelConfiguration
  let memory: MemoryEstimate
  let context: Int
  private(set) var position = 0
  private let script: [Int32]
  private var said = 0

  init(_ script: [Int32], context: Int) throws {
    let file = try Fixture.f32.open()
    configuration = try ModelConfiguration(file)
    memory = try ModelTensors(file, configuration).memory(SessionOptions(context: context))
    self.script = script
    self.context = context
  }

  func append(_ tokens: [Int32]) throws {
    guard position + tokens.count <= context else { throw ModelError.contextFull(context: context) }
    if position > 0 { said += tokens.count }
    position += tokens.count
  }
  func reset() { position = 0 }
  func rewind(to count: Int) -> Bool { false }
  func logits(appending tokens: [Int32]) throws -> [[Float]] { [] }
  func likeliestToken() -> Int32 { script[said % script.count] }
  func lastLogits() -> [Float] {
    (0..<Int32(configuration.vocabularySize)).map { $0 == likeliestToken() ? 10 : 0 }
  }
  func appendLikeliestToken() throws -> Int32 {
    try append([likeliestToken()])
    return likeliestToken()
  }
}

@Suite struct TextGeneratorTests {
  private let greedy = SamplingOptions(temperature: 0)

  /// Byte tokens come after `<unk>`, `<s>` and `</s>`.
  private func bytes(_ text: String) -> [Int32] { text.utf8.map { Int32($0) + 3 } }

  private func generate(
    _ script: [Int32], context: Int = 64, limit: Int? = nil, options: SamplingOptions? = nil,
    isCancelled: () -> Bool = { false }
  ) throws -> (pieces: [String], report: GenerationReport) {
    let tokenizer = try Tokenizers.load(from: Fixture.f32.open())
    let session = try ScriptedSession(script, context: context)
    var generator = TextGenerator(session, tokenizer, Sampler(options ?? greedy, seed: 0))
    let prompt = try TextGenerator.encode(prompt: "a", with: tokenizer, context: context)
    var pieces: [String] = []
    let report = try generator.generate(prompt, limit: limit, isCancelled: isCancelled) { pieces.append($0) }
    #expect(report.promptTokens == prompt.count)
    return (pieces, report)
  }

  @Test func charactersAreNeverSplit() throws {
    let text = "é🦙 日本"
    let (pieces, report) = try generate(bytes(text) + [2])
    #expect(pieces.joined() == text)
    #expect(report.stop == .endOfGeneration)
    #expect(report.tokens == bytes(text))
    for piece in pieces { #expect(!piece.unicodeScalars.contains("\u{FFFD}")) }
  }

  @Test func aCharacterThatIsCutOffIsShownAsSuch() throws {
    let (pieces, _) = try generate(Array(bytes("🦙").prefix(3)) + [2])
    #expect(pieces.joined() == "\u{FFFD}")
  }

  @Test(arguments: [0, 1, 5])
  func theLimitIsKept(limit: Int) throws {
    let (pieces, report) = try generate(bytes("abcdefgh"), limit: limit)
    #expect(pieces.joined() == String("abcdefgh".prefix(limit)))
    #expect(report.stop == .limit && report.tokens.count == limit)
  }

  @Test func aFullContextEndsTheText() throws {
    // The prompt takes some of the 8 cells; the last token made needs none.
    let (_, report) = try generate(bytes("abcdefghijkl"), context: 8)
    #expect(report.stop == .contextFull)
    #expect(report.promptTokens + report.tokens.count == 9)
  }

  @Test func cancellingEndsTheText() throws {
    var asked = 0
    let (pieces, report) = try generate(bytes("abcdefgh")) {
      asked += 1
      return asked > 3
    }
    #expect(report.stop == .cancelled && pieces.joined() == "abc")
  }

  @Test func samplingAppendsWhatItDrew() throws {
    let options = SamplingOptions(temperature: 1, topK: 1, repeatPenalty: 1.0001)
    let (pieces, report) = try generate(bytes("hello") + [2], options: options)
    #expect(pieces.joined() == "hello" && report.stop == .endOfGeneration)
  }

  @Test func promptsMustFitAndMustNotBeEmpty() throws {
    let tokenizer = try Tokenizers.load(from: Fixture.f32.open())
    let count = try TextGenerator.encode(prompt: "hello", with: tokenizer, context: 100).count
    #expect(throws: ModelError.promptTooLong(tokens: count, room: count - 1)) {
      try TextGenerator.encode(prompt: "hello", with: tokenizer, context: count)
    }
    #expect(try TextGenerator.encode(prompt: "hello", with: tokenizer, context: count + 1).count == count)
    #expect(try TextGenerator.encode(prompt: "", with: tokenizer, context: 2) == [1])
  }
}
