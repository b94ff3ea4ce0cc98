import Foundation
import PumiceModelFiles
import PumiceTensors

/// A model's folder of one's own in memory, of which one file changes with every input.
struct FuzzFolder {
  private let path: String

  /// One with the tensors of a tiny Llama model.
  static let config = FuzzFolder(tensors: true)
  /// One with nothing else.
  static let tokenizer = FuzzFolder(tensors: false)

  private init(tensors: Bool) {
    let memory = "/dev/shm"
    let parent = FileManager.default.fileExists(atPath: memory) ? memory : NSTemporaryDirectory()
    path = "\(parent)/pumice-fuzz-\(getpid())"
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      if tensors { try TinyModel.folderTensors().write(to: "\(path)/model.safetensors") }
    } catch { fatalError("\(path): \(error)") }
    atexit { FuzzFolder.remove() }
  }

  /// Its path, once `name` in it holds the bytes.
  func replacing(_ name: String, by bytes: UnsafeBufferPointer<UInt8>) -> String? {
    guard let file = fopen("\(path)/\(name)", "w") else { return nil }
    defer { fclose(file) }
    return fwrite(bytes.baseAddress, 1, bytes.count, file) == bytes.count ? path : nil
  }

  private static func remove() {
    for parent in ["/dev/shm", NSTemporaryDirectory()] {
      try? FileManager.default.removeItem(atPath: "\(parent)/pumice-fuzz-\(getpid())")
    }
  }
}
