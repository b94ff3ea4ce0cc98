import Foundation
import PumiceModelFiles
import PumiceTemplates
import Testing

/// Templates against what Python's jinja2 makes of them; see `Tests/Fixtures/Templates/README.md`.
@Suite struct TemplateTests {
  private static func value(_ name: String) throws -> TemplateValue {
    let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let file = tests.appendingPathComponent("Fixtures/Templates/\(name)")
    return TemplateValue(try JSONValue(parsing: String(contentsOf: file, encoding: .utf8), from: name))
  }

  private static func source(_ name: String) throws -> String {
    let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    return try String(contentsOf: tests.appendingPathComponent("Fixtures/Templates/\(name).jinja"), encoding: .utf8)
  }

  @Test func expressionsAndStatementsAreThoseOfJinja() throws {
    let file = try Self.value("expressions.json")
    let variables = try #require(file["variables"]?.dictionary), results = try #require(file["results"]?.list)
    #expect(results.count > 130)
    for result in results {
      let source = try #require(result["template"]?.string)
      func rendered() throws -> String {
        try Template(source.replacing("⏎", with: "\n")).render(variables)
      }
      if let text = result["text"]?.string {
        let found = Result { try rendered() }
        #expect((try? found.get()).map { Array($0.utf8) } == Array(text.utf8), "\(source): \(found)")
      } else {
        #expect(throws: TemplateError.self, "\(source)") { try rendered() }
      }
    }
  }

  static let families = [
    "chatml", "command-r", "deepseek-r1", "gemma", "gpt-oss", "granite", "llama2", "llama3", "mistral", "phi3", "qwen3",
    "zephyr",
  ]

  @Test(arguments: families) func conversationsAreThoseOfJinja(family: String) throws {
    let template = try Template(Self.source(family))
    let cases = try #require(Self.value("conversations.json").list), expected = try Self.value("\(family).json")
    #expect(cases.count > 15)
    for one in cases {
      let name = try #require(one["name"]?.string), variables = try #require(one["variables"]?.dictionary)
      let found = Result { try template.render(variables) }
      if let text = expected[name]?["text"]?.string {
        #expect((try? found.get()) == text, "\(name): \(found)")
      } else {
        #expect(throws: TemplateError.self, "\(name)") { try found.get() }
      }
    }
  }

  @Test func aTemplateThatRefusesSaysWhy() throws {
    let template = try Template("{% if true %}\n  {{ raise_exception('no ' ~ 1) }}{% endif %}")
    let error = #expect(throws: TemplateError.self) { try template.render([:]) }
    #expect(error?.code == .raised && error?.detail == "no 1" && error?.line == 2 && error?.column == 6)
  }

  @Test(arguments: [
    ("{{ a\n  b }}", "syntax", 2, 3), ("x\n{% if %}", "syntax", 2, 7), ("é{{ x.y }}", "undefined", 1, 6),
    ("{{ 1 | uper }}", "unsupported", 1, 8), ("{# x", "syntax", 1, 1), ("{% raw %}", "syntax", 1, 1),
    ("{{ [1] < 2 }}", "invalidValue", 1, 4), ("{% for x in [] recursive %}", "unsupported", 1, 16),
    ("{{ 'x", "syntax", 1, 4), ("{{ '\\ud800' }}", "syntax", 1, 4), ("{{ 99999999999999999999 }}", "limit", 1, 4),
  ])
  func errorsHaveAPlace(source: String, code: String, line: Int, column: Int) throws {
    let error = #expect(throws: TemplateError.self) { try Template(source).render([:]) }
    #expect(error?.code.rawValue == code && error?.line == line && error?.column == column, "\(error!)")
  }

  @Test func timeIsLocal() throws {
    let now = Date(timeIntervalSince1970: 1_751_284_800), formatter = DateFormatter()
    formatter.dateFormat = "yyyy-MM-dd HH"
    let text = try Template("{{ strftime_now('%Y-%m-%d %H') }}").render([:], now: now)
    #expect(text == formatter.string(from: now))
    #expect(throws: TemplateError.self) {
      try Template("{{ strftime_now('%Y' * 1000) }}").render([:], now: now)
    }
  }
}

extension TemplateValue {
  subscript(name: String) -> TemplateValue? {
    guard case .dictionary(let entries) = self else { return nil }
    return entries.first { $0.key == name }?.value
  }

  var list: [TemplateValue]? { if case .list(let list) = self { list } else { nil } }
  var string: String? { if case .string(let text) = self { text } else { nil } }
  var dictionary: [String: TemplateValue]? {
    guard case .dictionary(let entries) = self else { return nil }
    return Dictionary(entries.map { ($0.key, $0.value) }) { $1 }
  }
}
