import PumiceGPU

/// What tells how long a dispatch took.
public enum BenchmarkClock: String, Codable, Sendable {
  /// Timestamps that the device writes before and after.
  case timestamps
  /// From submission to the end of the wait, on the host.
  case wall
}

/// The times of repeated runs of the same work.
public struct BenchmarkTiming: Sendable {
  /// Seconds of one dispatch in each run.
  public var seconds: [Double]
  public var clock: BenchmarkClock

  public var median: Double {
    let sorted = seconds.sorted()
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }
  public var least: Double { seconds.min() ?? 0 }
}

/// Times work on a device.
struct BenchmarkTimer {
  let device: Device
  /// Runs at least, and seconds after which no further run begins.
  var runs = 5
  var budget = 1.0
  /// Seconds that one run should take at least: short work is repeated within it.
  var runLength = 0.02

  private var clock: BenchmarkClock { device.info.timestampBits > 0 ? .timestamps : .wall }

  /// Times what `record` records, after it has run twice: the first time a driver may still be compiling.
  ///
  /// - Parameter record: records the work once into a list; its number says which of several copies of the data to use.
  func time(_ label: String, record: (CommandList, Int) throws -> Void) throws -> BenchmarkTiming {
    _ = try timeOnce(label, 0..<1, record)
    let guess = try timeOnce(label, 1..<2, record)
    let repeats = max(1, min(64, Int(runLength / max(guess, 1e-9))))
    var timing = BenchmarkTiming(seconds: [], clock: clock)
    let start = ContinuousClock.now
    var next = 2
    while timing.seconds.count < runs || (.now - start) / .seconds(1) < budget && timing.seconds.count < 200 {
      timing.seconds.append(try timeOnce(label, next..<next + repeats, record) / Double(repeats))
      next += repeats
    }
    return timing
  }

  /// Seconds of one list that does the work once for every number.
  private func timeOnce(
    _ label: String, _ numbers: Range<Int>, _ record: (CommandList, Int) throws -> Void
  ) throws -> Double {
    let list = try device.makeCommandList(label: "benchmark of \(label)")
    if clock == .timestamps { _ = try list.timestamp("start") }
    for number in numbers { try record(list, number) }
    if clock == .timestamps { _ = try list.timestamp("end") }
    let start = ContinuousClock.now
    let submission = try list.submit()
    try submission.wait()
    guard clock == .timestamps else { return (.now - start) / .seconds(1) }
    let stamps = try submission.timestamps()
    return Double(stamps[1] - stamps[0]) * 1e-9
  }
}
