public import Foundation
public import PumiceModelFiles
public import PumiceTemplates
public import PumiceTokenizers

/// A message of a conversation.
public struct ChatMessage: Hashable, Sendable {
  /// `system`, `user`, `assistant` or what else the model's template knows.
  public var role: String
  public var content: String

  public init(role: String, content: String) {
    self.role = role
    self.content = content
  }
}

/// How a model wants conversations written.
public struct ChatTemplate: Sendable {
  private let template: Template
  private let begin: String?
  private let end: String?

  /// - Parameter source: the template, as Jinja.
  /// - Throws: `TemplateError`.
  public init(_ source: String, for tokenizer: any Tokenizer) throws {
    template = try Template(source)
    begin = tokenizer.bosToken.map { tokenizer.text(of: $0) }
    end = tokenizer.eosToken.map { tokenizer.text(of: $0) }
  }

  /// The template of a model file, key `tokenizer.chat_template`.
  ///
  /// - Throws: `ModelFileError` with the code `missingKey` if it has none, and `TemplateError`.
  public init(_ file: any GGUFSource, for tokenizer: any Tokenizer) throws {
    try self.init(try file.string("tokenizer.chat_template"), for: tokenizer)
  }

  /// The text of a conversation.
  ///
  /// - Parameters:
  ///   - addsPrompt: begins an answer after the last message.
  ///   - variables: further ones that the template knows, such as `enable_thinking`.
  /// - Throws: `TemplateError`; `raised` if the template refuses the conversation.
  public func text(
    of messages: [ChatMessage], addsPrompt: Bool = true, variables: [String: TemplateValue] = [:], now: Date = Date()
  ) throws -> String {
    var all: [String: TemplateValue] = [
      "messages": .list(messages.map { ["role": .string($0.role), "content": .string($0.content)] }),
      "add_generation_prompt": .bool(addsPrompt), "tools": nil, "documents": nil,
    ]
    if let begin { all["bos_token"] = .string(begin) }
    if let end { all["eos_token"] = .string(end) }
    return try template.render(all.merging(variables) { $1 }, now: now)
  }

  /// The tokens of a conversation. The one that begins a sequence comes first where the model wants it, and once.
  public func tokens(of text: String, with tokenizer: any Tokenizer) throws -> [Int32] {
    var tokens = try tokenizer.encode(text, addSpecial: false, parseSpecial: true)
    if tokenizer.addsBOS, let begin = tokenizer.bosToken, tokens.first != begin { tokens.insert(begin, at: 0) }
    return tokens
  }
}
