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
    public var description: String {
      if let folder {
        "shader \(path): no such file in the folder \(folder) named by PUMICE_SHADERS"
      } else {
        "no shader is named \(path)"
      }
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
}
