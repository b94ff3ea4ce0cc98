import Foundation
import PumiceShaders
import Testing

@testable import PumiceGPU

/// All tests that open a device, one after the other.
@Suite(.serialized) struct GPUTests {}

/// A shader that writes `2 x` to `y`.
let doubleShader = """
  #version 460
  #include "Common/buffers.glsl"
  BUFFER(0, readonly, float, Input, x)
  BUFFER(1, writeonly, float, Output, y)
  CONSTANTS(ADDRESS(Input, x) ADDRESS(Output, y) uint count;)
  layout(local_size_x_id = 0) in;
  void main() {
    uint i = gl_GlobalInvocationID.x;
    if (i < count) y.v[i] = 2.0 * x.v[i];
  }
  """

/// The text of a shader of the tests, with its includes.
func source(_ text: String, name: String = "Test/test.comp", defines: [String: String] = [:]) throws -> ShaderSource {
  ShaderSource(name: name, text: try ShaderLibrary.resolved(name, overrides: [name: text]), defines: defines)
}

extension GPUTests {
  @Test(arguments: BufferBinding.allCases) func doubling(_ binding: BufferBinding) throws {
    var options = DeviceOptions.fromEnvironment()
    options.binding = binding
    let device = try Device.open(options: options)
    let count = 1000
    let x = try device.makeBuffer(byteCount: 4 * count, label: "x")
    let y = try device.makeBuffer(byteCount: 4 * count, label: "y")
    try x.write((0..<count).map { Float($0) })
    let pipeline = try device.pipeline(
      PipelineDescription(source: try source(doubleShader), specialization: [64], bufferCount: 2, constantBytes: 4))
    #expect(pipeline.reflection.localSize == [64, 1, 1])
    let list = try device.makeCommandList(label: "doubling")
    try list.dispatch(
      pipeline, buffers: [(x.whole, .read), (y.whole, .write)], constants: [UInt32(count)], groups: (16, 1, 1),
      label: "double")
    try list.run()
    #expect(try y.read(Float.self, count: count) == (0..<count).map { 2 * Float($0) })
    #expect(device.validationMessages == [])
    print(device.info.summary, device.compiler.origin, device.compiler.version, pipeline.reflection)
  }
}
