import ArgumentParser
import PumiceGPU
import PumiceKernels
import PumiceOperators
import PumiceVerification

/// `pumice bench abq`.
struct BenchABQCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "abq", abstract: "Measures products of bit planes on the grid of ABQ-LLM's own benchmark.",
    discussion: """
      12 pairs of widths × 3 batches × 5 shapes, signed codes. Each product is verified on the data that it is timed with,
      before; taking codes apart into planes is timed by itself. Operations are those of the product that the planes stand
      for, 2 · batch · n · k, whatever the widths.
      """)

  @OptionGroup var timing: TimingArguments

  @Option(
    name: .customLong("widths"), help: "Only these widths; may be repeated. One of: \(ABQGrid.list(ABQGrid.widths)).")
  var widths: [ABQWidths] = []

  @Option(
    help: "Only this number of columns of activations; may be repeated. By default \(ABQGrid.list(ABQGrid.batches)).")
  var batch: [Int] = []

  @Option(help: "Only this weight matrix, rows × columns; may be repeated. By default \(ABQGrid.list(ABQGrid.shapes)).")
  var shape: [ABQShape] = []

  func validate() throws {
    if let wrong = batch.first(where: { $0 < 1 }) { throw ValidationError("--batch \(wrong): it must be at least 1.") }
  }

  func run() throws {
    let device = try timing.device.open()
    var grid = ABQGrid(benchmark: timing.benchmark(device), variant: timing.variant)
    if !timing.json { print("\(device.info.index): \(device.info.summary)") }
    var line = ProgressLine()
    for op in problems {
      line.show("\(grid.rows.count + 1) of \(problems.count): \(op)")
      try grid.measure(op)
    }
    line.clear()
    if timing.json { try printJSON(grid.rows) } else if !grid.rows.isEmpty { show(grid.rows) }
    for failure in grid.failures { note(failure) }
    try checkValidation(of: device)
    if !grid.failures.isEmpty { throw ExitCode.failure }
  }

  private var problems: [BitPlaneMatMul] {
    (widths.isEmpty ? ABQGrid.widths : widths).flatMap { widths in
      (batch.isEmpty ? ABQGrid.batches : batch).flatMap { batch in
        (shape.isEmpty ? ABQGrid.shapes : shape).map { shape in
          BitPlaneMatMul(
            m: shape.rows, n: batch, k: shape.columns, weight: .signed(widths.weight), x: .signed(widths.activation))
        }
      }
    }
  }

  private func show(_ rows: [ABQRow]) {
    printTable(
      ["widths", "batch", "n", "k", "variant", "median us", "Gop/s", "pack x us", "pack w us", "verified"],
      rows.map { row in
        [
          row.widths, String(row.batch), String(row.n), String(row.k), row.variant, fixed(row.medianMicroseconds, 1),
          fixed(row.opsPerSecond * 1e-9, 2), fixed(row.packInputMicroseconds, 1), fixed(row.packWeightMicroseconds, 1),
          String(row.verifiedElements),
        ]
      })
  }
}

/// The bits of weights and activations: `w2a8`.
struct ABQWidths: ExpressibleByArgument, CustomStringConvertible {
  var weight: Int
  var activation: Int

  init(_ weight: Int, _ activation: Int) {
    self.weight = weight
    self.activation = activation
  }

  init?(argument: String) {
    let parts = argument.dropFirst().split(separator: "a", omittingEmptySubsequences: false)
    guard argument.first == "w", parts.count == 2, let weight = Int(parts[0]), let activation = Int(parts[1]),
      1...8 ~= weight, 1...8 ~= activation
    else { return nil }
    self.init(weight, activation)
  }

  var description: String { "w\(weight)a\(activation)" }
}

/// A weight matrix: `4096x11008`.
struct ABQShape: ExpressibleByArgument, CustomStringConvertible {
  var rows: Int
  var columns: Int

  init(_ rows: Int, _ columns: Int) {
    self.rows = rows
    self.columns = columns
  }

  init?(argument: String) {
    let parts = argument.split(separator: "x", omittingEmptySubsequences: false)
    guard parts.count == 2, let rows = Int(parts[0]), let columns = Int(parts[1]), rows >= 1, columns >= 1 else {
      return nil
    }
    self.init(rows, columns)
  }

  var description: String { "\(rows)x\(columns)" }
}

/// The grid of the benchmark in ABQ-LLM's repository (Zeng et al. 2024), and what was measured of it.
struct ABQGrid {
  static let widths = [
    (2, 2), (3, 3), (4, 4), (5, 5), (6, 6), (7, 7), (8, 8), (2, 4), (2, 6), (2, 8), (3, 8), (4, 8),
  ].map { ABQWidths($0.0, $0.1) }
  static let batches = [1, 4, 8]
  static let shapes = [(4096, 4096), (8192, 1024), (11008, 4096), (5120, 5120), (4096, 11008)].map {
    ABQShape($0.0, $0.1)
  }

  static func list(_ values: [some CustomStringConvertible]) -> String {
    values.map(\.description).joined(separator: ", ")
  }

  let benchmark: KernelBenchmark
  /// Of the product; nil for the one that would be chosen, `all` for each that can run.
  let variant: String?
  private(set) var rows: [ABQRow] = []
  private(set) var failures: [String] = []
  private var packing: [PackBitPlanes: Double] = [:]

  init(benchmark: KernelBenchmark, variant: String?) {
    self.benchmark = benchmark
    self.variant = variant
  }

  /// Verifies and times a product, and the packing of its operands if that has not been done yet.
  mutating func measure(_ op: BitPlaneMatMul) throws {
    let info = benchmark.kernels.device.info
    var names = [variant]
    if variant == "all" {
      names = BitPlaneMatMul.variants.filter { $0.unavailable(op, on: info) == nil }.map(\.name)
    }
    for name in names {
      do {
        let result = try benchmark.run(op, variant: name)
        rows.append(
          ABQRow(
            op, result, packInput: try pack(PackBitPlanes(rows: op.n, width: op.k, planes: op.x)),
            packWeight: try pack(PackBitPlanes(rows: op.m, width: op.k, planes: op.weight))))
      } catch let error as BenchmarkError {
        failures.append(error.description)
      } catch let error as KernelError {
        failures.append(error.description)
      } catch let error as OperatorError {
        failures.append(error.description)
      }
    }
  }

  /// Microseconds.
  private mutating func pack(_ op: PackBitPlanes) throws -> Double {
    if let known = packing[op] { return known }
    let result = try benchmark.run(op)
    packing[op] = result.medianMicroseconds
    return result.medianMicroseconds
  }
}

/// How fast one point of the grid is.
struct ABQRow: Encodable {
  var widths: String
  /// Columns of activations, rows of the weight, and the length of the sums: M, N and K of the paper.
  var batch: Int, n: Int, k: Int
  var variant: String
  var medianMicroseconds: Double
  var opsPerSecond: Double
  var packInputMicroseconds: Double, packWeightMicroseconds: Double
  var verifiedElements: Int
  var device: String, driver: String

  init(_ op: BitPlaneMatMul, _ result: BenchmarkResult, packInput: Double, packWeight: Double) {
    widths = ABQWidths(op.weight.count, op.x.count).description
    (batch, n, k) = (op.n, op.m, op.k)
    variant = result.variant
    medianMicroseconds = result.medianMicroseconds
    opsPerSecond = op.flops / result.medianMicroseconds * 1e6
    packInputMicroseconds = packInput
    packWeightMicroseconds = packWeight
    verifiedElements = result.verifiedElements
    (device, driver) = (result.device, result.driver)
  }

  enum CodingKeys: String, CodingKey {
    case widths, batch, n, k, variant
    case medianMicroseconds = "median_us"
    case opsPerSecond = "ops_per_s"
    case packInputMicroseconds = "pack_x_us"
    case packWeightMicroseconds = "pack_w_us"
    case verifiedElements = "verified_elements"
    case device, driver
  }
}
