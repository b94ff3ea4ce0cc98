import Foundation
import PumiceGPU
import PumiceKernels
import PumiceOperators

/// Verifies with several processes at once, each of which takes a part of every operator's cases after another.
///
/// A driver may crash or hang over a shader: that ends one process, and the variant that it was running has failed. The
/// others, and the rest of its part, go on without that variant.
public struct ParallelVerification: Sendable {
  /// The command that runs `VerificationWorker.run`, program first.
  public var workerCommand: [String]
  public var processes: Int
  /// Seconds of silence after which a process is taken to hang. A pipeline can take a software driver minutes.
  public var patience = 600.0
  /// Parts for each process, so that none has much to do when the others are done.
  private let partsEach = 8

  public init(workerCommand: [String], processes: Int) {
    self.workerCommand = workerCommand
    self.processes = processes
  }

  /// Verifies as `Verifier.verify` does.
  ///
  /// - Parameter verifier: on the device of the processes; settles who is in quarantine.
  /// - Parameter progress: how many parts are done, and of how many; called by one thread at a time.
  /// - Throws: `WorkerError` if a process ends for a reason of its own, such as memory that is lacking.
  public func run(
    _ request: VerificationRequest, _ verifier: Verifier, progress: @escaping @Sendable (Int, Int) -> Void
  ) throws -> (report: VerificationReport, validationMessages: [String]) {
    let start = ContinuousClock.now
    let state = State(parts: processes * partsEach, progress)
    let group = DispatchGroup()
    for _ in 0..<processes {
      group.enter()
      let thread = Thread { [self] in
        state.catching { try work(state) }
        group.leave()
      }
      thread.stackSize = 8 << 20
      thread.start()
    }
    group.wait()
    if let error = state.error { throw error }
    var report = verifier.emptyReport(request)
    report.add(state.rows)
    try verifier.settle(report.rows, allCases: request.caseFilter == nil)
    report.seconds = (ContinuousClock.now - start) / .seconds(1)
    return (report, state.messages)
  }

  private func work(_ state: State) throws {
    var worker: WorkerProcess?
    while let index = state.next() {
      var isDone = false
      while !isDone {
        if worker == nil { worker = try WorkerProcess(workerCommand, patience: patience) }
        let question = VerificationQuestion(
          part: .init(index: index, count: state.parts), lost: state.lostVariants)
        switch try worker!.ask(question) {
        case .answer(let text):
          let answer = try JSONDecoder().decode(VerificationAnswer.self, from: Data(text.utf8))
          state.add(answer)
          isDone = answer.lost == nil
          if let lost = answer.lost {
            state.lose(lost.variant, lost.reason)
            worker = nil
          }
        case .lost(let reason, let place):
          worker = nil
          let variant = try place.map { try JSONDecoder().decode(LostVariant.self, from: Data($0.utf8)) }
          guard let variant else { throw WorkerError(reason: reason) }
          state.lose(variant, reason)
        }
      }
      state.finish()
    }
  }

  /// What the threads share.
  private final class State: @unchecked Sendable {
    let parts: Int
    private let progress: (Int, Int) -> Void
    private let lock = NSLock()
    // All under the lock.
    private var started = 0
    private var finished = 0
    private var lost: [LostVariant] = []
    private(set) var rows: [VerificationReport.Row] = []
    private(set) var messages: [String] = []
    private(set) var error: (any Error)?

    init(parts: Int, _ progress: @escaping (Int, Int) -> Void) {
      self.parts = parts
      self.progress = progress
    }

    /// The next part, unless all are given away or something went wrong.
    func next() -> Int? {
      lock.withLock {
        guard error == nil, started < parts else { return nil }
        started += 1
        return started - 1
      }
    }

    var lostVariants: [LostVariant] { lock.withLock { lost } }

    func add(_ answer: VerificationAnswer) {
      lock.withLock {
        rows += answer.rows
        // A process tells with every part all that its device has said so far.
        messages += answer.validationMessages.filter { !messages.contains($0) }
      }
    }

    func lose(_ variant: LostVariant, _ reason: String) {
      lock.withLock {
        lost.append(variant)
        var row = VerificationReport.Row(name: variant.name, variant: variant.variant)
        row.add(.failed(reason), of: variant.verificationCase)
        rows.append(row)
      }
    }

    func finish() {
      lock.withLock {
        finished += 1
        progress(finished, parts)
      }
    }

    func catching(_ body: () throws -> Void) {
      do { try body() } catch { lock.withLock { self.error = self.error ?? error } }
    }
  }
}

/// A variant that ended a process, with the case that it was running.
struct LostVariant: Codable, Hashable, Sendable {
  var name: OperatorName
  var variant: String
  var verificationCase: String
}

/// What a process is to verify.
struct VerificationQuestion: Codable {
  var part: VerificationRequest.Part
  var lost: [LostVariant]
}

/// What a process found.
struct VerificationAnswer: Codable {
  struct Loss: Codable {
    var variant: LostVariant
    var reason: String
  }

  var rows: [VerificationReport.Row] = []
  var validationMessages: [String] = []
  /// The device is lost, and with it the rest of the part.
  var lost: Loss?
}

/// The side of `ParallelVerification` that runs cases.
public enum VerificationWorker {
  /// Verifies parts of a request as stdin asks for them until it ends, answers on stdout.
  public static func run(_ request: VerificationRequest, _ verifier: Verifier) throws {
    func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }
    func json(_ value: some Encodable) throws -> String {
      String(decoding: try JSONEncoder().encode(value), as: UTF8.self)
    }
    say(WorkerSign.ready)
    while let line = readLine() {
      let question = try JSONDecoder().decode(VerificationQuestion.self, from: Data(line.utf8))
      var request = request
      request.part = question.part
      request.lost = question.lost
      var running: LostVariant?
      do {
        let report = try verifier.verify(request) { progress in
          guard case .runs(let name, let variant, let verificationCase) = progress else { return }
          let place = LostVariant(name: name, variant: variant, verificationCase: verificationCase)
          running = place
          if let text = try? json(place) { say(WorkerSign.heartbeat + text) }
        }
        let messages = [verifier.kernels, verifier.serialized].compactMap(\.self).flatMap(\.device.validationMessages)
        say(try json(VerificationAnswer(rows: report.rows, validationMessages: messages)))
      } catch let error as GPUError where error.code == .deviceLost {
        guard let running else { throw error }
        say(try json(VerificationAnswer(lost: .init(variant: running, reason: "\(error)"))))
        return
      }
    }
  }
}
