import ArgumentParser
import Foundation
import PumiceModelFiles
import PumiceTokenizers

/// `pumice tokenize`.
struct TokenizeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tokenize",
    abstract: "Prints the tokens of a text.",
    discussion: """
      Names of special tokens in the text count as those tokens, and the tokens that begin and end a sequence are added
      where the model wants them; --no-special does neither.

      Example: pumice tokenize tiny.gguf "Once upon a time" --json
      """)

  @Argument(
    help: "The model: a GGUF file, a Hugging Face folder, or hf:OWNER/NAME.", completion: .file(extensions: ["gguf"]))
  var model: String

  @Argument(help: "The text.")
  var text: String?

  @Flag(help: "Read the text from the standard input, every byte of it.")
  var stdin = false

  @Flag(help: "Add no special tokens, and take their names in the text for text.")
  var noSpecial = false

  @Flag(help: "Print JSON: {\"tokens\": […], \"pieces\": […]}.")
  var json = false

  func validate() throws {
    if (text == nil) != stdin { throw ValidationError("Give a text or --stdin, and not both.") }
  }

  private struct Result: Encodable {
    var tokens: [Int32]
    var pieces: [String]
  }

  func run() throws {
    let tokenizer = try Tokenizers.load(from: openModel(model))
    let text = try self.text ?? decodeText(FileHandle.standardInput.readToEnd() ?? Data(), from: "the standard input")
    let tokens = try tokenizer.encode(text, addSpecial: !noSpecial, parseSpecial: !noSpecial)
    let pieces = tokens.map(tokenizer.text)
    if json {
      try printCompactJSON(Result(tokens: tokens, pieces: pieces))
    } else {
      for (token, piece) in zip(tokens, pieces) {
        print("\(padded(String(token), 7, right: true))  \(piece.debugDescription)")
      }
    }
  }
}

/// The text of a file's bytes.
///
/// - Throws: `InputError` if they are not UTF-8.
func decodeText(_ data: Data, from source: String) throws -> String {
  guard let text = String(validating: data, as: UTF8.self) else { throw InputError("\(source) is not UTF-8 text") }
  return text
}
