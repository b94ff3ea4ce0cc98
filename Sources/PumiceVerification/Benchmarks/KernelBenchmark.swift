import PumiceGPU
public import PumiceKernels
import PumiceOperators
import PumiceReference
import PumiceTensors

/// Measures kernels, each after it was verified on the very data that it is timed with.
public struct KernelBenchmark {
  public let kernels: KernelLibrary
  /// What results are shares of, if it was measured.
  public var limits: DeviceLimits?
  /// The least number of timed runs.
  public var runs = 5
  /// Copies of the large arguments; nil for as many as no cache holds.
  public var copies: Int?
  public var seed: UInt64 = 1

  public init(kernels: KernelLibrary, limits: DeviceLimits? = nil) {
    self.kernels = kernels
    self.limits = limits
  }

  /// Verifies and times one problem.
  ///
  /// - Parameter name: the variant; nil for the one that would be chosen.
  /// - Throws: `BenchmarkError.wrongResult`; `KernelError` if no variant, or not this one, can run it here.
  public func run<Op: Benchmarkable>(_ op: Op, variant name: String? = nil) throws -> BenchmarkResult {
    try op.validate()
    let variant = try name.map { try kernels.variant($0, of: op) } ?? kernels.choose(op)
    let inputs = BenchmarkData.inputs(op, seed: seed)
    let (sets, rotating) = try buffers(op, inputs)
    let comparison = try verify(op, variant, inputs, sets[0])
    var timer = BenchmarkTimer(device: kernels.device)
    timer.runs = runs
    let timing = try timer.time(op.description) { list, number in
      try kernels.record(op, sets[number % sets.count], into: list, variant: variant)
    }
    return result(op, variant.name, timing, sets.count, rotating, comparison)
  }

  // MARK: Memory

  /// The arguments in so many copies that no cache holds them; arguments of less than a sixteenth of all bytes exist once.
  private func buffers<Op: Benchmarkable>(
    _ op: Op, _ inputs: [String: [UInt8]]
  ) throws -> (sets: [[String: BufferSlice]], rotatingBytes: Int) {
    let arguments = op.arguments
    let all = arguments.reduce(0) { $0 + $1.byteCount }
    let large = arguments.filter { $0.byteCount * 16 >= all }
    let rotating = large.reduce(0) { $0 + $1.byteCount }
    let device = kernels.device
    let wanted = (LastLevelCache.bytes(of: device.info) + rotating - 1) / max(rotating, 1)
    let affordable = max(1, (device.memoryBudget - device.memoryInUse) / 2 / max(rotating, 1))
    let count = copies ?? max(1, min(wanted, affordable, 64))
    var sets: [[String: BufferSlice]] = []
    for copy in 0..<max(1, count) {
      var set: [String: BufferSlice] = [:]
      for argument in arguments {
        let isLarge = large.contains { $0.name == argument.name }
        if copy > 0, !isLarge {
          set[argument.name] = sets[0][argument.name]
          continue
        }
        let buffer = try device.makeBuffer(
          byteCount: argument.storageBytes, label: "\(argument.name) of \(op), copy \(copy + 1)")
        if let bytes = inputs[argument.name] {
          try buffer.write(bytes)
        } else {
          try buffer.fill(word: Workspace.poisonWord)
        }
        set[argument.name] = buffer.whole
      }
      sets.append(set)
    }
    return (sets, rotating * sets.count)
  }

  // MARK: Verification

  private func verify<Op: Benchmarkable>(
    _ op: Op, _ variant: Variant<Op>, _ inputs: [String: [UInt8]], _ arguments: [String: BufferSlice]
  ) throws -> Comparison {
    let list = try kernels.device.makeCommandList(label: "verification of \(op)")
    try kernels.record(op, arguments, into: list, variant: variant)
    try list.run()
    var random = RandomSource(seed: seed, label: "sample of \(op)")
    var comparison = Comparison()
    let excerpt = op.excerpt(&random)
    let small = excerpt?.op ?? op
    let elements =
      excerpt == nil ? ElementSelection.only(Self.sample(of: op.arguments, &random)) : .all
    let expected = small.evaluate(
      excerpt?.inputs(inputs) ?? decode(op, inputs), rounding: variant.rounding, elements: elements)
    for argument in op.arguments where argument.role != .input {
      let bytes = try arguments[argument.name]!.buffer.read(UInt8.self, count: argument.byteCount)
      let evaluated = expected[argument.name]!
      if let excerpt {
        let found = argument.format.decode(bytes, argument.shape)
        comparison.compare(
          excerpt.elements.map { found[$0] }, with: evaluated, output: argument.name, elements: elements)
      } else {
        comparison.compare(argument, bytes, before: inputs[argument.name], with: evaluated, elements: elements)
      }
    }
    if let failure = comparison.failure { throw BenchmarkError.wrongResult("\(op) \(variant.name): \(failure)") }
    return comparison
  }

  private func decode<Op: Operator>(_ op: Op, _ inputs: [String: [UInt8]]) -> [String: [Double]] {
    var decoded: [String: [Double]] = [:]
    for argument in op.arguments {
      decoded[argument.name] = inputs[argument.name].map { argument.format.decode($0, argument.shape) }
    }
    return decoded
  }

  /// Elements to compare: some anywhere, the first, and those around the end of the outputs.
  private static func sample(of arguments: [Argument], _ random: inout RandomSource) -> Set<Int> {
    var elements: Set<Int> = [0]
    for argument in arguments where argument.role != .input {
      elements.insert(argument.shape.count - 1)
      for _ in 0..<64 { elements.insert(random.below(argument.shape.count)) }
    }
    return elements
  }

  // MARK: Result

  private func result<Op: Benchmarkable>(
    _ op: Op, _ variant: String, _ timing: BenchmarkTiming, _ copies: Int, _ rotating: Int, _ comparison: Comparison
  ) -> BenchmarkResult {
    let info = kernels.device.info
    let gbPerSecond = op.bytes / timing.median * 1e-9
    let gflops = op.flops / timing.median * 1e-9
    var result = BenchmarkResult(
      name: Op.name, problem: op.description, variant: variant, device: info.name,
      driver: "\(info.driverName) \(info.driverInfo)", medianMicroseconds: timing.median * 1e6,
      leastMicroseconds: timing.least * 1e6, runs: timing.seconds.count, clock: timing.clock, gbPerSecond: gbPerSecond,
      gflops: gflops, copies: copies, rotatingBytes: rotating, verifiedElements: comparison.compared,
      worstShare: comparison.worstShare)
    if let limits {
      let memory = gbPerSecond / limits.copyGBPerSecond, compute = gflops / limits.peakGFLOPs
      result.shareOfLimit = max(memory, compute)
      result.limit = memory > compute ? "memory" : "compute"
    }
    return result
  }
}
