import Foundation
import PumiceShaders
import Testing

@testable import PumiceGPU

struct ShaderLibraryTests {
  @Test func includesComeOnceAndNameTheirLines() throws {
    let files = [
      "T/main.comp": "#version 460\n#include \"T/a.glsl\"\n#include \"T/b.glsl\"\nmain line 4\n",
      "T/a.glsl": "#include \"T/b.glsl\"\na line 2\n", "T/b.glsl": "b line 1\n",
    ]
    let text = try ShaderLibrary.resolved("T/main.comp", overrides: files)
    #expect(text.components(separatedBy: "b line 1").count == 2)
    // What each line is, according to the directives.
    var place = ("T/main.comp", 1)
    var found: [String: String] = [:]
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      let words = line.split(separator: " ")
      if words.first == "#line" {
        place = (words[2].trimmingCharacters(in: ["\""]), Int(words[1])!)
      } else {
        found[String(line)] = "\(place.0):\(place.1)"
        place.1 += 1
      }
    }
    #expect(found["b line 1"] == "T/b.glsl:1")
    #expect(found["a line 2"] == "T/a.glsl:2")
    #expect(found["main line 4"] == "T/main.comp:4")
  }

  @Test func missingIncludesNameTheIncluder() {
    let error = #expect(throws: ShaderLibrary.MissingShader.self) {
      try ShaderLibrary.resolved("T/x.comp", overrides: ["T/x.comp": "#version 460\n\n#include \"T/gone.glsl\"\n"])
    }
    #expect(error?.includer == "T/x.comp:3" && error?.path == "T/gone.glsl")
    #expect(throws: ShaderLibrary.MissingShader.self) { try ShaderLibrary.resolved("T/nothing.comp") }
  }
}

struct ShaderCapabilityTests {
  @Test func whatADeviceLacks() {
    var device = DeviceInfo(
      index: 0, name: "poor", kind: .cpu, vendorID: 0, deviceID: 0, apiVersion: "1.3.0", driverVersion: 0)
    device.features = [.bufferDeviceAddress, .float16]
    device.subgroupOperations = [.basic]
    #expect(ShaderCapability.missing([1, 9, 61, 5347], on: device) == [])
    #expect(
      ShaderCapability.missing([1, 11, 67, 6022], on: device)
        == ["Int64", "GroupNonUniformClustered", "CooperativeMatrixKHR"])
    #expect(ShaderCapability.missing([6033], on: device) == ["capability 6033"])
  }

  @Test func brokenModules() {
    for words: [UInt32] in [
      [], [1, 2, 3, 4, 5], [0x0723_0203, 0, 0, 0, 0, 0], [0x0723_0203, 0, 0, 0, 0, 0x0009_0011],
    ] {
      #expect(gpuError { _ = try SPIRVModule(words, name: "broken") }?.code == .shaderCompilation)
    }
  }
}

extension GPUTests {
  @Test func compileErrorsNameFileAndLine() throws {
    let include = "float half_of(float x) {\n  return 0.5 * x\n}\n"
    let main = "#version 460\n#include \"T/half.glsl\"\nlayout(local_size_x = 1) in;\nvoid main() {}\n"
    let backends = [nil, "glslc"].filter { $0 == nil || GlslcProgram.find() != nil }
    for choice in backends {
      try withDevice({ $0.shaderCompiler = choice ?? $0.shaderCompiler }) { device in
        let inInclude = gpuError {
          _ = try device.compiler.compile(source(main, name: "T/main.comp", files: ["T/half.glsl": include]))
        }
        #expect(inInclude?.code == .shaderCompilation)
        #expect(inInclude?.detail.contains("T/half.glsl:3:") == true, "\(inInclude!)")
        let inMain = gpuError {
          let broken = main.replacing("main() {}", with: "main() { x = 1; }")
          _ = try device.compiler.compile(
            source(broken, name: "T/main.comp", files: ["T/half.glsl": include.replacing("x\n", with: "x;\n")]))
        }
        #expect(inMain?.detail.contains("T/main.comp:4:") == true, "\(inMain!)")
        let beforeInclude = gpuError {
          _ = try device.compiler.compile(source("#version 460\nvoid wrong( {}\n", name: "T/first.comp"))
        }
        #expect(beforeInclude?.detail.contains("T/first.comp:2:") == true, "\(beforeInclude!)")
      }
    }
  }

  @Test func everyCompilerMakesTheSameReflection() throws {
    var seen: [ShaderReflection] = []
    for choice in ["libshaderc.so.1", "linked", "glslc"] {
      let folder = try TemporaryFolder()
      do {
        try withDevice({
          $0.shaderCompiler = choice
          $0.cacheFolder = folder.path
        }) { device in
          #expect(!device.compiler.version.isEmpty && device.compiler.isAvailable)
          seen.append(try device.scalePipeline().reflection)
        }
      } catch let error as GPUError {
        // Not every machine has all three.
        #expect(error.code == .noShaderCompiler)
      }
    }
    #expect(!seen.isEmpty)
    #expect(Set(seen).count == 1)
    #expect(
      gpuError { try withDevice({ $0.shaderCompiler = "/nonexistent/libshaderc.so" }) { _ in } }?.code
        == .noShaderCompiler)
  }

  @Test func reflection() throws {
    let text = """
      #version 460
      #include "Common/buffers.glsl"
      layout(constant_id = 0) const uint WIDTH = 8;
      layout(constant_id = 1) const uint TILE = 4;
      BUFFER(0, readwrite, uint, Output, y)
      CONSTANTS(ADDRESS(Output, y) uint first; vec3 direction; float last;)
      layout(local_size_x_id = 0, local_size_y = 2) in;
      shared float tile[WIDTH * TILE + 1];
      void main() { tile[gl_LocalInvocationIndex] = last; barrier(); y.v[0] = floatBitsToUint(tile[0]) + first; }
      """
    try withDevice({ $0.binding = .addresses }) { device in
      let pipeline = try device.pipeline(
        PipelineDescription(source: try source(text), specialization: [16, 8], bufferCount: 1, constantBytes: 20))
      let reflection = pipeline.reflection
      #expect(reflection.localSize == [16, 2, 1])
      #expect(reflection.sharedMemory == 4 * (16 * 8 + 1))
      #expect(reflection.pushConstants.map(\.name) == ["y", "first", "direction", "last"])
      #expect(reflection.pushConstants.map(\.offset) == [0, 8, 12, 24])
      #expect(reflection.pushConstants.map(\.isAddress) == [true, false, false, false])
      #expect(reflection.pushConstantBytes == 28)
      #expect(reflection.capabilities.contains("PhysicalStorageBufferAddresses"))
    }
  }

  @Test func optimizedShadersCompute() throws {
    try withDevice { device in
      let pipeline = try device.scalePipeline { $0.optimize = true }
      let x = try device.makeBuffer(byteCount: 400, label: "x")
      try x.write([Float](repeating: 3, count: 100))
      let list = try device.makeCommandList(label: "optimized")
      try list.scale(pipeline, x.whole, x.whole, by: 2)
      try list.run()
      #expect(try x.read(Float.self, count: 100) == [Float](repeating: 6, count: 100))
    }
  }

  @Test func shadersThatTheDeviceCannotRun() throws {
    func shader(_ extensions: String, _ size: String, _ body: String) throws -> PipelineDescription {
      let text = """
        #version 460
        \(extensions)
        #include "Common/buffers.glsl"
        BUFFER(0, readwrite, float, Output, y)
        ADDRESSES(ADDRESS(Output, y))
        layout(\(size)) in;
        \(body)
        """
      return PipelineDescription(source: try source(text, name: "T/poor.comp"), bufferCount: 1)
    }
    try withDevice { device in
      let info = device.info
      let atomics = try shader(
        "#extension GL_EXT_shader_atomic_float : require", "local_size_x = 1", "void main() { atomicAdd(y.v[0], 1.0); }"
      )
      let error = gpuError { _ = try device.pipeline(atomics) }
      #expect(error?.code == .unsupportedShader)
      #expect(error?.detail.contains("capability 6033") == true)

      let types: [(DeviceFeature, String, String)] = [
        (.int64, "int64", "int64_t z = int64_t(y.v[1]) + 5l; y.v[0] = float(z);"),
        (.float16, "float16", "float16_t z = float16_t(y.v[1]); y.v[0] = float(z * z);"),
        (.float64, "float64", "double z = double(y.v[1]); y.v[0] = float(z * z);"),
      ]
      for (feature, name, body) in types {
        let needs = try shader(
          "#extension GL_EXT_shader_explicit_arithmetic_types_\(name) : require", "local_size_x = 1",
          "void main() { \(body) }")
        let code = gpuError { _ = try device.pipeline(needs) }?.code
        #expect(code == (info.features.contains(feature) ? nil : .unsupportedShader), "\(name)")
      }

      let big = try shader("", "local_size_x = \(info.maxWorkgroupInvocations), local_size_y = 2", "void main() {}")
      #expect(gpuError { _ = try device.pipeline(big) }?.detail.contains("invocations") == true)
      let shared = try shader(
        "", "local_size_x = 1",
        "shared float s[\(info.maxSharedMemory / 4 + 1)]; void main() { s[0] = 1.0; barrier(); y.v[0] = s[0]; }")
      #expect(gpuError { _ = try device.pipeline(shared) }?.detail.contains("shared memory") == true)

      var huge = try shader("", "local_size_x = 1", "void main() {}")
      huge.constantBytes = info.maxPushConstants + 4
      #expect(gpuError { _ = try device.pipeline(huge) }?.code == .unsupportedShader)
      var odd = try shader("", "local_size_x = 1", "void main() {}")
      odd.subgroupSize = 3
      #expect(gpuError { _ = try device.pipeline(odd) }?.code == .invalidArgument)
      odd.subgroupSize = 2 * info.maxSubgroupSize
      #expect(gpuError { _ = try device.pipeline(odd) }?.code == .unsupportedShader)
    }
  }

  @Test func shadersThatContradictTheirDescription() throws {
    try withDevice({ $0.binding = .addresses }) { device in
      func code(_ change: (inout PipelineDescription) -> Void) -> GPUError.Code? {
        gpuError { _ = try device.scalePipeline(change) }?.code
      }
      #expect(code { $0.constantBytes = 4 } == .invalidArgument)
      #expect(code { $0.constantBytes = 12 } == .invalidArgument)
      #expect(code { $0.constantBytes = 7 } == .invalidArgument)
      #expect(code { $0.bufferCount = 1 } == .invalidArgument)
      #expect(
        code {
          $0.bufferCount = 1
          $0.constantBytes = 16
        } == .invalidArgument)
      #expect(code { $0.specialization = [0] } == .invalidArgument)
    }
    try withDevice({ $0.binding = .descriptors }) { device in
      #expect(gpuError { _ = try device.scalePipeline { $0.bufferCount = 1 } }?.code == .invalidArgument)
    }
  }

  @Test func subgroupSize() throws {
    let text = """
      #version 460
      #extension GL_KHR_shader_subgroup_basic : require
      #include "Common/buffers.glsl"
      BUFFER(0, writeonly, uint, Output, y)
      ADDRESSES(ADDRESS(Output, y))
      layout(local_size_x_id = 0) in;
      void main() { y.v[gl_LocalInvocationIndex] = gl_SubgroupSize; }
      """
    try withDevice { device in
      let info = device.info
      var sizes: [Int?] = [nil]
      if info.canChooseSubgroupSize { sizes += [info.minSubgroupSize, info.maxSubgroupSize] }
      for size in sizes {
        let expected = size ?? info.subgroupSize
        let pipeline = try device.pipeline(
          PipelineDescription(
            source: try source(text), specialization: [UInt32(expected)], bufferCount: 1, subgroupSize: size,
            requireFullSubgroups: info.features.contains(.fullSubgroups)))
        let y = try device.makeBuffer(byteCount: 4 * expected, label: "y")
        let list = try device.makeCommandList(label: "subgroup size")
        try list.dispatch(pipeline, buffers: [(y.whole, .write)], groups: (1, 1, 1), label: "size")
        try list.run()
        #expect(try y.read(UInt32.self, count: expected) == [UInt32](repeating: UInt32(expected), count: expected))
      }
    }
  }

  @Test func probingTheCompiler() throws {
    try withDevice { device in
      let names = ["GL_EXT_buffer_reference", "GL_EXT_something_that_is_not_there"]
      let supported = try names.map { try device.compiler.supports(extension: $0) }
      #expect(supported == [true, false])
    }
  }
}
