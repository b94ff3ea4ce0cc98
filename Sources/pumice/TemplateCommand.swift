import ArgumentParser
import Foundation
import PumiceModelFiles
import PumiceTemplates

/// `pumice template`.
struct TemplateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "template",
    abstract: "Renders a chat template.",
    discussion: """
      The variables are JSON objects, one per line, with what the template asks for: messages, tools,
      add_generation_prompt, bos_token and so on. Each is rendered for itself. With --json each result is one line, an
      object with the text or with the error.

      Examples:
        pumice template model.gguf
        echo '{"messages": [{"role": "user", "content": "Hi"}], "add_generation_prompt": true}' |
          pumice template chat_template.jinja --variables -
      """)

  @Argument(
    help: ArgumentHelp("A Jinja file, or a model that has a template.", valueName: "file"), completion: .file())
  var path: String

  @Option(
    help: ArgumentHelp(
      "Render with the variables in this file; - is the standard input. Default: show the template.", valueName: "file")
  )
  var variables: String?

  @Flag(help: "Print a line of JSON for each object.")
  var json = false

  private struct Result: Encodable {
    var text: String?
    var error: String?
    var code: String?
  }

  func run() throws {
    let source = try self.source()
    guard let variables else { return FileHandle.standardOutput.write(Data(source.utf8)) }
    let data: Data
    if variables == "-" {
      data = FileHandle.standardInput.readDataToEndOfFile()
    } else {
      do { data = try Data(contentsOf: URL(fileURLWithPath: variables)) } catch {
        throw InputError("\(variables): cannot read the variables: \((error as NSError).localizedDescription)")
      }
    }
    let lines = try decodeText(data, from: variables).split(whereSeparator: \.isNewline)
    let template = try Template(source)
    for (index, line) in lines.enumerated() {
      guard case .dictionary(let entries) = TemplateValue(try JSONValue(parsing: String(line), from: variables)) else {
        throw InputError("\(variables): line \(index + 1) is no JSON object")
      }
      do {
        let text = try template.render(Dictionary(entries.map { ($0.key, $0.value) }) { $1 })
        if json { try printCompactJSON(Result(text: text)) } else { FileHandle.standardOutput.write(Data(text.utf8)) }
      } catch let error as TemplateError where json {
        try printCompactJSON(Result(error: error.detail, code: error.code.rawValue))
      }
    }
  }

  private func source() throws -> String {
    guard path.hasSuffix(".jinja") else {
      let file = try openModel(path)
      guard let source = try file.optionalString("tokenizer.chat_template") else {
        throw InputError("\(path): the file has no chat template")
      }
      return source
    }
    do { return try decodeText(try Data(contentsOf: URL(fileURLWithPath: path)), from: path) } catch let error
      as InputError
    {
      throw error
    } catch {
      throw InputError("\(path): cannot read the template: \((error as NSError).localizedDescription)")
    }
  }
}
