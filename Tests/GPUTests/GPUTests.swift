import Foundation
import PumiceShaders
import Testing

@testable import PumiceGPU

/// All tests that open a device, one after the other.
@Suite(.serialized) struct GPUTests {}

/// Whether the Vulkan validation layer is installed.
let hasValidation: Bool = {
  do {
    _ = try Instance(validation: .core, loader: .shared)
    return true
  } catch { return false }
}()

/// Whether the device under test can write timestamps.
let hasTimestamps = ((try? Device.open(options: testOptions()))?.info.timestampBits ?? 0) > 0

/// A folder that is deleted when the value goes away.
final class TemporaryFolder {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.path + "/pumice-tests-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// Paths of all files, however deep.
  var files: [String] {
    let found = FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []
    var isFolder: ObjCBool = false
    return found.map { "\(path)/\($0)" }
      .filter { FileManager.default.fileExists(atPath: $0, isDirectory: &isFolder) && !isFolder.boolValue }
  }
}

/// The options of the environment, with validation where it is installed.
func testOptions(_ change: (inout DeviceOptions) -> Void = { _ in }) -> DeviceOptions {
  var options = DeviceOptions.fromEnvironment()
  if hasValidation && options.validation == nil { options.validation = .core }
  options.barrierEverywhere = false
  change(&options)
  return options
}

/// Runs a test on a device of its own; any message of the validation layer fails it.
func withDevice<Result>(
  _ change: (inout DeviceOptions) -> Void = { _ in }, _ body: (Device) throws -> Result
) throws -> Result {
  let device = try Device.open(options: testOptions(change))
  let result = try body(device)
  try device.waitUntilIdle()
  #expect(device.validationMessages == [])
  return result
}

/// A shader that writes `factor · x` to `y`.
let scaleShader = """
  #version 460
  #include "Common/buffers.glsl"
  BUFFER(0, readonly, float, Input, x)
  BUFFER(1, writeonly, float, Output, y)
  CONSTANTS(ADDRESS(Input, x) ADDRESS(Output, y) uint count; float factor;)
  layout(local_size_x_id = 0) in;
  void main() {
    uint i = gl_GlobalInvocationID.x;
    if (i < count) y.v[i] = factor * x.v[i];
  }
  """

/// The source of a shader of the tests, with its includes.
func source(
  _ text: String, name: String = "Test/test.comp", files: [String: String] = [:], defines: [String: String] = [:]
) throws -> ShaderSource {
  let overrides = files.merging([name: text]) { $1 }
  return ShaderSource(name: name, text: try ShaderLibrary.resolved(name, overrides: overrides), defines: defines)
}

extension Device {
  func scalePipeline(_ change: (inout PipelineDescription) -> Void = { _ in }) throws -> Pipeline {
    var description = PipelineDescription(
      source: try source(scaleShader), specialization: [64], bufferCount: 2, constantBytes: 8)
    change(&description)
    return try pipeline(description)
  }
}

extension CommandList {
  /// Records `y = factor · x` over whole slices.
  func scale(_ pipeline: Pipeline, _ x: BufferSlice, _ y: BufferSlice, by factor: Float, cost: Double = 0) throws {
    let count = x.byteCount / 4
    try dispatch(
      pipeline, buffers: [(x, .read), (y, .write)], constants: [UInt32(count), factor.bitPattern],
      groups: ((count + 63) / 64, 1, 1), label: "scale by \(factor)", cost: cost)
  }
}

/// The error that a body throws, if it throws a `GPUError`.
func gpuError(_ body: () throws -> Void) -> GPUError? {
  do {
    try body()
    return nil
  } catch { return error as? GPUError }
}
