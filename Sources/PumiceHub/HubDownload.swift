import Crypto
import Foundation

/// One file on its way into the cache. What has come stays in `blobs/ETAG.incomplete`, and the next attempt, also of another
/// process, goes on behind it.
struct HubDownload {
  let client: HubClient
  let cache: HubCache
  let path: String
  let commit: String
  let metadata: HubClient.Metadata

  private var subject: String { "\(client.reference.repository)/\(path)" }

  /// - Parameter progress: told the bytes that are here.
  func run(progress: @escaping (Int) -> Void) throws(HubError) {
    let target = cache.blob(metadata.etag), partial = cache.partial(metadata.etag)
    if !FileManager.default.fileExists(atPath: target.path) {
      let sink = try cache.at(partial) {
        try cache.makeFolder(of: partial)
        return try Sink(partial, size: metadata.size)
      }
      // Another process may have finished it while this one waited for the lock.
      if !FileManager.default.fileExists(atPath: target.path) {
        try fill(sink, progress)
        try check(partial)
        try cache.at(target) { try FileManager.default.moveItem(at: partial, to: target) }
      }
    }
    progress(metadata.size)
    try cache.link(path, of: commit, to: metadata.etag)
  }

  private func fill(_ sink: Sink, _ progress: @escaping (Int) -> Void) throws(HubError) {
    var failures = 0
    while sink.count < metadata.size {
      progress(sink.count)
      let before = sink.count
      let failure = try attempt(sink, progress) ?? HubError(.connection, subject, "the hub breaks off")
      if sink.count == metadata.size { return }
      if failure.code != .connection { throw failure }
      failures = sink.count > before ? 1 : failures + 1
      if failures >= client.settings.attempts {
        throw HubError(
          .connection, subject,
          "\(failure.detail); \(sink.count) of \(metadata.size) bytes are here, and the next pull goes on "
            + "behind them")
      }
      Thread.sleep(forTimeInterval: client.settings.pause * Double(1 << (failures - 1)))
    }
  }

  /// One request for what is missing.
  ///
  /// - Returns: why it did not bring all.
  private func attempt(_ sink: Sink, _ progress: @escaping (Int) -> Void) throws(HubError) -> HubError? {
    var request = try client.fileRequest(path, commit: commit)
    if sink.count > 0 { request.headers.append(("Range", "bytes=\(sink.count)-")) }
    let receiver = Receiver(sink, size: metadata.size, progress: progress)
    do throws(HubError) {
      try client.transport.run(request, about: subject, leavesHost: true, to: receiver)
    } catch {
      return error
    }
    if let head = receiver.head, let refusal = client.refusal(head, subject) { return refusal }
    return receiver.problem.map { HubError($0.code, subject, $0.detail) }
  }

  /// Throws, and removes it, unless the file is what the hub said that it is.
  private func check(_ url: URL) throws(HubError) {
    let found = try cache.at(url) { try hash(url) }
    if found == metadata.etag { return }
    try? FileManager.default.removeItem(at: url)
    throw HubError(
      .checksumMismatch, subject,
      "what came has the hash \(found), the hub said \(metadata.etag); it was removed, pull it again")
  }

  /// SHA-256, or git's SHA-1 of a blob, as the length of the name says.
  private func hash(_ url: URL) throws -> String {
    let isGit = metadata.etag.count == 40
    var sha256 = SHA256(), sha1 = Insecure.SHA1()
    sha1.update(data: Data("blob \(metadata.size)\0".utf8))
    let handle = try FileHandle(forReadingFrom: url)
    defer { try? handle.close() }
    while let data = try handle.read(upToCount: 4 << 20), !data.isEmpty {
      if isGit { sha1.update(data: data) } else { sha256.update(data: data) }
    }
    func digits(_ digest: some Sequence<UInt8>) -> String { digest.map { hexadecimal($0) }.joined() }
    return isGit ? digits(sha1.finalize()) : digits(sha256.finalize())
  }
}

private func hexadecimal(_ byte: UInt8) -> String { (byte < 16 ? "0" : "") + String(byte, radix: 16) }

/// The incomplete file, locked against other processes.
private final class Sink {
  private let handle: FileHandle
  private(set) var count: Int

  init(_ url: URL, size: Int) throws {
    let descriptor = open(url.path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
    handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    guard flock(descriptor, LOCK_EX) == 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
    count = Int(try handle.seekToEnd())
    if count > size { try restart() }
  }

  func restart() throws {
    try handle.truncate(atOffset: 0)
    count = 0
  }

  func append(_ data: Data) throws {
    try handle.write(contentsOf: data)
    count += data.count
  }
}

/// Writes an answer's body behind what is there.
private final class Receiver: HubTransport.Receiver {
  private let sink: Sink
  private let size: Int
  private let progress: (Int) -> Void
  private(set) var head: HubResponse?
  private(set) var problem: (code: HubError.Code, detail: String)?

  init(_ sink: Sink, size: Int, progress: @escaping (Int) -> Void) {
    self.sink = sink
    self.size = size
    self.progress = progress
  }

  func begin(_ response: HubResponse) -> Bool {
    head = response
    guard (200..<300).contains(response.status) else { return false }
    do {
      if response.status == 206 {
        let range = response.header("Content-Range") ?? ""
        guard range.hasPrefix("bytes \(sink.count)-") else {
          problem = (.protocolViolation, "the hub was asked for what follows byte \(sink.count) and sends “\(range)”")
          return false
        }
      } else if sink.count > 0 {
        // It does not know ranges, and begins again.
        try sink.restart()
      }
      return true
    } catch {
      problem = (.cache, "cannot be written: \(error.localizedDescription)")
      return false
    }
  }

  func receive(_ data: Data) -> Bool {
    guard sink.count + data.count <= size else {
      problem = (.protocolViolation, "the hub sends more than the \(size) bytes that it told")
      return false
    }
    do { try sink.append(data) } catch {
      problem = (.cache, "cannot be written: \(error.localizedDescription)")
      return false
    }
    progress(sink.count)
    return true
  }
}
