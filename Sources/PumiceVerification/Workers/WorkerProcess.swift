import Foundation

/// What a worker says that is no answer.
enum WorkerSign {
  /// The first line, once it can take questions.
  static let ready = "ready"
  /// A line that begins so tells that the worker is alive, and what it is about to do.
  static let heartbeat = "."
}

/// What came of a question to a worker.
enum WorkerReply {
  case answer(String)
  /// The process is gone or must go: why, and what it was about to do by its last heartbeat.
  case lost(String, during: String?)
}

/// A worker that does not work at all, for a reason that has nothing to do with what it is asked.
public struct WorkerError: Error, CustomStringConvertible {
  public var reason: String

  public var description: String { "a process that does a part of the work does not work: \(reason)" }
}

/// A process that answers questions, one at a time: what it does may crash or hang without harm.
///
/// Questions and answers are JSON, one a line. While it works it writes heartbeats; a worker that falls silent is killed.
final class WorkerProcess {
  private let process = Process()
  private let input = Pipe()
  private let output = Pipe()
  /// A file, because a pipe that nobody reads would stop the process when it is full.
  private let errors: URL
  private let patience: Double
  private var pending: [UInt8] = []

  /// Starts the process and waits until it is ready.
  init(_ command: [String], patience: Double) throws {
    self.patience = patience
    process.executableURL = URL(fileURLWithPath: command[0])
    process.arguments = Array(command.dropFirst())
    process.standardInput = input
    process.standardOutput = output
    errors = FileManager.default.temporaryDirectory.appending(path: "pumice-worker-\(UUID().uuidString)")
    _ = FileManager.default.createFile(atPath: errors.path, contents: nil)
    process.standardError = try FileHandle(forWritingTo: errors)
    // A worker that died must not take this process with it when the next question is written to it.
    signal(SIGPIPE, SIG_IGN)
    do { try process.run() } catch { throw WorkerError(reason: "\(command[0]): \(error)") }
    guard case .line(WorkerSign.ready) = nextLine() else { throw WorkerError(reason: lastWords()) }
  }

  deinit {
    if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    try? FileManager.default.removeItem(at: errors)
  }

  /// Has one question answered.
  ///
  /// - Throws: `WorkerError` if the process ended by itself, with what it said.
  func ask(_ question: some Encodable) throws -> WorkerReply {
    let line = try JSONEncoder().encode(question) + Data("\n".utf8)
    // If the process is gone already, reading says so.
    try? input.fileHandleForWriting.write(contentsOf: line)
    var place: String?
    while true {
      switch nextLine() {
      case .line(let text) where text.hasPrefix(WorkerSign.heartbeat):
        if text != WorkerSign.heartbeat { place = String(text.dropFirst(WorkerSign.heartbeat.count)) }
      case .line(let text): return .answer(text)
      case .silence: return .lost("it hung: no sign of life for \(Int(patience)) s", during: place)
      case .end:
        guard hasExited() else { return .lost("it closed its output and went on", during: place) }
        if process.terminationReason == .exit { throw WorkerError(reason: lastWords()) }
        return .lost("it crashed with signal \(process.terminationStatus)", during: place)
      }
    }
  }

  /// Waits for the end of a process that has closed its output, but not for ever: `waitUntilExit` has been seen to miss
  /// the end of a process that crashed.
  private func hasExited() -> Bool {
    for _ in 0..<500 where process.isRunning { usleep(10_000) }
    return !process.isRunning
  }

  private func lastWords() -> String {
    if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    let text = (try? String(contentsOf: errors, encoding: .utf8)) ?? ""
    return text.isEmpty ? "it said nothing" : text.trimmingCharacters(in: .whitespacesAndNewlines)
  }

  // MARK: Reading

  private enum Event {
    case line(String)
    case silence
    case end
  }

  private func nextLine() -> Event {
    let descriptor = output.fileHandleForReading.fileDescriptor
    while true {
      if let end = pending.firstIndex(of: UInt8(ascii: "\n")) {
        let line = String(decoding: pending[..<end], as: UTF8.self)
        pending.removeFirst(end + 1)
        return .line(line)
      }
      var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      let ready = poll(&request, 1, Int32(patience * 1000))
      if ready == 0 { return .silence }
      if ready < 0 { continue }
      var bytes = [UInt8](repeating: 0, count: 4096)
      let count = read(descriptor, &bytes, bytes.count)
      if count <= 0 { return .end }
      pending += bytes[..<count]
    }
  }
}
