import Foundation
public import PumiceGPU
import PumiceShaders

/// What a device can do at best, measured: the measure of its kernels.
public struct DeviceLimits: Codable, Sendable {
  /// Bytes read and written per second by a copy within the device's memory, larger than its caches, in 10⁹.
  public var copyGBPerSecond: Double
  /// Multiply-adds in binary32, counted as two operations, in 10⁹ per second.
  public var peakGFLOPs: Double
  /// Bytes that were copied.
  public var copiedBytes: Int
  public var clock: BenchmarkClock

  enum CodingKeys: String, CodingKey {
    case copyGBPerSecond = "copy_gb_per_s"
    case peakGFLOPs = "peak_gflops"
    case copiedBytes = "copied_bytes"
    case clock
  }

  /// The shaders that measure. They are no operators: they compute nothing that anyone wants, their results are known
  /// exactly and checked at every measurement.
  public static let shaders = ["Benchmark/multiply_add.comp"]

  /// Measures a device, and checks what it computed meanwhile.
  ///
  /// - Parameter overrides: replacement texts of shader files by path, to test the checks.
  /// - Throws: `BenchmarkError.wrongResult` if a copy or a sum is wrong; `GPUError`.
  public static func measure(_ device: Device, overrides: [String: String] = [:]) throws -> DeviceLimits {
    let peak = try measurePeak(device, overrides)
    let (copy, bytes, clock) = try measureCopy(device)
    return DeviceLimits(
      copyGBPerSecond: copy, peakGFLOPs: peak, copiedBytes: bytes, clock: clock)
  }

  private static func measureCopy(_ device: Device) throws -> (gbPerSecond: Double, bytes: Int, clock: BenchmarkClock) {
    let count = LastLevelCache.bytes(of: device.info) / 4
    let source = try device.makeBuffer(byteCount: 4 * count, label: "source of the copy")
    let target = try device.makeBuffer(byteCount: 4 * count, label: "target of the copy")
    let words = (0..<count).map { UInt32(truncatingIfNeeded: $0) &* 0x9e37_79b1 }
    try source.write(words)
    try target.fill(word: 0)
    let timing = try BenchmarkTimer(device: device).time("copy") { list, _ in
      try list.copy(from: source.whole, to: target.whole)
    }
    guard try target.read(UInt32.self, count: count) == words else {
      throw BenchmarkError.wrongResult("a copy of \(4 * count) bytes is not what was copied")
    }
    return (2 * Double(4 * count) / timing.median * 1e-9, 4 * count, timing.clock)
  }

  private static func measurePeak(_ device: Device, _ overrides: [String: String]) throws -> Double {
    let threads = 64
    let groups = device.info.kind == .cpu ? 512 : 16384
    let multiplyAddsPerTurn = 64
    let path = shaders[0]
    let pipeline = try device.pipeline(
      PipelineDescription(
        source: ShaderSource(name: path, text: try ShaderLibrary.resolved(path, overrides: overrides)),
        specialization: [UInt32(threads)],
        bufferCount: 1, constantBytes: 12))
    let output = try device.makeBuffer(byteCount: 4 * threads * groups, label: "sums of the multiply-add peak")
    func record(_ list: CommandList, turns: Int, factor: Float, addend: Float, flops: Double) throws {
      try list.dispatch(
        pipeline, buffers: [(output.whole, .write)],
        constants: [UInt32(turns), factor.bitPattern, addend.bitPattern], groups: (groups, 1, 1),
        label: "multiply-add peak", cost: flops)
    }
    func check(turns: Int, expected: Float) throws {
      let sums = try output.read(Float.self, count: threads * groups)
      if let wrong = sums.first(where: { $0 != expected }) {
        throw BenchmarkError.wrongResult("a chain of \(turns) turns gives \(wrong) instead of \(expected)")
      }
    }
    // With a factor of 1 no product would be missed: four times x ← 3x + 2 is 81x + 80.
    let list = try device.makeCommandList(label: "check of the multiply-adds")
    try record(list, turns: 1, factor: 3, addend: 2, flops: 0)
    try list.run()
    try check(turns: 1, expected: 81 * 120 + 80 * 16)
    // Long enough to drown what a dispatch costs, and far below the turns after which drivers stop a loop.
    for turns in [64, 512, 4096, 32768] {
      let flops = 2 * Double(multiplyAddsPerTurn * turns) * Double(threads * groups)
      let timing = try BenchmarkTimer(device: device).time("multiply-add peak") { list, _ in
        try record(list, turns: turns, factor: 1, addend: 1, flops: flops)
      }
      try check(turns: turns, expected: Float(120 + 16 * 4 * turns))
      if timing.median > 0.01 || turns == 32768 { return flops / timing.median * 1e-9 }
    }
    preconditionFailure("the last of the turns returns")
  }
}

/// How much memory a benchmark must go through so that no cache holds it.
enum LastLevelCache {
  /// For devices that do not tell: above the largest caches that graphics cards have.
  private static let assumed = 256 << 20
  private static let least = 64 << 20

  /// Bytes of at least twice the last cache.
  static func bytes(of device: DeviceInfo) -> Int {
    guard device.kind == .cpu else { return assumed }
    let folder = "/sys/devices/system/cpu/cpu0/cache"
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    let sizes = names.compactMap { name -> Int? in
      guard let text = try? String(contentsOfFile: "\(folder)/\(name)/size", encoding: .utf8) else { return nil }
      return Int(text.prefix { $0.isNumber }).map { $0 << (text.contains("M") ? 20 : 10) }
    }
    return sizes.max().map { max(least, 2 * $0) } ?? assumed
  }
}

/// Why a benchmark has no result.
public enum BenchmarkError: Error, CustomStringConvertible {
  /// Nothing that computes wrong results is timed.
  case wrongResult(String)

  public var description: String {
    switch self {
    case .wrongResult(let what): "not timed, because its result is wrong: \(what)"
    }
  }
}
