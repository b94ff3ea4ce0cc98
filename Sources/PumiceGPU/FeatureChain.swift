import CVulkan

/// The feature structures of a device, chained so that one call fills or enables all of them.
final class FeatureChain {
  private let arena = Arena()
  let core: UnsafeMutablePointer<VkPhysicalDeviceFeatures2>
  let v11: UnsafeMutablePointer<VkPhysicalDeviceVulkan11Features>
  let v12: UnsafeMutablePointer<VkPhysicalDeviceVulkan12Features>
  let v13: UnsafeMutablePointer<VkPhysicalDeviceVulkan13Features>
  let matrix: UnsafeMutablePointer<VkPhysicalDeviceCooperativeMatrixFeaturesKHR>
  let fault: UnsafeMutablePointer<VkPhysicalDeviceFaultFeaturesEXT>

  static let matrixExtension = "VK_KHR_cooperative_matrix"
  static let faultExtension = "VK_EXT_device_fault"
  static let budgetExtension = "VK_EXT_memory_budget"

  init(extensions: Set<String>) {
    core = arena.place(VkPhysicalDeviceFeatures2())
    v11 = arena.place(VkPhysicalDeviceVulkan11Features())
    v12 = arena.place(VkPhysicalDeviceVulkan12Features())
    v13 = arena.place(VkPhysicalDeviceVulkan13Features())
    matrix = arena.place(VkPhysicalDeviceCooperativeMatrixFeaturesKHR())
    fault = arena.place(VkPhysicalDeviceFaultFeaturesEXT())
    core.pointee.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2
    v11.pointee.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES
    v12.pointee.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES
    v13.pointee.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES
    matrix.pointee.sType = VkStructureType(rawValue: UInt32(PUMICE_COOPERATIVE_MATRIX_FEATURES))
    fault.pointee.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FAULT_FEATURES_EXT
    core.pointee.pNext = UnsafeMutableRawPointer(v11)
    v11.pointee.pNext = UnsafeMutableRawPointer(v12)
    v12.pointee.pNext = UnsafeMutableRawPointer(v13)
    var last: UnsafeMutableRawPointer?
    if extensions.contains(Self.faultExtension) { last = UnsafeMutableRawPointer(fault) }
    if extensions.contains(Self.matrixExtension) {
      matrix.pointee.pNext = last
      last = UnsafeMutableRawPointer(matrix)
    }
    v13.pointee.pNext = last
  }

  /// Leaves on only what this package uses: some features cost speed, and robust access would hide errors.
  func reduceToUsed() {
    let all = (core.pointee.features, v11.pointee, v12.pointee, v13.pointee)
    core.pointee.features = VkPhysicalDeviceFeatures()
    core.pointee.features.shaderFloat64 = all.0.shaderFloat64
    core.pointee.features.shaderInt64 = all.0.shaderInt64
    core.pointee.features.shaderInt16 = all.0.shaderInt16
    v11.pointee = VkPhysicalDeviceVulkan11Features()
    v11.pointee.sType = all.1.sType
    v11.pointee.pNext = all.1.pNext
    v11.pointee.storageBuffer16BitAccess = all.1.storageBuffer16BitAccess
    v11.pointee.uniformAndStorageBuffer16BitAccess = all.1.uniformAndStorageBuffer16BitAccess
    v11.pointee.storagePushConstant16 = all.1.storagePushConstant16
    v12.pointee = VkPhysicalDeviceVulkan12Features()
    v12.pointee.sType = all.2.sType
    v12.pointee.pNext = all.2.pNext
    v12.pointee.shaderFloat16 = all.2.shaderFloat16
    v12.pointee.shaderInt8 = all.2.shaderInt8
    v12.pointee.storageBuffer8BitAccess = all.2.storageBuffer8BitAccess
    v12.pointee.uniformAndStorageBuffer8BitAccess = all.2.uniformAndStorageBuffer8BitAccess
    v12.pointee.scalarBlockLayout = all.2.scalarBlockLayout
    v12.pointee.timelineSemaphore = all.2.timelineSemaphore
    v12.pointee.bufferDeviceAddress = all.2.bufferDeviceAddress
    v12.pointee.vulkanMemoryModel = all.2.vulkanMemoryModel
    v12.pointee.vulkanMemoryModelDeviceScope = all.2.vulkanMemoryModelDeviceScope
    v12.pointee.shaderSubgroupExtendedTypes = all.2.shaderSubgroupExtendedTypes
    v12.pointee.shaderBufferInt64Atomics = all.2.shaderBufferInt64Atomics
    v13.pointee = VkPhysicalDeviceVulkan13Features()
    v13.pointee.sType = all.3.sType
    v13.pointee.pNext = all.3.pNext
    v13.pointee.synchronization2 = all.3.synchronization2
    v13.pointee.subgroupSizeControl = all.3.subgroupSizeControl
    v13.pointee.computeFullSubgroups = all.3.computeFullSubgroups
    v13.pointee.maintenance4 = all.3.maintenance4
    v13.pointee.shaderIntegerDotProduct = all.3.shaderIntegerDotProduct
    matrix.pointee.cooperativeMatrixRobustBufferAccess = VK_FALSE
    fault.pointee.deviceFaultVendorBinary = VK_FALSE
  }

  var features: Set<DeviceFeature> {
    var found: Set<DeviceFeature> = []
    func add(_ feature: DeviceFeature, _ flag: VkBool32) {
      if flag == VK_TRUE { found.insert(feature) }
    }
    add(.float16, v12.pointee.shaderFloat16)
    add(.float64, core.pointee.features.shaderFloat64)
    add(.int8, v12.pointee.shaderInt8)
    add(.int16, core.pointee.features.shaderInt16)
    add(.int64, core.pointee.features.shaderInt64)
    add(.storage8, v12.pointee.storageBuffer8BitAccess)
    add(.storage16, v11.pointee.storageBuffer16BitAccess)
    add(.pushConstant16, v11.pointee.storagePushConstant16)
    add(.bufferDeviceAddress, v12.pointee.bufferDeviceAddress)
    add(.timelineSemaphore, v12.pointee.timelineSemaphore)
    add(.synchronization2, v13.pointee.synchronization2)
    add(.scalarBlockLayout, v12.pointee.scalarBlockLayout)
    add(.memoryModel, v12.pointee.vulkanMemoryModel)
    add(.memoryModelDeviceScope, v12.pointee.vulkanMemoryModelDeviceScope)
    add(.subgroupSizeControl, v13.pointee.subgroupSizeControl)
    add(.fullSubgroups, v13.pointee.computeFullSubgroups)
    add(.subgroupExtendedTypes, v12.pointee.shaderSubgroupExtendedTypes)
    add(.cooperativeMatrix, matrix.pointee.cooperativeMatrix)
    add(.integerDotProduct, v13.pointee.shaderIntegerDotProduct)
    add(.int64Atomics, v12.pointee.shaderBufferInt64Atomics)
    add(.deviceFault, fault.pointee.deviceFault)
    return found
  }
}
