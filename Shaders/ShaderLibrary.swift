import Foundation

/// The GLSL of every kernel, by its path below `Shaders/` (`"MatMul/matmul_broadcast.comp"`).
///
/// The text is embedded at build time. If the environment variable `PUMICE_SHADERS` names a folder, the files are read
/// from there instead, so that a shader can be edited and run again without a build.
public enum ShaderLibrary {
  /// A shader that neither the package nor the folder of `PUMICE_SHADERS` holds.
  public struct MissingShader: Error, CustomStringConvertible {
    public let path: String
    public let folder: String?
    /// File and line of the `#include` that names it, if one does.
    public var includer: String?

    public var description: String {
      let place = includer.map { "\($0): " } ?? ""
      if let folder { return "\(place)shader \(path): no such file in the folder \(folder) named by PUMICE_SHADERS" }
      return "\(place)no shader is named \(path)"
    }
  }

  private static let texts = Dictionary(uniqueKeysWithValues: embedded.map { ($0.path, $0.text) })

  /// The folder that replaces the embedded text, if any.
  public static var folder: String? {
    ProcessInfo.processInfo.environment["PUMICE_SHADERS"].flatMap { $0.isEmpty ? nil : $0 }
  }

  /// Paths of all embedded shaders and include files, sorted.
  public static var paths: [String] { texts.keys.sorted() }

  /// The text of one file, without resolving its includes.
  public static func text(_ path: String) throws(MissingShader) -> String {
    if let folder {
      guard let text = try? String(contentsOfFile: "\(folder)/\(path)", encoding: .utf8) else {
        throw MissingShader(path: path, folder: folder)
      }
      return text
    }
    guard let text = texts[path] else { throw MissingShader(path: path, folder: nil) }
    return text
  }

  /// The text of a shader with its includes in their places, each file once. `#line` directives make the compiler's
  /// messages name the file and line where the text was written.
  ///
  /// - Parameters:
  ///   - path: `"MatMul/matmul_broadcast.comp"`; includes are named the same way, from the root of the shaders.
  ///   - generated: texts that are no files, by name: `"mask"` is included as `"Generated/mask.glsl"`.
  ///   - overrides: texts that replace those of the library and generated ones, by path.
  public static func resolved(
    _ path: String, generated: [String: String] = [:], overrides: [String: String] = [:]
  ) throws(MissingShader) -> String {
    var resolver = IncludeResolver(generated: generated, overrides: overrides)
    try resolver.append(path, includer: nil)
    return resolver.text
  }

  /// The shader and all files that it includes, each once, the shader first. Generated texts are no files.
  public static func files(of path: String) throws(MissingShader) -> [String] {
    var resolver = IncludeResolver(generated: nil, overrides: [:])
    try resolver.append(path, includer: nil)
    return resolver.files.filter { !$0.hasPrefix(IncludeResolver.generatedFolder) }
  }
}

/// Puts the texts of included files where they are included.
private struct IncludeResolver {
  static let generatedFolder = "Generated/"

  /// Nil stands for any texts, which are then empty.
  let generated: [String: String]?
  let overrides: [String: String]
  private(set) var text = ""
  private(set) var files: [String] = []

  init(generated: [String: String]?, overrides: [String: String]) {
    self.generated = generated
    self.overrides = overrides
  }

  mutating func append(_ path: String, includer: String?) throws(ShaderLibrary.MissingShader) {
    guard !files.contains(path) else { return }
    files.append(path)
    var source = overrides[path] ?? generatedText(path)
    if source == nil {
      do throws(ShaderLibrary.MissingShader) {
        source = try ShaderLibrary.text(path)
      } catch {
        var error = error
        error.includer = includer
        throw error
      }
    }
    if includer != nil { text += "#line 1 \"\(path)\"\n" }
    for (index, line) in source!.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" || $0 == "\r" })
      if let name = Self.include(words) {
        try append(name, includer: "\(path):\(index + 1)")
        text += "#line \(index + 2) \"\(path)\"\n"
      } else {
        text += line + "\n"
        // File names in #line need this extension, which must come after the version.
        if words.first == "#version" {
          text += "#extension GL_GOOGLE_cpp_style_line_directive : require\n#line \(index + 2) \"\(path)\"\n"
        }
      }
    }
  }

  /// The text of `Generated/name.glsl`.
  private func generatedText(_ path: String) -> String? {
    guard path.hasPrefix(Self.generatedFolder), path.hasSuffix(".glsl") else { return nil }
    guard let generated else { return "" }
    return generated[String(path.dropFirst(Self.generatedFolder.count).dropLast(".glsl".count))]
  }

  /// The name in `#include "name"`.
  private static func include(_ words: [Substring]) -> String? {
    guard words.count >= 2, words[0] == "#include", words[1].count > 2, words[1].first == "\"", words[1].last == "\""
    else {
      return nil
    }
    return String(words[1].dropFirst().dropLast())
  }
}
