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
struct DeviceFunctions: @unchecked Sendable {  // Immutable function pointers.
  let destroyDevice: PFN_vkDestroyDevice
  let getDeviceQueue: PFN_vkGetDeviceQueue
  let queueSubmit2: PFN_vkQueueSubmit2
  let deviceWaitIdle: PFN_vkDeviceWaitIdle
  let allocateMemory: PFN_vkAllocateMemory
  let freeMemory: PFN_vkFreeMemory
  let mapMemory: PFN_vkMapMemory
  let createBuffer: PFN_vkCreateBuffer
  let destroyBuffer: PFN_vkDestroyBuffer
  let getBufferMemoryRequirements: PFN_vkGetBufferMemoryRequirements
  let bindBufferMemory: PFN_vkBindBufferMemory
  let getBufferDeviceAddress: PFN_vkGetBufferDeviceAddress
  let createSemaphore: PFN_vkCreateSemaphore
  let destroySemaphore: PFN_vkDestroySemaphore
  let getSemaphoreCounterValue: PFN_vkGetSemaphoreCounterValue
  let waitSemaphores: PFN_vkWaitSemaphores
  let createCommandPool: PFN_vkCreateCommandPool
  let destroyCommandPool: PFN_vkDestroyCommandPool
  let allocateCommandBuffers: PFN_vkAllocateCommandBuffers
  let beginCommandBuffer: PFN_vkBeginCommandBuffer
  let endCommandBuffer: PFN_vkEndCommandBuffer
  let createQueryPool: PFN_vkCreateQueryPool
  let destroyQueryPool: PFN_vkDestroyQueryPool
  let getQueryPoolResults: PFN_vkGetQueryPoolResults
  let createShaderModule: PFN_vkCreateShaderModule
  let destroyShaderModule: PFN_vkDestroyShaderModule
  let createDescriptorSetLayout: PFN_vkCreateDescriptorSetLayout
  let destroyDescriptorSetLayout: PFN_vkDestroyDescriptorSetLayout
  let createDescriptorPool: PFN_vkCreateDescriptorPool
  let destroyDescriptorPool: PFN_vkDestroyDescriptorPool
  let allocateDescriptorSets: PFN_vkAllocateDescriptorSets
  let updateDescriptorSets: PFN_vkUpdateDescriptorSets
  let createPipelineLayout: PFN_vkCreatePipelineLayout
  let destroyPipelineLayout: PFN_vkDestroyPipelineLayout
  let createPipelineCache: PFN_vkCreatePipelineCache
  let destroyPipelineCache: PFN_vkDestroyPipelineCache
  let getPipelineCacheData: PFN_vkGetPipelineCacheData
  let createComputePipelines: PFN_vkCreateComputePipelines
  let destroyPipeline: PFN_vkDestroyPipeline
  let bindPipeline: PFN_vkCmdBindPipeline
  let bindDescriptorSets: PFN_vkCmdBindDescriptorSets
  let pushConstants: PFN_vkCmdPushConstants
  let dispatch: PFN_vkCmdDispatch
  let copyBuffer: PFN_vkCmdCopyBuffer
  let fillBuffer: PFN_vkCmdFillBuffer
  let pipelineBarrier2: PFN_vkCmdPipelineBarrier2
  let resetQueryPool: PFN_vkCmdResetQueryPool
  let writeTimestamp2: PFN_vkCmdWriteTimestamp2
  let getDeviceFaultInfo: PFN_vkGetDeviceFaultInfoEXT?

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
    queueSubmit2 = try load("vkQueueSubmit2")
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
