import Foundation
public import PumiceModelFiles

/// Models that can be run, wherever they lie.
public enum ModelSource {
  /// Opens a GGUF file or a Hugging Face folder.
  ///
  /// - Throws: what is wrong with the files.
  public static func open(path: String) throws -> any GGUFSource {
    var isFolder: ObjCBool = false
    if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue {
      guard FileManager.default.fileExists(atPath: "\(path)/config.json") else {
        throw ModelFileError(
          file: path, code: .isDirectory, detail: "is a directory without config.json, which no model is")
      }
      return try FolderAsGGUF(folder: path, for: .running)
    }
    return try GGUFFile(path: path)
  }
}
