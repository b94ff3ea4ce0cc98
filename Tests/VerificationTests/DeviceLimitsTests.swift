import PumiceGPU
import Testing

@testable import PumiceVerification

/// The shader that measures a device's peak is no operator; its results are checked wherever it runs.
@Suite(.serialized) struct DeviceLimitsTests {
  @Test func limitsAreMeasured() throws {
    let limits = try withDevice { device, _ in try DeviceLimits.measure(device) }
    #expect(limits.copyGBPerSecond > 0 && limits.copyGBPerSecond.isFinite)
    #expect(limits.peakGFLOPs > 0 && limits.peakGFLOPs.isFinite)
  }

  /// A product, a sum, a turn, a chain or a store too few.
  @Test(arguments: [
    ("fma(x##j, factor, addend)", "x##j + addend"), ("fma(x##j, factor, addend)", "x##j * factor"),
    ("turn < turns", "turn + 1 < turns"), ("sum += x##j", "sum = x##j"),
    ("y.v[gl_GlobalInvocationID.x]", "y.v[gl_GlobalInvocationID.x / 2]"),
  ])
  func aWrongPeakIsNotTimed(_ passage: String, _ replacement: String) throws {
    let overrides = try broken(DeviceLimits.shaders[0], passage, replacement)
    _ = try withDevice { device, _ in
      #expect(throws: BenchmarkError.self) { try DeviceLimits.measure(device, overrides: overrides) }
    }
  }
}
