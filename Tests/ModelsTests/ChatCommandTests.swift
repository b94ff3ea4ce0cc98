import Foundation
import Testing

/// `pumice chat` and `pumice template`, as a user runs them.
@Suite(.serialized) struct ChatCommandTests {
  private static let template = """
    {% for m in messages %}{{ m.content }} {% endfor %}{% if add_generation_prompt %}Once upon a time{% endif %}

    """

  /// Runs with a file that holds the template, and its path in place of `TEMPLATE`.
  private func run(_ arguments: [String], input: String) throws -> CommandLineTests.Outcome {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("pumice-\(UUID().uuidString).jinja")
    try Data(Self.template.utf8).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    return try CommandLineTests().run(arguments.map { $0 == "TEMPLATE" ? file.path : $0 }, input: input)
  }

  @Test func aConversationGoesLineByLine() throws {
    let saved = FileManager.default.temporaryDirectory.appendingPathComponent("pumice-\(UUID().uuidString).json")
    defer { try? FileManager.default.removeItem(at: saved) }
    let outcome = try run(
      ["chat", "--chat-template-file", "TEMPLATE", "--temp", "0", "-n", "8"],
      input: "A fox.\n\n/regen\nA cat.\n/tokens\n/save \(saved.path)\n/exit\nnever read\n")
    #expect(outcome.code == 0, "\(outcome.errors)")
    let answers = outcome.output.split(separator: "\n")
    #expect(answers.count == 3 && answers[0] == answers[1], "\(outcome.output)")
    #expect(outcome.errors.contains("of 1024 tokens"))
    let messages = try #require(
      try JSONSerialization.jsonObject(with: Data(contentsOf: saved)) as? [[String: String]])
    #expect(messages.map { $0["role"] } == ["user", "assistant", "user", "assistant"])
    #expect(messages.first?["content"] == "A fox." && messages.last?["content"] == String(answers[2]))
  }

  @Test func mistakesAreNamed() throws {
    let noTemplate = try run(["chat"], input: "Hi\n")
    #expect(noTemplate.code == 1 && noTemplate.errors.contains("has no chat template"))
    let unknown = try run(["chat", "--chat-template-file", "TEMPLATE"], input: "/nope\n")
    #expect(unknown.code == 1 && unknown.errors.contains("there is no command /nope"))
    let nothing = try run(["chat", "--chat-template-file", "TEMPLATE"], input: "/regen\n")
    #expect(nothing.code == 1 && nothing.errors.contains("no message to answer"))
  }

  @Test func templatesAreRendered() throws {
    let outcome = try run(
      ["template", "TEMPLATE", "--variables", "-", "--json"],
      input: "{\"messages\": [{\"content\": \"é\"}]}\n{\"messages\": 5}\n")
    #expect(outcome.code == 0, "\(outcome.errors)")
    let lines = outcome.output.split(separator: "\n")
    #expect(
      lines.count == 2 && lines[0] == "{\"text\":\"é \"}" && lines[1].contains("invalidValue"), "\(outcome.output)")
  }
}
