import CVulkan

/// One physical device with what was asked of it.
struct PhysicalDevice: @unchecked Sendable {  // The handle lives as long as the instance that it is kept with.
  let handle: OpaquePointer
  var info: DeviceInfo
  /// Family of queues for compute work.
  let queueFamily: UInt32?
  let extensions: Set<String>
  let pipelineCacheUUID: String
}

extension Instance {
  /// All devices, best first: discrete, integrated, virtual, CPU; in the drivers' order within a kind.
  func devices() throws(GPUError) -> [PhysicalDevice] {
    var found: [PhysicalDevice] = []
    for handle in try physicalDevices() { found.append(query(handle)) }
    let order = DeviceKind.allCases
    let ranked = found.enumerated().sorted {
      let (a, b) = (order.firstIndex(of: $0.element.info.kind)!, order.firstIndex(of: $1.element.info.kind)!)
      return (a, $0.offset) < (b, $1.offset)
    }
    return ranked.enumerated().map { index, ranked in
      var device = ranked.element
      device.info.index = index
      return device
    }
  }

  private func query(_ device: OpaquePointer) -> PhysicalDevice {
    var basic = VkPhysicalDeviceProperties()
    functions.getPhysicalDeviceProperties(device, &basic)
    var info = DeviceInfo(basic)
    let extensions = extensionNames(of: device)
    let (family, bits) = computeFamily(of: device)
    info.timestampBits = bits
    let cacheUUID = hex(basic.pipelineCacheUUID)
    guard basic.apiVersion >= Self.apiVersion else {
      info.unsupportedReason = "its driver has Vulkan \(info.apiVersion), and 1.3 is needed"
      return PhysicalDevice(
        handle: device, info: info, queueFamily: family, extensions: extensions, pipelineCacheUUID: cacheUUID)
    }
    readProperties(of: device, into: &info)
    let chain = FeatureChain(extensions: extensions)
    functions.getPhysicalDeviceFeatures2(device, chain.core)
    info.features = chain.features
    if extensions.contains(FeatureChain.budgetExtension) { info.features.insert(.memoryBudget) }
    info.canChooseSubgroupSize = info.canChooseSubgroupSize && info.features.contains(.subgroupSizeControl)
    info.heaps = heaps(of: device, budgets: info.features.contains(.memoryBudget))
    info.unifiedMemory = isUnified(device, info)
    if info.features.contains(.cooperativeMatrix) { info.cooperativeMatrices = matrices(of: device) }
    info.unsupportedReason = Self.reason(info, family)
    return PhysicalDevice(
      handle: device, info: info, queueFamily: family, extensions: extensions, pipelineCacheUUID: cacheUUID)
  }

  private static func reason(_ info: DeviceInfo, _ family: UInt32?) -> String? {
    if family == nil { return "it has no queue for compute work" }
    let needed: [DeviceFeature] = [.bufferDeviceAddress, .timelineSemaphore, .synchronization2, .scalarBlockLayout]
    let missing = needed.filter { !info.features.contains($0) }
    return missing.isEmpty ? nil : "it lacks \(missing.map(\.rawValue).joined(separator: ", "))"
  }

  private func readProperties(of device: OpaquePointer, into info: inout DeviceInfo) {
    let arena = Arena()
    let v11 = arena.place(VkPhysicalDeviceVulkan11Properties())
    let v12 = arena.place(VkPhysicalDeviceVulkan12Properties())
    let v13 = arena.place(VkPhysicalDeviceVulkan13Properties())
    v11.pointee.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_PROPERTIES
    v12.pointee.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_PROPERTIES
    v13.pointee.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_PROPERTIES
    v11.pointee.pNext = UnsafeMutableRawPointer(v12)
    v12.pointee.pNext = UnsafeMutableRawPointer(v13)
    var properties = VkPhysicalDeviceProperties2()
    properties.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2
    properties.pNext = UnsafeMutableRawPointer(v11)
    functions.getPhysicalDeviceProperties2(device, &properties)
    info.driverName = string(fixed: v12.pointee.driverName)
    info.driverInfo = string(fixed: v12.pointee.driverInfo)
    info.driverUUID = hex(v11.pointee.driverUUID)
    info.deviceUUID = hex(v11.pointee.deviceUUID)
    info.subgroupSize = Int(v11.pointee.subgroupSize)
    info.minSubgroupSize = Int(v13.pointee.minSubgroupSize)
    info.maxSubgroupSize = Int(v13.pointee.maxSubgroupSize)
    info.maxSubgroupsPerWorkgroup = Int(v13.pointee.maxComputeWorkgroupSubgroups)
    let compute = VK_SHADER_STAGE_COMPUTE_BIT.rawValue
    info.canChooseSubgroupSize = v13.pointee.requiredSubgroupSizeStages & compute != 0
    if v11.pointee.subgroupSupportedStages & compute != 0 {
      info.subgroupOperations = Self.operations(v11.pointee.subgroupSupportedOperations)
    }
    info.maxAllocationBytes = Int(clamping: v11.pointee.maxMemoryAllocationSize)
    info.maxBufferBytes = Int(clamping: v13.pointee.maxBufferSize)
  }

  private static func operations(_ flags: UInt32) -> Set<SubgroupOperation> {
    let bits: [(SubgroupOperation, VkSubgroupFeatureFlagBits)] = [
      (.basic, VK_SUBGROUP_FEATURE_BASIC_BIT), (.vote, VK_SUBGROUP_FEATURE_VOTE_BIT),
      (.arithmetic, VK_SUBGROUP_FEATURE_ARITHMETIC_BIT), (.ballot, VK_SUBGROUP_FEATURE_BALLOT_BIT),
      (.shuffle, VK_SUBGROUP_FEATURE_SHUFFLE_BIT), (.shuffleRelative, VK_SUBGROUP_FEATURE_SHUFFLE_RELATIVE_BIT),
      (.clustered, VK_SUBGROUP_FEATURE_CLUSTERED_BIT), (.quad, VK_SUBGROUP_FEATURE_QUAD_BIT),
    ]
    return Set(bits.filter { flags & $0.1.rawValue != 0 }.map(\.0))
  }

  private func extensionNames(of device: OpaquePointer) -> Set<String> {
    var count: UInt32 = 0
    guard functions.enumerateDeviceExtensionProperties(device, nil, &count, nil) == VK_SUCCESS, count > 0 else {
      return []
    }
    var properties = [VkExtensionProperties](repeating: VkExtensionProperties(), count: Int(count))
    guard functions.enumerateDeviceExtensionProperties(device, nil, &count, &properties) == VK_SUCCESS else {
      return []
    }
    return Set(properties.prefix(Int(count)).map { string(fixed: $0.extensionName) })
  }

  private func computeFamily(of device: OpaquePointer) -> (index: UInt32?, timestampBits: Int) {
    var count: UInt32 = 0
    functions.getPhysicalDeviceQueueFamilyProperties(device, &count, nil)
    var families = [VkQueueFamilyProperties](repeating: VkQueueFamilyProperties(), count: Int(count))
    functions.getPhysicalDeviceQueueFamilyProperties(device, &count, &families)
    let found = families.firstIndex { $0.queueFlags & VK_QUEUE_COMPUTE_BIT.rawValue != 0 && $0.queueCount > 0 }
    return found.map { (UInt32($0), Int(families[$0].timestampValidBits)) } ?? (nil, 0)
  }

  private func matrices(of device: OpaquePointer) -> [CooperativeMatrixShape] {
    guard let get = functions.getCooperativeMatrixProperties else { return [] }
    var count: UInt32 = 0
    guard get(device, &count, nil) == VK_SUCCESS, count > 0 else { return [] }
    var empty = VkCooperativeMatrixPropertiesKHR()
    empty.sType = VkStructureType(rawValue: UInt32(PUMICE_COOPERATIVE_MATRIX_PROPERTIES))
    var shapes = [VkCooperativeMatrixPropertiesKHR](repeating: empty, count: Int(count))
    guard get(device, &count, &shapes) == VK_SUCCESS else { return [] }
    return shapes.prefix(Int(count)).map { CooperativeMatrixShape($0) }
  }
}

/// The bytes of a fixed-size C array as hexadecimal digits.
private func hex<T>(_ value: T) -> String {
  let digits = Array("0123456789abcdef")
  return withUnsafeBytes(of: value) { bytes in
    String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
  }
}

extension DeviceInfo {
  fileprivate init(_ basic: VkPhysicalDeviceProperties) {
    let version = basic.apiVersion
    self.init(
      index: 0, name: string(fixed: basic.deviceName), kind: DeviceKind(basic.deviceType), vendorID: basic.vendorID,
      deviceID: basic.deviceID, apiVersion: "\(version >> 22 & 0x7F).\(version >> 12 & 0x3FF).\(version & 0xFFF)",
      driverVersion: basic.driverVersion)
    let limits = basic.limits
    maxWorkgroupInvocations = Int(limits.maxComputeWorkGroupInvocations)
    maxWorkgroupSize = [
      Int(limits.maxComputeWorkGroupSize.0), Int(limits.maxComputeWorkGroupSize.1),
      Int(limits.maxComputeWorkGroupSize.2),
    ]
    maxWorkgroupCount = [
      Int(limits.maxComputeWorkGroupCount.0), Int(limits.maxComputeWorkGroupCount.1),
      Int(limits.maxComputeWorkGroupCount.2),
    ]
    maxSharedMemory = Int(limits.maxComputeSharedMemorySize)
    maxPushConstants = Int(limits.maxPushConstantsSize)
    maxStorageBufferRange = Int(limits.maxStorageBufferRange)
    storageBufferAlignment = Int(limits.minStorageBufferOffsetAlignment)
    timestampPeriod = Double(limits.timestampPeriod)
  }
}

extension DeviceKind {
  fileprivate init(_ type: VkPhysicalDeviceType) {
    self =
      switch type {
      case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU: .discrete
      case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU: .integrated
      case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU: .virtual
      case VK_PHYSICAL_DEVICE_TYPE_CPU: .cpu
      default: .other
      }
  }
}

extension CooperativeMatrixShape {
  fileprivate init(_ p: VkCooperativeMatrixPropertiesKHR) {
    let names = ["f16", "f32", "f64", "s8", "s16", "s32", "s64", "u8", "u16", "u32", "u64"]
    func name(_ which: Int32) -> String {
      let type = withUnsafePointer(to: p) { Int(pumice_component_type($0, which)) }
      return type < names.count ? names[type] : "type \(type)"
    }
    let scope = withUnsafePointer(to: p) { pumice_matrix_scope($0) }
    self.init(
      m: Int(p.MSize), n: Int(p.NSize), k: Int(p.KSize), a: name(0), b: name(1), c: name(2), result: name(3),
      saturating: p.saturatingAccumulation == VK_TRUE, scope: scope == 3 ? "subgroup" : "workgroup")
  }
}
