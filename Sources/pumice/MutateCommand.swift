import ArgumentParser
import Foundation
import PumiceGPU
import PumiceKernels
import PumiceOperators
import PumiceVerification

/// `pumice mutate`.
struct MutateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mutate",
    abstract: "Tests the verification itself: makes small mistakes in the shaders, and every one must be caught.",
    discussion: """
      Mutants are made by rules: a dropped term, a bound off by one, a wrong constant, a swapped index, a missing barrier
      and more. Each is compiled and run over the cases of the operators that use its file until one fails.

      caught      a case failed, or the mutant crashed, hung or was refused by the device
      equivalent  every bit of every output of every case is as before
      unfinished  every bit of every output of the cases that ran in its time is as before
      invalid     it does not compile
      survived    some bits differ and no case failed: the verification is too weak

      The score is caught / (caught + survived). Exit code 1 if it is below 100 %, or if fewer than 40 mutants were
      judged where there are more.
      """)

  @OptionGroup var device: DeviceArguments

  @Option(name: .long, help: "Only shaders of this operator; may be repeated. One of: \(OperatorName.list).")
  var `operator`: [OperatorName] = []

  @Option(help: "Only mutants whose description contains this text, as printed: a path, a rule, a line.")
  var filter: String?

  @Option(help: "How many mutants to sample; every shader file is covered first.")
  var limit = 160

  @Option(
    help: ArgumentHelp(
      "Seconds after which a mutant that has changed nothing is left; default: 10, with --all none.",
      valueName: "seconds"))
  var secondsPerMutant: Double?

  @Flag(help: "Judge all mutants.")
  var all = false

  @Option(help: "Chooses the sample and makes the data.")
  var seed: UInt64 = 1

  @Flag(help: "Print the result as JSON.")
  var json = false

  @Flag(help: ArgumentHelp("Judge mutants from stdin.", visibility: .private))
  var worker = false

  func validate() throws {
    if limit < 1 { throw ValidationError("--limit \(limit): there must be at least 1 mutant.") }
  }

  func run() throws {
    if worker { return try work() }
    let names = `operator`.isEmpty ? OperatorName.allCases : `operator`
    let paths = Set(names.flatMap { $0.type.shaderPaths }).sorted()
    let made = try Mutant.all(of: paths).filter { mutant in filter.map { mutant.description.contains($0) } ?? true }
    let mutants = all ? made : Mutant.sample(made, limit: limit, seed: seed)
    if !json { print("\(made.count) mutants of \(paths.count) shaders, judging \(mutants.count)") }
    let start = ContinuousClock.now
    var line = ProgressLine()
    var survivors = 0
    let results = try MutationRun(workerCommand: try workerCommand()).run(mutants) { result, count in
      if result.verdict.kind == .survived { survivors += 1 }
      line.show("\(count) of \(mutants.count) mutants, \(survivors) survived: \(result.mutant)")
    }
    line.clear()
    let report = MutationReport(results, made: made.count, seconds: (ContinuousClock.now - start) / .seconds(1))
    if json { try printJSON(report) } else { report.show() }
    if !report.passed { throw ExitCode.failure }
  }

  /// The program itself, with the options that matter to a worker.
  private func workerCommand() throws -> [String] {
    let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let seconds = (secondsPerMutant ?? (all ? nil : 10)).map { ["--seconds-per-mutant", String($0)] } ?? []
    return [program, "mutate", "--worker", "--seed", String(seed)] + seconds + device.arguments
  }

  private func work() throws {
    // Shaders that nobody wants again must not fill the cache.
    let folder = NSTemporaryDirectory() + "pumice-mutate-\(getpid())"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var options = device.options
    options.cacheFolder = folder
    try MutationWorker.run(
      MutantJudge(device: try Device.open(options: options), seed: seed, secondsPerMutant: secondsPerMutant))
  }
}

/// The outcome of a mutation test.
private struct MutationReport: Encodable {
  var made: Int
  var judged: Int
  var counts: [String: Int]
  var score: Double
  var seconds: Double
  var results: [Entry]

  struct Entry: Encodable {
    var mutant: String
    var verdict: MutantVerdict
  }

  init(_ results: [MutationRun.Result], made: Int, seconds: Double) {
    self.made = made
    self.seconds = seconds
    judged = results.count
    counts = Dictionary(
      uniqueKeysWithValues: MutantVerdict.Kind.allCases.map { kind in
        (kind.rawValue, results.count { $0.verdict.kind == kind })
      })
    let (caught, survived) = (Double(counts["caught"]!), Double(counts["survived"]!))
    score = caught == 0 ? 0 : caught / (caught + survived)
    self.results = results.map { Entry(mutant: $0.mutant.description, verdict: $0.verdict) }
  }

  var passed: Bool { score == 1 && judged >= min(made, 40) }

  func show() {
    for entry in results where entry.verdict.kind == .survived {
      print("SURVIVED \(entry.mutant)")
      print("  \(entry.verdict.place ?? ""): \(entry.verdict.reason), \(entry.verdict.cases) cases")
    }
    let parts = MutantVerdict.Kind.allCases.map { "\(counts[$0.rawValue]!) \($0.rawValue)" }
    print("\(judged) mutants in \(fixed(seconds, 1)) s: \(parts.joined(separator: ", "))")
    print("score \(fixed(100 * score, 1)) %")
  }
}
