/// The GLSL of one compute shader.
public struct ShaderSource: Hashable, Sendable {
  /// Path of the shader; errors name it.
  public var name: String
  /// GLSL with its includes resolved.
  public var text: String
  /// Macros by name.
  public var defines: [String: String]

  public init(name: String, text: String, defines: [String: String] = [:]) {
    self.name = name
    self.text = text
    self.defines = defines
  }
}

/// A shader with everything that makes a pipeline of it.
public struct PipelineDescription: Hashable, Sendable {
  public var source: ShaderSource
  /// Values of the constants `constant_id = 0, 1, …`.
  public var specialization: [UInt32]
  /// Buffers that a dispatch binds.
  public var bufferCount: Int
  /// Bytes of push constants after the addresses.
  public var constantBytes: Int
  /// Lanes per subgroup; nil stands for the device's `subgroupSize`, which then holds exactly.
  public var subgroupSize: Int?
  /// Demands that no subgroup has idle lanes; the workgroup's width must be a multiple of the subgroup's size.
  public var requireFullSubgroups: Bool
  /// How the buffers are reached; nil stands for the device's option.
  public var binding: BufferBinding?
  /// Runs the SPIR-V optimizer: slow to compile, and worth measuring on real GPUs only.
  public var optimize: Bool

  public init(
    source: ShaderSource, specialization: [UInt32] = [], bufferCount: Int, constantBytes: Int = 0,
    subgroupSize: Int? = nil, requireFullSubgroups: Bool = false, binding: BufferBinding? = nil, optimize: Bool = false
  ) {
    self.source = source
    self.specialization = specialization
    self.bufferCount = bufferCount
    self.constantBytes = constantBytes
    self.subgroupSize = subgroupSize
    self.requireFullSubgroups = requireFullSubgroups
    self.binding = binding
    self.optimize = optimize
  }
}
