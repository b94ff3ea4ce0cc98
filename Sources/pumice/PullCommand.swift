import ArgumentParser
import Foundation
import PumiceHub

/// `pumice pull`.
struct PullCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pull", abstract: "Fetches a model from a hub.",
    discussion: """
      The files lie in the cache of Hugging Face's own tools (HF_HUB_CACHE, HF_HOME), in their layout, so both share them. What
      has come when a pull breaks off is kept, and the next one goes on behind it. Every file is checked against the hash that
      the hub gives it. Wherever a model is asked for, hf:OWNER/NAME works as well.

      HF_ENDPOINT is another hub's address, HF_TOKEN what private and gated models want, HF_HUB_OFFLINE=1 uses the cache alone.

      Examples:
        pumice pull OWNER/NAME-GGUF:Q4_K_M
        pumice pull OWNER/NAME@v1.0
        pumice pull OWNER/NAME:folder/model.gguf
      """)

  @Argument(
    help: ArgumentHelp(
      "The model: OWNER/NAME, with @REVISION for a branch, tag or commit, and :QUANTIZATION or :FILE to choose a GGUF file.",
      valueName: "model"))
  var model: String

  @Flag(help: "Print the result as JSON.")
  var json = false

  func validate() throws { try requireReference(model) }

  private struct Result: Encodable {
    var model: String
    var commit: String
    var location: String
    var files: [String]
    var bytes: Int
  }

  func run() throws {
    let reference = try HubReference(model)
    let pulled = try pull(reference)
    if json {
      try printJSON(
        Result(
          model: reference.description, commit: pulled.commit, location: pulled.location.path,
          files: pulled.files.map(\.path), bytes: pulled.byteCount))
    } else {
      print(pulled.location.path)
    }
  }
}

/// Throws, as wrong usage, unless the text names a model of a hub.
func requireReference(_ text: String) throws {
  do throws(HubError) { _ = try HubReference(text) } catch { throw ValidationError(error.description) }
}

/// Fetches what is missing of a model, with a bar, and says what it is.
func pull(_ reference: HubReference) throws -> HubModel {
  let bar = ProgressBar()
  let settings = try HubSettings()
  defer { bar.clear() }
  let model = try HubModel.pull(reference, settings) { progress in
    bar.show(Double(progress.done) / Double(max(1, progress.total)), progress.file)
  }
  bar.clear()
  let source = model.isFromCacheAlone ? "the cache" : settings.endpoint.host ?? "the hub"
  note(
    "\(reference): \(model.location.lastPathComponent), \(readable(bytes: model.byteCount)), commit \(model.commit.prefix(12)), "
      + "from \(source)")
  return model
}
