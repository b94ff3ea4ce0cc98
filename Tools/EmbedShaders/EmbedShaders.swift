import Foundation

// usage: EmbedShaders ROOT OUT.swift FILE...
// Writes one Swift file that holds the text of every shader as a raw string, keyed by its path below ROOT.
@main
struct EmbedShaders {
  static func main() throws {
    let arguments = CommandLine.arguments
    guard arguments.count >= 3 else { fatalError("usage: EmbedShaders ROOT OUT.swift FILE...") }
    let root = arguments[1]
    var text = "// Written by EmbedShaders; do not edit.\n\nextension ShaderLibrary {\n"
    text += "  static let embedded: [(path: String, text: String)] = [\n"
    for file in arguments[3...].sorted() {
      let path = String(file.dropFirst(root.count).drop { $0 == "/" })
      let source = try String(contentsOfFile: file, encoding: .utf8)
      text += "    (\"\(path)\", ###\"\"\"\n\(source)\n\"\"\"###),\n"
    }
    text += "  ]\n}\n"
    try text.write(toFile: arguments[2], atomically: true, encoding: .utf8)
  }
}
