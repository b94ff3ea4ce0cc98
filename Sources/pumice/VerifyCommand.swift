public import ArgumentParser
import Foundation
import PumiceGPU
import PumiceKernels
public import PumiceOperators
import PumiceVerification
import Synchronization

/// `pumice verify`.
struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Proves every kernel on this device against its float64 definition.",
    discussion: """
      Each variant of each operator runs hundreds of cases with awkward shapes and hard values. Every element of every
      output must lie within a bound that follows from rounding theory, no byte outside the outputs may change, and a
      second run must give the same bits. A variant that fails is put in quarantine on this device and driver, and is not
      used again until it passes.

      Exit code 1 if any case fails, if no case ran, or if a variant that can run here got no case.
      """)

  @OptionGroup var device: DeviceArguments

  @Option(name: .long, help: "Only this operator; may be repeated. One of: \(OperatorName.list).")
  var `operator`: [OperatorName] = []

  @Option(help: "All but this operator; may be repeated.")
  var except: [OperatorName] = []

  @Option(help: "Only variants of this name (see `pumice devices --variants`).")
  var variant: String?

  @Option(
    name: .customLong("case"),
    help: ArgumentHelp("Only cases whose description contains this text.", valueName: "description"))
  var caseFilter: String?

  @Option(help: "Makes the data; the same seed gives the same data everywhere.")
  var seed: UInt64 = 1

  @Flag(help: "Run every case again with a barrier before every dispatch; the bits must be the same.")
  var barriers = false

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      """
      Verify with so many processes at once. A driver that crashes or hangs then ends one of them, and counts as a failure.
      """, valueName: "count"))
  var jobs = 1

  @Flag(help: "Print the report as JSON.")
  var json = false

  @Flag(help: ArgumentHelp("Verify parts as stdin asks for them.", visibility: .private))
  var worker = false

  func validate() throws {
    if !(1...256).contains(jobs) { throw ValidationError("--jobs \(jobs): there can be 1 to 256 processes.") }
    try requireKnown(variant, of: `operator`)
    if !`operator`.isEmpty, !except.isEmpty {
      throw ValidationError("--operator names those to verify and --except those not to: give one of them.")
    }
  }

  func run() throws {
    let names = except.isEmpty ? `operator` : OperatorName.allCases.filter { !except.contains($0) }
    let request = VerificationRequest(names, variant: variant, caseFilter: caseFilter, seed: seed)
    let opened = try device.open()
    let serialized = barriers ? try device.open(barrierEverywhere: true) : nil
    // Processes leave the list of what failed to the one that started them.
    let kernels = worker ? KernelLibrary(device: opened) : device.kernels(opened)
    let verifier = Verifier(kernels: kernels, serialized: serialized.map { KernelLibrary(device: $0) })
    if worker { return try VerificationWorker.run(request, verifier) }
    if !json { print("\(opened.info.index): \(opened.info.summary)") }
    var messages: [String] = []
    let report: VerificationReport
    if jobs > 1 {
      let line = Mutex(ProgressLine())
      let run = ParallelVerification(workerCommand: try workerCommand(), processes: jobs)
      (report, messages) = try run.run(request, verifier) { done, all in
        line.withLock { $0.show("\(done) of \(all) parts of the cases") }
      }
      line.withLock { $0.clear() }
    } else {
      var line = ProgressLine()
      report = try verifier.verify(request) { progress in
        switch progress {
        case .started(let name, let cases): line.show("\(name.rawValue): \(cases) cases")
        case .ran(let name, let cases, let all): line.show("\(name.rawValue): \(cases) of \(all) cases")
        case .runs, .finished: break
        }
      }
      line.clear()
    }
    if json { try printJSON(report) } else { show(report) }
    try checkValidation(messages)
    try checkValidation(of: opened)
    if let serialized { try checkValidation(of: serialized) }
    if !report.passed { throw ExitCode.failure }
  }

  /// The program itself, with what a process must know of the device and of the cases.
  private func workerCommand() throws -> [String] {
    var command = [try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"), "verify", "--worker"]
    command += ["--seed", String(seed)] + (barriers ? ["--barriers"] : []) + device.arguments
    command += `operator`.flatMap { ["--operator", $0.rawValue] } + except.flatMap { ["--except", $0.rawValue] }
    for (option, value) in [("--variant", variant), ("--case", caseFilter)] {
      if let value { command += [option, value] }
    }
    return command
  }

  private func show(_ report: VerificationReport) {
    printTable(
      ["operator", "variant", "cases", "worst error / bound", "verdict"],
      report.rows.map { row in
        let share = row.worstShare.map { fixed($0, 3) } ?? "-"
        return [row.name.rawValue, row.variant, String(row.cases), share, row.verdict]
      })
    for row in report.rows {
      if let reason = row.unavailable { print("\(row.name.rawValue) \(row.variant) cannot run here: \(reason)") }
      let refused = row.refused.values.reduce(0, +)
      if let reason = row.refused.min(by: { $0.key < $1.key })?.key {
        print("\(row.name.rawValue) \(row.variant) does not take \(refused) cases, for instance: \(reason)")
      }
    }
    for row in report.rows where row.failed > 0 { show(row) }
    for row in report.untested { print("\(row.name.rawValue) \(row.variant) can run here, but no case of it ran") }
    let verdict = report.cases == 0 ? "no case ran" : report.failed == 0 ? "none failed" : "\(report.failed) failed"
    print("\(report.cases) \(report.cases == 1 ? "case" : "cases") in \(fixed(report.seconds, 1)) s, \(verdict)")
  }

  private func show(_ row: VerificationReport.Row) {
    print("\nFAILED \(row.name.rawValue) \(row.variant): \(row.failed) of \(row.cases) cases; now in quarantine")
    for failure in row.failures {
      print("  \(failure.verificationCase): \(failure.message)")
      print(
        "    pumice verify --operator \(row.name.rawValue) --variant \(row.variant) "
          + "--case '\(failure.verificationCase)' --seed \(seed)")
    }
    if row.failed > row.failures.count { print("  and \(row.failed - row.failures.count) more") }
    print("")
  }
}

/// Fails with wrong usage if none of the operators (all, if none is named) has the variant.
func requireKnown(_ variant: String?, of names: [OperatorName]) throws {
  let known = Set((names.isEmpty ? OperatorName.allCases : names).flatMap { $0.type.variantNames })
  if let variant, !known.contains(variant) {
    let owner = names.isEmpty ? "operator" : names.map(\.rawValue).joined(separator: ", ")
    throw ValidationError("no \(owner) has a variant \(variant); there are \(known.sorted().joined(separator: ", "))")
  }
}

extension OperatorName: ExpressibleByArgument {
  static var list: String { allCases.map(\.rawValue).joined(separator: ", ") }
}
