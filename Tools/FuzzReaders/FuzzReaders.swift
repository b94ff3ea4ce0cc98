import CLibFuzzer
import Foundation

/// Feeds a reader of files with what libFuzzer invents.
///
///     fuzz-readers READER [libFuzzer's options] FOLDER…
///     fuzz-readers --seeds READER FOLDER     writes inputs to begin with
///
/// `Tools/fuzz` builds and calls it.
@main
struct FuzzReaders {
  static func main() throws {
    var arguments = Array(CommandLine.arguments.dropFirst())
    let writesSeeds = arguments.first == "--seeds"
    if writesSeeds { arguments.removeFirst() }
    guard let name = arguments.first, let reader = FuzzedReader(rawValue: name) else {
      let names = FuzzedReader.allCases.map(\.rawValue).joined(separator: "|")
      FileHandle.standardError.write(Data("usage: fuzz-readers [--seeds] \(names) …\n".utf8))
      exit(64)
    }
    if writesSeeds {
      guard arguments.count == 2 else { exit(64) }
      return try reader.writeSeeds(to: URL(fileURLWithPath: arguments[1], isDirectory: true))
    }
    exit(reader.run(Array(arguments.dropFirst())))
  }
}

/// The readers of what may come from strangers.
enum FuzzedReader: String, CaseIterable {
  /// A GGUF file: its layout, the model and the tokenizer that it describes.
  case gguf
  /// A safetensors file.
  case safetensors
  /// `config.json` beside a fixed safetensors file.
  case config
  /// `tokenizer.json`, and texts through the tokenizer that it describes.
  case tokenizer
  /// A chat template, rendered with a conversation.
  case template
}

extension FuzzedReader {
  /// What reads one input. An error is a good answer; what libFuzzer reports is a trap, a hang, or memory without bound.
  private var body: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt {
    switch self {
    case .gguf: { readGGUF(bytes($0, $1)) }
    case .safetensors: { readSafetensors(bytes($0, $1)) }
    case .config: { readConfiguration(bytes($0, $1)) }
    case .tokenizer: { readTokenizer(bytes($0, $1)) }
    case .template: { readTemplate(bytes($0, $1)) }
    }
  }

  /// Runs libFuzzer with its own options; gives its exit code.
  func run(_ options: [String]) -> CInt {
    var count = CInt(options.count + 1)
    var strings = (["fuzz-readers"] + options).map { strdup($0) } + [nil]
    return strings.withUnsafeMutableBufferPointer { buffer in
      var start = buffer.baseAddress
      return LLVMFuzzerRunDriver(&count, &start, body)
    }
  }
}

private func bytes(_ start: UnsafePointer<UInt8>?, _ count: Int) -> UnsafeBufferPointer<UInt8> {
  UnsafeBufferPointer(start: start, count: count)
}
