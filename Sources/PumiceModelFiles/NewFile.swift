#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A file that is written under another name in the same folder and renamed when it is complete, so that its path is
/// never half a file.
final class NewFile {
  private let path: String
  private let temporary: String
  private var stream: UnsafeMutablePointer<FILE>?

  /// - Throws: `inputOutput` when the system refuses to create it.
  init(path: String) throws(ModelFileError) {
    self.path = path
    temporary = "\(path).\(getpid()).partial"
    stream = fopen(temporary, "wxe")
    if stream == nil { throw failure("cannot create a file beside it") }
  }

  deinit { discard() }

  /// Appends bytes.
  ///
  /// - Throws: `inputOutput` when the system refuses.
  func append(_ bytes: UnsafeRawBufferPointer) throws(ModelFileError) {
    guard let start = bytes.baseAddress, bytes.count > 0 else { return }
    guard let stream, fwrite(start, 1, bytes.count, stream) == bytes.count else { throw failure("cannot write") }
  }

  /// Appends bytes.
  ///
  /// - Throws: `inputOutput` when the system refuses.
  func append(_ bytes: [UInt8]) throws(ModelFileError) {
    try bytes.withUnsafeBufferPointer { (buffer) throws(ModelFileError) in
      try append(UnsafeRawBufferPointer(buffer))
    }
  }

  /// Puts the file in its place. Without this it vanishes with the value, and `path` is as it was before.
  ///
  /// - Throws: `inputOutput` when the system refuses.
  func commit() throws(ModelFileError) {
    guard let stream, fflush(stream) == 0, fsync(fileno(stream)) == 0 else { throw failure("cannot write") }
    self.stream = nil
    guard fclose(stream) == 0, rename(temporary, path) == 0 else {
      let error = failure("cannot rename the finished file to it")
      unlink(temporary)
      throw error
    }
  }

  private func discard() {
    guard let stream else { return }
    fclose(stream)
    unlink(temporary)
    self.stream = nil
  }

  private func failure(_ what: String) -> ModelFileError {
    ModelFileError(file: path, code: .inputOutput, detail: "\(what): \(lastError())")
  }
}
