import CVulkan

/// The functions of one Vulkan instance.
struct InstanceFunctions: @unchecked Sendable {  // Immutable function pointers.
  let destroyInstance: PFN_vkDestroyInstance
  let enumeratePhysicalDevices: PFN_vkEnumeratePhysicalDevices
  let getPhysicalDeviceProperties: PFN_vkGetPhysicalDeviceProperties
  let getPhysicalDeviceProperties2: PFN_vkGetPhysicalDeviceProperties2
  let getPhysicalDeviceFeatures2: PFN_vkGetPhysicalDeviceFeatures2
  let getPhysicalDeviceMemoryProperties2: PFN_vkGetPhysicalDeviceMemoryProperties2
  let getPhysicalDeviceQueueFamilyProperties: PFN_vkGetPhysicalDeviceQueueFamilyProperties
  let enumerateDeviceExtensionProperties: PFN_vkEnumerateDeviceExtensionProperties
  let createDevice: PFN_vkCreateDevice
  let getDeviceProcAddr: PFN_vkGetDeviceProcAddr
  let createMessenger: PFN_vkCreateDebugUtilsMessengerEXT?
  let destroyMessenger: PFN_vkDestroyDebugUtilsMessengerEXT?
  let getCooperativeMatrixProperties: PFN_vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR?

  init(_ loader: VulkanLoader, _ instance: OpaquePointer) throws(GPUError) {
    func load<T>(_ name: String) throws(GPUError) -> T { try loader.function(name, of: instance, as: T.self) }
    func optional<T>(_ name: String) -> T? {
      loader.getInstanceProcAddr(instance, name).map { unsafeBitCast($0, to: T.self) }
    }
    destroyInstance = try load("vkDestroyInstance")
    enumeratePhysicalDevices = try load("vkEnumeratePhysicalDevices")
    getPhysicalDeviceProperties = try load("vkGetPhysicalDeviceProperties")
    getPhysicalDeviceProperties2 = try load("vkGetPhysicalDeviceProperties2")
    getPhysicalDeviceFeatures2 = try load("vkGetPhysicalDeviceFeatures2")
    getPhysicalDeviceMemoryProperties2 = try load("vkGetPhysicalDeviceMemoryProperties2")
    getPhysicalDeviceQueueFamilyProperties = try load("vkGetPhysicalDeviceQueueFamilyProperties")
    enumerateDeviceExtensionProperties = try load("vkEnumerateDeviceExtensionProperties")
    createDevice = try load("vkCreateDevice")
    getDeviceProcAddr = try load("vkGetDeviceProcAddr")
    createMessenger = optional("vkCreateDebugUtilsMessengerEXT")
    destroyMessenger = optional("vkDestroyDebugUtilsMessengerEXT")
    getCooperativeMatrixProperties = optional("vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR")
  }
}

/// The functions of one Vulkan device, without the loader's indirection.
struct DeviceFunctions: @unchecked Sendable {  // Function pointers.
  var destroyDevice: PFN_vkDestroyDevice
  var getDeviceQueue: PFN_vkGetDeviceQueue
  var queueSubmit: PFN_vkQueueSubmit
  var deviceWaitIdle: PFN_vkDeviceWaitIdle
  var allocateMemory: PFN_vkAllocateMemory
  var freeMemory: PFN_vkFreeMemory
  var mapMemory: PFN_vkMapMemory
  var createBuffer: PFN_vkCreateBuffer
  var destroyBuffer: PFN_vkDestroyBuffer
  var getBufferMemoryRequirements: PFN_vkGetBufferMemoryRequirements
  var bindBufferMemory: PFN_vkBindBufferMemory
  var getBufferDeviceAddress: PFN_vkGetBufferDeviceAddress
  var createSemaphore: PFN_vkCreateSemaphore
  var destroySemaphore: PFN_vkDestroySemaphore
  var getSemaphoreCounterValue: PFN_vkGetSemaphoreCounterValue
  var waitSemaphores: PFN_vkWaitSemaphores
  var createCommandPool: PFN_vkCreateCommandPool
  var destroyCommandPool: PFN_vkDestroyCommandPool
  var allocateCommandBuffers: PFN_vkAllocateCommandBuffers
  var beginCommandBuffer: PFN_vkBeginCommandBuffer
  var endCommandBuffer: PFN_vkEndCommandBuffer
  var createQueryPool: PFN_vkCreateQueryPool
  var destroyQueryPool: PFN_vkDestroyQueryPool
  var getQueryPoolResults: PFN_vkGetQueryPoolResults
  var createShaderModule: PFN_vkCreateShaderModule
  var destroyShaderModule: PFN_vkDestroyShaderModule
  var createDescriptorSetLayout: PFN_vkCreateDescriptorSetLayout
  var destroyDescriptorSetLayout: PFN_vkDestroyDescriptorSetLayout
  var createDescriptorPool: PFN_vkCreateDescriptorPool
  var destroyDescriptorPool: PFN_vkDestroyDescriptorPool
  var allocateDescriptorSets: PFN_vkAllocateDescriptorSets
  var updateDescriptorSets: PFN_vkUpdateDescriptorSets
  var createPipelineLayout: PFN_vkCreatePipelineLayout
  var destroyPipelineLayout: PFN_vkDestroyPipelineLayout
  var createPipelineCache: PFN_vkCreatePipelineCache
  var destroyPipelineCache: PFN_vkDestroyPipelineCache
  var getPipelineCacheData: PFN_vkGetPipelineCacheData
  var createComputePipelines: PFN_vkCreateComputePipelines
  var destroyPipeline: PFN_vkDestroyPipeline
  var bindPipeline: PFN_vkCmdBindPipeline
  var bindDescriptorSets: PFN_vkCmdBindDescriptorSets
  var pushConstants: PFN_vkCmdPushConstants
  var dispatch: PFN_vkCmdDispatch
  var copyBuffer: PFN_vkCmdCopyBuffer
  var fillBuffer: PFN_vkCmdFillBuffer
  var pipelineBarrier2: PFN_vkCmdPipelineBarrier2
  var resetQueryPool: PFN_vkCmdResetQueryPool
  var writeTimestamp2: PFN_vkCmdWriteTimestamp2
  var getDeviceFaultInfo: PFN_vkGetDeviceFaultInfoEXT?

  init(_ instance: InstanceFunctions, _ device: OpaquePointer, name: String) throws(GPUError) {
    func optional<T>(_ function: String) -> T? {
      instance.getDeviceProcAddr(device, function).map { unsafeBitCast($0, to: T.self) }
    }
    func load<T>(_ function: String) throws(GPUError) -> T {
      guard let pointer: T = optional(function) else {
        throw GPUError(code: .unsupportedDevice, operation: "opening \(name)", detail: "the driver has no \(function)")
      }
      return pointer
    }
    destroyDevice = try load("vkDestroyDevice")
    getDeviceQueue = try load("vkGetDeviceQueue")
    queueSubmit = try load("vkQueueSubmit")
    deviceWaitIdle = try load("vkDeviceWaitIdle")
    allocateMemory = try load("vkAllocateMemory")
    freeMemory = try load("vkFreeMemory")
    mapMemory = try load("vkMapMemory")
    createBuffer = try load("vkCreateBuffer")
    destroyBuffer = try load("vkDestroyBuffer")
    getBufferMemoryRequirements = try load("vkGetBufferMemoryRequirements")
    bindBufferMemory = try load("vkBindBufferMemory")
    getBufferDeviceAddress = try load("vkGetBufferDeviceAddress")
    createSemaphore = try load("vkCreateSemaphore")
    destroySemaphore = try load("vkDestroySemaphore")
    getSemaphoreCounterValue = try load("vkGetSemaphoreCounterValue")
    waitSemaphores = try load("vkWaitSemaphores")
    createCommandPool = try load("vkCreateCommandPool")
    destroyCommandPool = try load("vkDestroyCommandPool")
    allocateCommandBuffers = try load("vkAllocateCommandBuffers")
    beginCommandBuffer = try load("vkBeginCommandBuffer")
    endCommandBuffer = try load("vkEndCommandBuffer")
    createQueryPool = try load("vkCreateQueryPool")
    destroyQueryPool = try load("vkDestroyQueryPool")
    getQueryPoolResults = try load("vkGetQueryPoolResults")
    createShaderModule = try load("vkCreateShaderModule")
    destroyShaderModule = try load("vkDestroyShaderModule")
    createDescriptorSetLayout = try load("vkCreateDescriptorSetLayout")
    destroyDescriptorSetLayout = try load("vkDestroyDescriptorSetLayout")
    createDescriptorPool = try load("vkCreateDescriptorPool")
    destroyDescriptorPool = try load("vkDestroyDescriptorPool")
    allocateDescriptorSets = try load("vkAllocateDescriptorSets")
    updateDescriptorSets = try load("vkUpdateDescriptorSets")
    createPipelineLayout = try load("vkCreatePipelineLayout")
    destroyPipelineLayout = try load("vkDestroyPipelineLayout")
    createPipelineCache = try load("vkCreatePipelineCache")
    destroyPipelineCache = try load("vkDestroyPipelineCache")
    getPipelineCacheData = try load("vkGetPipelineCacheData")
    createComputePipelines = try load("vkCreateComputePipelines")
    destroyPipeline = try load("vkDestroyPipeline")
    bindPipeline = try load("vkCmdBindPipeline")
    bindDescriptorSets = try load("vkCmdBindDescriptorSets")
    pushConstants = try load("vkCmdPushConstants")
    dispatch = try load("vkCmdDispatch")
    copyBuffer = try load("vkCmdCopyBuffer")
    fillBuffer = try load("vkCmdFillBuffer")
    pipelineBarrier2 = try load("vkCmdPipelineBarrier2")
    resetQueryPool = try load("vkCmdResetQueryPool")
    writeTimestamp2 = try load("vkCmdWriteTimestamp2")
    getDeviceFaultInfo = optional("vkGetDeviceFaultInfoEXT")
  }
}
