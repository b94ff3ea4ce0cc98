/// What the SPIR-V of a pipeline says of itself.
public struct ShaderReflection: Sendable, Hashable {
  /// A member of the push-constant block.
  public struct Member: Sendable, Hashable {
    /// Empty if the optimizer removed the names.
    public let name: String
    /// Offset and size in bytes.
    public let offset: Int, byteCount: Int
    /// Whether it is the address of a buffer.
    public let isAddress: Bool
  }

  /// Members of the push-constant block, in order; the addresses come first.
  public let pushConstants: [Member]
  /// Invocations of a workgroup in x, y and z; empty where that cannot be told.
  public let localSize: [Int]
  /// Bytes of shared memory; nil where that cannot be told.
  public let sharedMemory: Int?
  /// Names of the SPIR-V capabilities.
  public let capabilities: [String]
  /// Storage-buffer descriptors.
  public let bindingCount: Int

  /// Bytes of the push-constant block.
  public var pushConstantBytes: Int { pushConstants.map { $0.offset + $0.byteCount }.max() ?? 0 }

  init(_ module: SPIRVModule, specialization: [UInt32]) {
    let values = Dictionary(uniqueKeysWithValues: specialization.enumerated().map { (UInt32($0), $1) })
    pushConstants = module.pushConstants
    localSize = module.localSize(values)
    sharedMemory = module.sharedMemory(values)
    capabilities = module.capabilities.map { ShaderCapability.name($0) }
    bindingCount = module.bindingCount
  }
}

/// What each SPIR-V capability needs of a device. Those that are not here are not supported: some drivers kill the
/// process when they meet one that they do not know.
enum ShaderCapability {
  private enum Need {
    case nothing
    case feature(DeviceFeature)
    case subgroup(SubgroupOperation)
  }

  private static let known: [UInt32: (name: String, need: Need)] = [
    0: ("Matrix", .nothing), 1: ("Shader", .nothing),
    9: ("Float16", .feature(.float16)), 10: ("Float64", .feature(.float64)), 11: ("Int64", .feature(.int64)),
    12: ("Int64Atomics", .feature(.int64Atomics)), 22: ("Int16", .feature(.int16)), 39: ("Int8", .feature(.int8)),
    61: ("GroupNonUniform", .subgroup(.basic)), 62: ("GroupNonUniformVote", .subgroup(.vote)),
    63: ("GroupNonUniformArithmetic", .subgroup(.arithmetic)), 64: ("GroupNonUniformBallot", .subgroup(.ballot)),
    65: ("GroupNonUniformShuffle", .subgroup(.shuffle)),
    66: ("GroupNonUniformShuffleRelative", .subgroup(.shuffleRelative)),
    67: ("GroupNonUniformClustered", .subgroup(.clustered)), 68: ("GroupNonUniformQuad", .subgroup(.quad)),
    4433: ("StorageBuffer16BitAccess", .feature(.storage16)),
    4434: ("UniformAndStorageBuffer16BitAccess", .feature(.storage16)),
    4435: ("StoragePushConstant16", .feature(.pushConstant16)),
    4448: ("StorageBuffer8BitAccess", .feature(.storage8)),
    4449: ("UniformAndStorageBuffer8BitAccess", .feature(.storage8)),
    5345: ("VulkanMemoryModel", .feature(.memoryModel)),
    5346: ("VulkanMemoryModelDeviceScope", .feature(.memoryModelDeviceScope)),
    5347: ("PhysicalStorageBufferAddresses", .feature(.bufferDeviceAddress)),
    6016: ("DotProductInputAll", .feature(.integerDotProduct)),
    6017: ("DotProductInput4x8Bit", .feature(.integerDotProduct)),
    6018: ("DotProductInput4x8BitPacked", .feature(.integerDotProduct)),
    6019: ("DotProduct", .feature(.integerDotProduct)),
    6022: ("CooperativeMatrixKHR", .feature(.cooperativeMatrix)),
  ]

  static func name(_ number: UInt32) -> String { known[number]?.name ?? "capability \(number)" }

  /// Names of the capabilities that the device lacks.
  static func missing(_ capabilities: [UInt32], on device: DeviceInfo) -> [String] {
    capabilities.filter { capability in
      switch known[capability]?.need {
      case .nothing: false
      case .feature(let feature): !device.features.contains(feature)
      case .subgroup(let operation): !device.subgroupOperations.contains(operation)
      case nil: true
      }
    }.map { name($0) }
  }
}
