import PumiceTemplates
import Testing

/// Templates that want too much, and garbage: every one must end in an error or a text, soon.
@Suite struct HostileTemplateTests {
  @Test(arguments: [
    // Time and memory.
    "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
    "{{ 'a' * 99999999999 }}", "{{ [1] * 9223372036854775807 }}", "{{ ('a' * 60000000) * 60000000 }}",
    "{% set ns = namespace(x='aa') %}{% for i in range(99) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
    "{% set ns = namespace(x=[1, 1]) %}{% for i in range(99) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
    "{% set ns = namespace(x='ab') %}{% for i in range(99) %}{% set ns.x = ns.x.replace('', ns.x) %}{% endfor %}",
    "{{ range(-9223372036854775807, 9223372036854775807) }}", "{{ 'x' | center(999999999999) }}",
    "{{ 2 ** 9223372036854775807 }}", "{{ '%999999999d' % 1 }}", "{{ 'a' | indent(9999999999) }}",
    "{{ [[[[1]]]] | tojson(indent=99999999) }}", "{{ 'x'.zfill(9999999999) }}",
    "{{ [1] | batch(9999999999, 'x') | list }}",
    "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}", "{{ 9223372036854775807 + 1 }}",
    "{{ -9223372036854775807 - 2 }}", "{{ (-9223372036854775807 - 1) // -1 }}",
    "{% for i in range(99999) %}{% for i in range(999) %}{{ 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' }}{% endfor %}{% endfor %}",
    // Nesting.
    "{% macro m(x) %}{{ m(x) }}{% endmacro %}{{ m(1) }}",
    "{% macro m() %}{% call m() %}{{ caller() }}{% endcall %}{{ caller }}{% endmacro %}{{ m() }}",
    "{% set ns = namespace(x=[]) %}{% for i in range(99999) %}{% set ns.x = [ns.x] %}{% endfor %}",
    "{% set ns = namespace(x={}) %}{% for i in range(99999) %}{% set ns.x = {'a': ns.x} %}{% endfor %}",
    "{% set ns = namespace(x=[1]) %}{% for i in range(99999) %}{% for j in [ns.x] %}{% set ns.x = loop %}{% endfor %}{% endfor %}",
    String(repeating: "(", count: 100_000), "{{ " + String(repeating: "(", count: 100_000),
    "{{ " + String(repeating: "[", count: 9999), "{{ " + String(repeating: "not ", count: 9999) + "1 }}",
    "{{ " + String(repeating: "-", count: 9999) + "1 }}", "{{ 1" + String(repeating: " + 1", count: 9999) + " }}",
    "{{ x" + String(repeating: ".x", count: 9999) + " }}", "{{ x" + String(repeating: " | e", count: 9999) + " }}",
    "{{ x" + String(repeating: " if x else x", count: 9999) + " }}",
    "{{ x is " + String(repeating: "in (x is ", count: 999) + "}}",
    String(repeating: "{% if x %}", count: 9999), String(repeating: "{% for x in y %}", count: 9999),
    String(repeating: "{% set x %}", count: 9999), String(repeating: " ", count: 2_000_000),
    "{% set " + String(repeating: "(", count: 9999) + "a", "{{ " + String(repeating: "{1: ", count: 9999),
  ])
  func tooMuchIsAnError(source: String) throws {
    #expect(throws: TemplateError.self, "\(source.prefix(80))") { _ = try rendered(source) }
  }

  private static var limits: Template.Limits {
    var limits = Template.Limits()
    limits.steps = 20_000
    limits.bytes = 1 << 20
    return limits
  }

  /// A text without tags may be long, and is no error.
  private func rendered(_ source: String) throws -> String {
    let text = try Template(source).render([:], limits: Self.limits)
    if text == source { throw TemplateError(code: .limit, line: 1, column: 1, detail: "no tags") }
    return text
  }

  @Test(arguments: [
    "{% set ns = namespace() %}{% set ns.x = ns %}{% set ns.y = [ns] %}a",
    "{% set ns = namespace() %}{% for i in range(2000) %}{% set ns.x = namespace(y=ns.x) %}{% endfor %}a",
    "{% set ns = namespace() %}{% for i in range(2000) %}{% set p = ns.m %}{% macro m() %}{{ p }}{% endmacro %}{% set ns.m = m %}{% endfor %}a",
    "{% set ns = namespace(x=[]) %}{% for i in range(2000) %}{% set ns.x = [ns.x] | select %}{% endfor %}a",
  ])
  func longChainsAreLetGo(source: String) throws {
    #expect(try Template(source).render([:]) == "a")
  }

  /// Pieces of templates put together at random.
  @Test func garbageIsAnErrorOrAText() {
    let pieces = [
      "{{", "}}", "{%", "%}", "{#", "#}", "-", "+", "if", "for", "in", "x", "y", "endfor", "endif", "set", "=", "(",
      ")", "[",
      "]", "{", "}", ":", ",", ".", "|", "is", "not", "1", "'a'", "\"", "\\", "~", "macro", "m", "endmacro", "raw",
      "endraw",
      "namespace", "loop", "tojson", "length", "map", "select", "defined", "*", "**", "//", "%", "<", "==", "or",
      "else",
      "call", "endcall", "break", "\n", " ", " ", " ", "é", "range", "9223372036854775807", "split", "format", "none",
    ]
    var random = SystemRandomNumberGenerator(), outcomes = (texts: 0, errors: 0)
    for _ in 0..<2000 {
      let body = (0..<Int.random(in: 1...14, using: &random)).map { _ in pieces.randomElement(using: &random)! }
      let opening = Bool.random(using: &random) ? "{{ " : "{% "
      let source =
        Bool.random(using: &random)
        ? body.joined() : opening + body.joined(separator: " ") + (opening == "{{ " ? " }}" : " %}")
      do {
        _ = try Template(source).render(["x": [1, "a", ["k": nil]], "y": "text"], limits: Self.limits)
        outcomes.texts += 1
      } catch let error as TemplateError {
        outcomes.errors += 1
        #expect(error.line >= 1 && error.column >= 1)
      } catch {
        Issue.record("\(source): \(error)")
      }
    }
    #expect(outcomes.texts > 40 && outcomes.errors > 100)
  }
}
