import Foundation

/// One process that judges mutants.
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
    // A worker that died must not take this process with it when the next mutant is written to it.
    signal(SIGPIPE, SIG_IGN)
    do { try process.run() } catch { throw MutationError.workerFailed("\(command[0]): \(error)") }
    guard case .line(MutationWorker.ready) = nextLine() else {
      throw MutationError.workerFailed(lastWords())
    }
  }

  deinit {
    if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    try? FileManager.default.removeItem(at: errors)
  }

  /// Has one mutant judged.
  func judge(_ mutant: Mutant) throws -> WorkerAnswer {
    let line = try JSONEncoder().encode(mutant) + Data("\n".utf8)
    // If the process is gone already, reading says so.
    try? input.fileHandleForWriting.write(contentsOf: line)
    while true {
      switch nextLine() {
      case .line(MutationWorker.heartbeat): continue
      case .line(let text):
        if let answer = try? JSONDecoder().decode(WorkerAnswer.self, from: Data(text.utf8)) { return answer }
        return lost("it wrote over the worker's output")
      case .silence: return lost("it hung: no sign of life for \(Int(patience)) s")
      case .end:
        guard hasExited() else { return lost("it closed its output and went on") }
        // An error that the worker reported is about the unchanged shaders, not about the mutant.
        if process.terminationReason == .exit { throw MutationError.workerFailed(lastWords()) }
        return lost("it crashed with signal \(process.terminationStatus)")
      }
    }
  }

  private func lost(_ reason: String) -> WorkerAnswer {
    WorkerAnswer(verdict: MutantVerdict(.caught, reason: reason, cases: 1), isLost: true)
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
