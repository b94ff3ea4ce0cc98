public import PumiceTemplates
public import PumiceTokenizers

/// A conversation with a model. What a turn has in common with the one before stays in the cache.
public struct Conversation {
  public private(set) var messages: [ChatMessage] = []
  /// Variables of the template beside those that it always has.
  public var variables: [String: TemplateValue] = [:]
  private let session: any Session
  private let tokenizer: any Tokenizer
  private let template: ChatTemplate
  private var generator: TextGenerator
  /// The tokens that the session holds.
  private var seen: [Int32] = []

  public init(
    _ session: any Session, _ tokenizer: any Tokenizer, _ template: ChatTemplate, _ sampler: Sampler
  ) {
    self.session = session
    self.tokenizer = tokenizer
    self.template = template
    generator = TextGenerator(session, tokenizer, sampler)
  }

  /// What the model is told before anything else; nil for nothing. Setting it keeps the other messages.
  public var system: String? {
    get { messages.first.flatMap { $0.role == "system" ? $0.content : nil } }
    set {
      if system != nil { messages.removeFirst() }
      if let newValue { messages.insert(ChatMessage(role: "system", content: newValue), at: 0) }
    }
  }

  /// How many tokens the session holds, and how many it has room for.
  public var tokens: (used: Int, context: Int) { (session.position, session.context) }

  /// Forgets all messages but the system's.
  public mutating func clear() { messages.removeAll { $0.role != "system" } }

  /// Answers a message of the user. After an error the conversation is as it was before.
  ///
  /// - Throws: `TemplateError` if the template refuses the conversation, `ModelError.promptTooLong` if it leaves no room
  ///   for an answer, and as `TextGenerator.generate`.
  public mutating func answer(
    _ text: String, limit: Int? = nil, isCancelled: () -> Bool = { false }, onText: (String) -> Void
  ) throws -> GenerationReport {
    let before = messages
    messages.append(ChatMessage(role: "user", content: text))
    do { return try answer(limit: limit, isCancelled: isCancelled, onText: onText) } catch {
      messages = before
      throw error
    }
  }

  /// Answers the last message of the user once more; nil if there is none.
  public mutating func answerAgain(
    limit: Int? = nil, isCancelled: () -> Bool = { false }, onText: (String) -> Void
  ) throws -> GenerationReport? {
    guard let last = messages.lastIndex(where: { $0.role == "user" }) else { return nil }
    let before = messages
    messages.removeSubrange((last + 1)...)
    do { return try answer(limit: limit, isCancelled: isCancelled, onText: onText) } catch {
      messages = before
      throw error
    }
  }

  private mutating func answer(
    limit: Int?, isCancelled: () -> Bool, onText: (String) -> Void
  ) throws -> GenerationReport {
    let text = try template.text(of: messages, variables: variables)
    let tokens = try template.tokens(of: text, with: tokenizer)
    guard !tokens.isEmpty else { throw ModelError.emptyPrompt }
    guard tokens.count < session.context else {
      throw ModelError.promptTooLong(tokens: tokens.count, room: session.context - 1)
    }
    // The last token is always run, since the answer begins with what follows it.
    var common = zip(tokens.dropLast(), seen).prefix { $0 == $1 }.count
    if common < session.position, !session.rewind(to: common) {
      session.reset()
      common = 0
    }
    seen = Array(tokens[..<common])
    var answer = ""
    do {
      let report = try generator.generate(Array(tokens[common...]), limit: limit, isCancelled: isCancelled) {
        answer += $0
        onText($0)
      }
      seen = Array((tokens + report.tokens).prefix(session.position))
      messages.append(ChatMessage(role: "assistant", content: answer))
      return report
    } catch {
      session.reset()
      seen = []
      throw error
    }
  }
}
