import Foundation

/// Judges mutants in a process of its own, which may crash or hang: that only ends the mutant.
public struct MutationRun {
  /// The command that runs `MutationWorker.run`, program first.
  public var workerCommand: [String]
  /// Seconds of silence after which a mutant is taken to hang.
  public var patience = 30.0
  /// Mutants for one process, before a fresh one takes over: pipelines are kept as long as a process lives.
  public var batch = 150

  public init(workerCommand: [String]) { self.workerCommand = workerCommand }

  /// One mutant and what became of it.
  public struct Result: Codable, Sendable {
    public var mutant: Mutant
    public var verdict: MutantVerdict
  }

  /// Judges every mutant.
  ///
  /// A crash or a hang counts as caught only if it happens again in a fresh process, so that the damage that one mutant
  /// does is not taken for the work of the next.
  ///
  /// - Throws: `WorkerError` if the worker does not work at all.
  public func run(_ mutants: [Mutant], progress: (Result, Int) -> Void) throws -> [Result] {
    var results: [Result] = []
    var worker: WorkerProcess?
    var judged = 0
    for mutant in mutants {
      if judged >= batch { worker = nil }
      if worker == nil {
        worker = try WorkerProcess(workerCommand, patience: patience)
        judged = 0
      }
      var answer = try judge(mutant, worker!)
      if answer.isLost, judged > 0 {
        worker = try WorkerProcess(workerCommand, patience: patience)
        judged = 0
        answer = try judge(mutant, worker!)
      }
      judged += 1
      if answer.isLost { worker = nil }
      let result = Result(mutant: mutant, verdict: answer.verdict)
      results.append(result)
      progress(result, results.count)
    }
    return results
  }

  /// An error that the worker reported is about the unchanged shaders, not about the mutant, and is thrown.
  private func judge(_ mutant: Mutant, _ worker: WorkerProcess) throws -> WorkerAnswer {
    func lost(_ reason: String) -> WorkerAnswer {
      WorkerAnswer(verdict: MutantVerdict(.caught, reason: reason, cases: 1), isLost: true)
    }
    switch try worker.ask(mutant) {
    case .lost(let reason, _): return lost(reason)
    case .answer(let text):
      let answer = try? JSONDecoder().decode(WorkerAnswer.self, from: Data(text.utf8))
      return answer ?? lost("it wrote over the worker's output")
    }
  }
}

/// What a worker says of one mutant.
struct WorkerAnswer: Codable {
  var verdict: MutantVerdict
  /// Whether the process is gone or not to be trusted any more.
  var isLost: Bool
}

/// The side of `MutationRun` that runs mutants.
public enum MutationWorker {
  /// Judges mutants from stdin until it ends, answers on stdout.
  public static func run(_ judge: MutantJudge) throws {
    func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }
    var last = ContinuousClock.now
    judge.heartbeat = {
      guard .now - last > .milliseconds(500) else { return }
      last = .now
      say(WorkerSign.heartbeat)
    }
    say(WorkerSign.ready)
    while let line = readLine() {
      let mutant = try JSONDecoder().decode(Mutant.self, from: Data(line.utf8))
      let (verdict, isSound) = try judge.judge(mutant)
      let answer = WorkerAnswer(verdict: verdict, isLost: !isSound)
      say(String(decoding: try JSONEncoder().encode(answer), as: UTF8.self))
      if !isSound { return }
    }
  }
}
