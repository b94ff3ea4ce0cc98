#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The bytes of one file: a private read-only mapping, or a copy in memory.
///
/// A mapping shows the file as it is on disk. When another process cuts the file short while it is mapped, reading past
/// its new end raises SIGBUS, which no check in this process can turn into an error: do not truncate models in use.
final class FileBytes: Sendable {
  // Never written after `init`, and valid until `deinit`.
  nonisolated(unsafe) let buffer: UnsafeRawBufferPointer
  private let isMapped: Bool

  /// Maps the regular file at `path`.
  ///
  /// - Throws: `notFound`, `isDirectory`, `notRegularFile` or `inputOutput`.
  init(mapping path: String) throws(ModelFileError) {
    // A pipe without a writer would block an ordinary open for ever.
    let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else {
      let isMissing = errno == ENOENT || errno == ENOTDIR
      throw ModelFileError(
        file: path, code: isMissing ? .notFound : .inputOutput, detail: "cannot open: \(lastError())")
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      throw ModelFileError(file: path, code: .inputOutput, detail: "cannot read its status: \(lastError())")
    }
    switch status.st_mode & S_IFMT {
    case S_IFREG: break
    case S_IFDIR: throw ModelFileError(file: path, code: .isDirectory, detail: "is a directory, not a file")
    default: throw ModelFileError(file: path, code: .notRegularFile, detail: "is not a regular file")
    }
    let count = Int(status.st_size)
    isMapped = count > 0
    guard count > 0 else {
      buffer = UnsafeRawBufferPointer(start: nil, count: 0)
      return
    }
    guard let start = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), start != MAP_FAILED else {
      throw ModelFileError(file: path, code: .inputOutput, detail: "cannot map \(count) bytes: \(lastError())")
    }
    buffer = UnsafeRawBufferPointer(start: start, count: count)
  }

  /// Copies `bytes` to memory that is aligned as a mapping would be for vector loads.
  init(copying bytes: some Collection<UInt8>) {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 64)
    memory.copyBytes(from: bytes)
    buffer = UnsafeRawBufferPointer(memory)
    isMapped = false
  }

  /// Whether something of that name is there, whatever it is.
  static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  /// Whether the path names a directory.
  static func isDirectory(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  deinit {
    if isMapped {
      munmap(UnsafeMutableRawPointer(mutating: buffer.baseAddress), buffer.count)
    } else {
      buffer.deallocate()
    }
  }
}

/// What the operating system says about the last failure.
func lastError() -> String { String(cString: strerror(errno)) }
