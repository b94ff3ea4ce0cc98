public import Foundation

/// A chat template: a text in the language Jinja, as `tokenizer.chat_template` and `chat_template.jinja` hold it.
///
/// It is rendered as transformers does (an immutable sandbox of Jinja 3.1 with `trim_blocks`, `lstrip_blocks` and loop
/// controls; `tojson` without HTML escapes; `raise_exception`, `strftime_now` and generation blocks), but for what chat
/// templates have no use for: inheritance, includes, recursive loops. Nothing is ever escaped. Templates are hostile
/// input: time, memory and nesting are bounded.
/// Source: the documentation of Jinja 3.1.
public struct Template: Sendable {
  /// What a rendering may take.
  public struct Limits: Sendable {
    /// Steps of evaluation, also one for each element of lists and 16 bytes of texts that are made.
    public var steps = 4_000_000
    /// Bytes of a text.
    public var bytes = 16 << 20

    public init() {}
  }

  private let statements: [Statement]

  /// Reads a template.
  ///
  /// - Throws: `TemplateError` with the code `syntax`, `unsupported` or `limit`.
  public init(_ source: String) throws {
    statements = try Parser.parse(source)
  }

  /// The text for some variables.
  ///
  /// - Parameters:
  ///   - variables: what the template sees beside the functions `range`, `dict`, `namespace`, `raise_exception` and
  ///     `strftime_now`.
  ///   - now: the time for `strftime_now`, which is local.
  /// - Throws: `TemplateError`; `raised` if the template refuses the conversation.
  public func render(_ variables: [String: TemplateValue], now: Date = Date(), limits: Limits = Limits()) throws
    -> String
  {
    let renderer = Renderer(limits: limits, now: now)
    defer { renderer.dispose() }
    return try renderer.render(statements, variables)
  }
}
