import ArgumentParser
import Foundation
import PumiceModelFiles
import PumiceModels
import PumiceTemplates
import PumiceTokenizers

/// `pumice chat`.
struct ChatCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "chat",
    abstract: "Talks with a model in the terminal.",
    discussion: """
      The conversation is written as the model's own chat template says. Ctrl-C stops an answer, and not the program; Ctrl-D
      or /exit ends it; /help lists the commands. Lines that were entered come back with the arrow keys, also in the next
      conversation. Where the standard input is no terminal, each line of it is a message.

      Examples:
        pumice chat model.gguf --system "Answer in one sentence."
        echo "What is a pumice?" | pumice chat model.gguf --temp 0
      """)

  @OptionGroup var model: ModelFileArguments
  @OptionGroup var device: DeviceArguments
  @OptionGroup(title: "Session") var session: SessionArguments
  @OptionGroup(title: "Sampling") var sampling: SamplingArguments

  @Option(
    name: [.customLong("system"), .customLong("system-prompt"), .customLong("sys", withSingleDash: true)],
    help: "What the model is told before the conversation.")
  var system: String?

  @Option(
    help: ArgumentHelp("A Jinja file to use instead of the model's own template.", valueName: "file"),
    completion: .file(extensions: ["jinja"]))
  var chatTemplateFile: String?

  @Option(
    name: .customLong("chat-template-kwargs"),
    help: ArgumentHelp(
      "Further variables for the template, a JSON object such as {\"enable_thinking\": false}.", valueName: "json"))
  var variables: String?

  @Option(
    name: [.customShort("n"), .customLong("n-predict")], parsing: .unconditional,
    help: ArgumentHelp("Make at most so many tokens in an answer; −1: no limit.", valueName: "tokens"))
  var count = -1

  func validate() throws {
    if count < -1 { throw ValidationError("-n \(count): the number of tokens must be −1 or more.") }
  }

  func run() throws {
    let file = try model.open()
    let options = try sampling.options(for: file)
    let tokenizer = try Tokenizers.load(from: file)
    let template = try self.template(of: file, tokenizer)
    let variables = try templateVariables()
    let configuration = try ModelConfiguration(file)
    let tensors = try ModelTensors(file, configuration)
    let sessionOptions = try session.options(for: configuration, of: file)
    let loaded = try session.load(tensors, of: file, on: device, sessionOptions)
    note("device: \(loaded.place)")
    note("loaded \(file.path) in \(fixed(loaded.loadSeconds, 2)) s")
    var conversation = Conversation(
      loaded.session, tokenizer, template,
      Sampler(options, seed: sampling.seed ?? UInt64.random(in: 0...UInt64(UInt32.max))))
    conversation.variables = variables
    conversation.system = system
    var dialogue = Dialogue(conversation, limit: count < 0 ? nil : count)
    try dialogue.run()
    try loaded.checkValidation()
  }

  private func template(of file: any GGUFSource, _ tokenizer: any Tokenizer) throws -> ChatTemplate {
    if let path = chatTemplateFile {
      let data: Data
      do { data = try Data(contentsOf: URL(fileURLWithPath: path)) } catch {
        throw InputError("\(path): cannot read the template: \((error as NSError).localizedDescription)")
      }
      return try ChatTemplate(try decodeText(data, from: path), for: tokenizer)
    }
    guard try file.optionalString("tokenizer.chat_template") != nil else {
      throw InputError("\(file.path): the model has no chat template; give one with --chat-template-file")
    }
    return try ChatTemplate(file, for: tokenizer)
  }

  private func templateVariables() throws -> [String: TemplateValue] {
    guard let variables else { return [:] }
    guard
      case .dictionary(let entries) = TemplateValue(try JSONValue(parsing: variables, from: "--chat-template-kwargs"))
    else { throw ValidationError("--chat-template-kwargs takes a JSON object.") }
    return Dictionary(entries.map { ($0.key, $0.value) }) { $1 }
  }
}

/// The user's side of a conversation: messages and commands, line by line.
private struct Dialogue {
  private static let help = """
    /system TEXT  tells the model something before the conversation; without a text forgets it
    /regen        answers the last message again
    /clear        forgets the conversation
    /save FILE    writes the conversation as JSON
    /tokens       says how much of the context is used
    /help         shows this
    /exit         ends the program, as Ctrl-D does; Ctrl-C stops an answer
    """

  private var conversation: Conversation
  private let limit: Int?
  private var editor = LineEditor(history: LineHistory.standard("chat"))

  init(_ conversation: Conversation, limit: Int?) {
    self.conversation = conversation
    self.limit = limit
  }

  mutating func run() throws {
    if editor.isTerminal { note("/help lists the commands; Ctrl-D ends the conversation") }
    while let line = editor.readLine(prompt: "> ") {
      let text = line.trimmingCharacters(in: .whitespacesAndNewlines)
      if text.isEmpty { continue }
      if text == "/exit" || text == "/quit" || text == "/bye" { return }
      do { try answer(text) } catch {
        // In a script an error is one; in a conversation it is said, and the next message may do better.
        guard editor.isTerminal else { throw error }
        note("pumice: \(error)")
      }
    }
  }

  private mutating func answer(_ text: String) throws {
    guard text.hasPrefix("/") else {
      return try stream { try $0.answer(text, limit: $1, isCancelled: { Interruption.wasRequested }, onText: $2) }
    }
    let words = text.split(separator: " ", maxSplits: 1)
    let rest = words.count > 1 ? words[1].trimmingCharacters(in: .whitespaces) : ""
    switch words[0] {
    case "/help", "/?": note(Self.help)
    case "/system": conversation.system = rest.isEmpty ? nil : rest
    case "/clear": conversation.clear()
    case "/regen":
      try stream {
        guard
          let report = try $0.answerAgain(limit: $1, isCancelled: { Interruption.wasRequested }, onText: $2)
        else { throw InputError("/regen: there is no message to answer") }
        return report
      }
    case "/save":
      guard !rest.isEmpty else { throw InputError("/save needs the name of a file") }
      try save(to: rest)
    case "/tokens":
      let (used, context) = conversation.tokens
      note("\(used) of \(context) tokens")
    case let command: throw InputError("there is no command \(command); /help lists them")
    }
  }

  private mutating func stream(
    _ body: (inout Conversation, Int?, (String) -> Void) throws -> GenerationReport
  ) throws {
    Interruption.watch(endsAtSecond: false)
    defer { Interruption.watchNoMore() }
    let report = try body(&conversation, limit) { FileHandle.standardOutput.write(Data($0.utf8)) }
    FileHandle.standardOutput.write(Data("\n".utf8))
    if report.stop == .contextFull { note("the context is full: /clear makes room") }
    if editor.isTerminal {
      note("[ Prompt: \(fixed(report.promptRate, 1)) t/s | Generation: \(fixed(report.generationRate, 1)) t/s ]")
    }
  }

  private struct Saved: Encodable {
    var role: String
    var content: String
  }

  private func save(to path: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    let data = try encoder.encode(conversation.messages.map { Saved(role: $0.role, content: $0.content) })
    do { try (data + Data("\n".utf8)).write(to: URL(fileURLWithPath: path), options: .atomic) } catch {
      throw InputError("\(path): cannot be written: \((error as NSError).localizedDescription)")
    }
    note("wrote \(path)")
  }
}
