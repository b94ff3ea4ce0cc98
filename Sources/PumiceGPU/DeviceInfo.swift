/// What kind of hardware a device is, in the order of preference.
public enum DeviceKind: String, Sendable, Hashable, Codable, CaseIterable {
  case discrete, integrated, virtual, cpu, other
}

/// What the lanes of a subgroup can do together.
public enum SubgroupOperation: String, Sendable, Hashable, Codable, CaseIterable {
  case basic, vote, arithmetic, ballot, shuffle, shuffleRelative, clustered, quad
}

/// Abilities that not every device has; those a device has are switched on when it is opened.
public enum DeviceFeature: String, Sendable, Hashable, Codable, CaseIterable {
  /// Arithmetic in 16-bit and 64-bit floats, and in 8-, 16- and 64-bit integers.
  case float16, float64, int8, int16, int64
  /// Loads and stores of 8- and 16-bit values in buffers, and 16-bit values in push constants.
  case storage8, storage16, pushConstant16
  case bufferDeviceAddress, timelineSemaphore, synchronization2, scalarBlockLayout, memoryModel, memoryModelDeviceScope
  /// A pipeline may choose its subgroup size, or demand full subgroups.
  case subgroupSizeControl, fullSubgroups
  /// 8-, 16- and 64-bit types in subgroup operations.
  case subgroupExtendedTypes
  case cooperativeMatrix, integerDotProduct, int64Atomics
  /// The driver tells how much memory is left, and what went wrong before a device was lost.
  case memoryBudget, deviceFault
}

/// One pool of memory as the driver describes it.
public struct MemoryHeap: Sendable, Hashable, Codable {
  /// Bytes in total.
  public var size: Int
  /// Bytes that this process may hold, where the driver tells.
  public var budget: Int?
  /// Bytes that this process holds, where the driver tells.
  public var usage: Int?
  public var deviceLocal: Bool
}

/// A shape of cooperative matrices: `result (m × n) = a (m × k) · b (k × n) + c`.
public struct CooperativeMatrixShape: Sendable, Hashable, Codable {
  public var m: Int, n: Int, k: Int
  /// Component types: `f16`, `f32`, `s8`, `u8`, `s32`, …
  public var a: String, b: String, c: String, result: String
  public var saturating: Bool
  /// `subgroup` or `workgroup`.
  public var scope: String
}

/// What one device is and can do. Sizes are in bytes.
public struct DeviceInfo: Sendable, Hashable, Codable {
  /// Position in `Device.list`.
  public var index: Int
  public var name: String
  public var kind: DeviceKind
  public var vendorID: UInt32
  public var deviceID: UInt32
  /// Vulkan version of the driver: `1.3.231`.
  public var apiVersion: String
  public var driverName = ""
  public var driverInfo = ""
  public var driverVersion: UInt32
  /// 32 hexadecimal digits.
  public var driverUUID = "", deviceUUID = ""
  /// Lanes per subgroup: by default, and the range that can be asked for.
  public var subgroupSize = 1, minSubgroupSize = 1, maxSubgroupSize = 1
  public var maxSubgroupsPerWorkgroup = 1
  public var subgroupOperations: Set<SubgroupOperation> = []
  /// Whether a pipeline may require a subgroup size.
  public var canChooseSubgroupSize = false
  public var maxWorkgroupInvocations = 0
  public var maxWorkgroupSize: [Int] = [0, 0, 0]
  public var maxWorkgroupCount: [Int] = [0, 0, 0]
  public var maxSharedMemory = 0
  public var maxPushConstants = 0
  public var maxBufferBytes = 0
  public var maxAllocationBytes = 0
  /// Longest range of one descriptor, and the alignment of its offset (only with `BufferBinding.descriptors`).
  public var maxStorageBufferRange = 0, storageBufferAlignment = 1
  public var heaps: [MemoryHeap] = []
  /// Whether all of the device's memory can be written by the host.
  public var unifiedMemory = false
  /// Nanoseconds per timestamp tick.
  public var timestampPeriod = 1.0
  /// Valid bits of a timestamp; 0 means that there are none.
  public var timestampBits = 0
  public var features: Set<DeviceFeature> = []
  public var cooperativeMatrices: [CooperativeMatrixShape] = []
  /// Why this package cannot use the device; nil when it can.
  public var unsupportedReason: String?

  /// `llvmpipe (LLVM 15.0.6, 256 bits), llvmpipe, Mesa 22.3.6`.
  public var summary: String {
    [name, driverName, driverInfo].filter { !$0.isEmpty }.joined(separator: ", ")
  }
}
