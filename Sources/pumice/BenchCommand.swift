public import ArgumentParser
import PumiceGPU
import PumiceKernels
import PumiceOperators
public import PumiceQuantization
public import PumiceTensors
import PumiceVerification

/// `pumice bench`.
struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measures kernels as a share of what this device can do, or a model.",
    discussion: """
      First the limits: how fast the device copies memory that no cache holds, and how fast it multiplies and adds. Then
      the kernels, each verified on the same data before it is timed. A time is the median of at least five runs that go
      through copies of the large arguments in turn, so that caches do not flatter it.
      """,
    subcommands: [
      BenchAllCommand.self, BenchMatMulCommand.self, BenchAttentionCommand.self, BenchABQCommand.self,
      BenchModelCommand.self,
    ],
    defaultSubcommand: BenchAllCommand.self)
}

/// How every kernel benchmark times.
struct TimingArguments: ParsableArguments {
  @OptionGroup var device: DeviceArguments

  @Option(help: "Time this variant instead of the one that would be chosen; `all` for each that can run.")
  var variant: String?

  @Option(help: ArgumentHelp("Timed runs, at least.", valueName: "count"))
  var runs = 5

  @Option(
    help: ArgumentHelp(
      "Copies of the large arguments to go through; 1 leaves them in the cache. Default: as many as no cache holds.",
      valueName: "count"))
  var copies: Int?

  @Flag(help: "Print JSON.")
  var json = false

  func validate() throws {
    if runs < 1 { throw ValidationError("--runs \(runs): there must be at least 1 run.") }
    if let copies, copies < 1 { throw ValidationError("--copies \(copies): there must be at least 1 copy.") }
  }

  /// The benchmark of a device, without limits to compare with.
  func benchmark(_ device: Device) -> KernelBenchmark {
    var benchmark = KernelBenchmark(kernels: self.device.kernels(device))
    benchmark.runs = runs
    benchmark.copies = copies
    return benchmark
  }
}

/// Options of benchmarks that compare with the device's limits.
struct BenchArguments: ParsableArguments {
  @OptionGroup var timing: TimingArguments

  @Flag(help: "Do not measure the device's limits first.")
  var skipLimits = false
}

/// One run of `pumice bench`: the device, its limits, and what was measured on it.
struct BenchSession {
  private let arguments: BenchArguments
  private let device: Device
  private let benchmark: KernelBenchmark
  private(set) var results: [BenchmarkResult] = []
  /// Problems that no variant can run, or whose result is wrong.
  private var failures: [String] = []

  init(_ arguments: BenchArguments) throws {
    self.arguments = arguments
    device = try arguments.timing.device.open()
    let limits = arguments.skipLimits ? nil : try DeviceLimits.measure(device)
    var benchmark = arguments.timing.benchmark(device)
    benchmark.limits = limits
    self.benchmark = benchmark
    guard !arguments.timing.json else { return }
    print("\(device.info.index): \(device.info.summary)")
    if let limits {
      print(
        "copy \(fixed(limits.copyGBPerSecond, 1)) GB/s over \(readable(bytes: limits.copiedBytes)), multiply-add "
          + "\(fixed(limits.peakGFLOPs, 1)) GFLOP/s, timed by \(limits.clock.rawValue)")
    }
  }

  /// Measures the variants of one problem that were asked for.
  mutating func run<Op: Benchmarkable>(_ op: Op) throws {
    try op.validate()
    guard arguments.timing.variant == "all" else { return try run(op, arguments.timing.variant) }
    for variant in Op.variants {
      if let reason = variant.unavailable(op, on: device.info) {
        note("\(op) \(variant.name): \(reason)")
      } else {
        try run(op, variant.name)
      }
    }
  }

  private mutating func run<Op: Benchmarkable>(_ op: Op, _ variant: String?) throws {
    do {
      results.append(try benchmark.run(op, variant: variant))
    } catch let error as BenchmarkError {
      failures.append(error.description)
    } catch let error as KernelError {
      failures.append(error.description)
    }
  }

  /// Prints what was measured; fails if anything was wrong.
  func finish() throws {
    if arguments.timing.json {
      if results.count == 1, failures.isEmpty { try printJSON(results[0]) } else { try printJSON(results) }
    } else if !results.isEmpty {
      printTable(
        ["problem", "variant", "median us", "GB/s", "GFLOP/s", "of limit"],
        results.map { result in
          let share = result.shareOfLimit.map { "\(fixed(100 * $0, 0)) % of \(result.limit ?? "")" } ?? "-"
          return [
            result.problem, result.variant, fixed(result.medianMicroseconds, 1), fixed(result.gbPerSecond, 2),
            fixed(result.gflops, 2), share,
          ]
        })
    }
    for failure in failures { note(failure) }
    try checkValidation(of: device)
    if !failures.isEmpty || results.isEmpty { throw ExitCode.failure }
  }
}

/// `pumice bench all`, also without `all`.
struct BenchAllCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "all", abstract: "Measures every operator as a model of eight billion weights uses it.")

  @OptionGroup var bench: BenchArguments

  @Option(name: .long, help: "Only this operator; may be repeated. One of: \(OperatorName.list).")
  var `operator`: [OperatorName] = []

  func run() throws {
    var session = try BenchSession(bench)
    for name in `operator`.isEmpty ? OperatorName.allCases : `operator` {
      try measure(name.type, &session)
    }
    try session.finish()
  }

  private func measure<Op: Benchmarkable>(_ type: Op.Type, _ session: inout BenchSession) throws {
    for op in Op.benchmarks { try session.run(op) }
  }
}

/// `pumice bench matmul`.
struct BenchMatMulCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "matmul", abstract: "Measures a matrix of weights times columns of activations.")

  @OptionGroup var bench: BenchArguments

  @Option(help: "Format of the weights: \(TensorFormat.weightNames).")
  var weight = TensorFormat.q4_0

  @Option(name: .customLong("m"), help: "Rows of the weight matrix.")
  var m = 4096

  @Option(name: .customLong("k"), help: "Columns of the weight matrix: the length of the sums.")
  var k = 14336

  @Option(name: .customLong("n"), help: "Columns of activations: 1 as for a token, many as for a prompt.")
  var n = 1

  @Flag(help: "Add a bias.")
  var bias = false

  func run() throws {
    var session = try BenchSession(bench)
    try session.run(MatMul(m: m, n: n, k: k, weight: weight, bias: bias))
    try session.finish()
  }
}

extension WeightEncoding: ExpressibleByArgument {
  public init?(argument: String) { self.init(name: argument) }
}

extension TensorFormat: ExpressibleByArgument {
  public init?(argument: String) { self.init(name: argument) }

  /// The formats that weights come in, for help.
  static var weightNames: String {
    (plainWeights + blockWeights).map(\.name).joined(separator: ", ")
      + ", or codes of any width with scales for groups: g4:64, g3:128:asym, g2:row:asym:f32"
  }
}
