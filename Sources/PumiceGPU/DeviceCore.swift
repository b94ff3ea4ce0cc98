import CVulkan

/// The Vulkan device with its functions; everything made from it holds it, so it is destroyed last.
final class DeviceCore: @unchecked Sendable {  // Immutable handles; the queue is used only under CommandQueue's lock.
  let instance: Instance
  let physical: PhysicalDevice
  let handle: OpaquePointer
  let functions: DeviceFunctions
  let queue: OpaquePointer
  let options: DeviceOptions

  var info: DeviceInfo { physical.info }
  var messages: MessageLog { instance.messages }

  init(
    _ instance: Instance, _ physical: PhysicalDevice, _ options: DeviceOptions,
    _ adjust: (inout DeviceFunctions) -> Void
  ) throws(GPUError) {
    let operation = "opening \(physical.info.name)"
    if let reason = physical.info.unsupportedReason {
      throw GPUError(code: .unsupportedDevice, operation: operation, detail: reason)
    }
    let family = physical.queueFamily!  // A device without one has an unsupportedReason.
    let arena = Arena()
    let chain = FeatureChain(extensions: physical.extensions)
    instance.functions.getPhysicalDeviceFeatures2(physical.handle, chain.core)
    chain.reduceToUsed()

    var queueInfo = VkDeviceQueueCreateInfo()
    queueInfo.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO
    queueInfo.queueFamilyIndex = family
    queueInfo.queueCount = 1
    queueInfo.pQueuePriorities = UnsafePointer(arena.place(Float(1)))
    let wanted = [FeatureChain.budgetExtension, FeatureChain.matrixExtension, FeatureChain.faultExtension]
    let extensions = wanted.filter { physical.extensions.contains($0) }
    var info = VkDeviceCreateInfo()
    info.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO
    info.pNext = UnsafeRawPointer(chain.core)
    info.queueCreateInfoCount = 1
    info.pQueueCreateInfos = UnsafePointer(arena.place(queueInfo))
    info.enabledExtensionCount = UInt32(extensions.count)
    info.ppEnabledExtensionNames = arena.place(strings: extensions)

    var device: OpaquePointer?
    try check(instance.functions.createDevice(physical.handle, &info, nil, &device), operation)
    var functions: DeviceFunctions
    do {
      functions = try DeviceFunctions(instance.functions, device!, name: physical.info.name)
    } catch {
      if let destroy = instance.functions.getDeviceProcAddr(device, "vkDestroyDevice") {
        unsafeBitCast(destroy, to: PFN_vkDestroyDevice.self)(device, nil)
      }
      throw error
    }
    adjust(&functions)
    var queue: OpaquePointer?
    functions.getDeviceQueue(device, family, 0, &queue)
    self.instance = instance
    self.physical = physical
    self.handle = device!
    self.functions = functions
    self.queue = queue!
    self.options = options
  }

  deinit {
    functions.destroyDevice(handle, nil)
  }
}

/// Owner of one Vulkan object of a device: destroys it exactly once, and keeps the device alive until then.
struct DeviceObject: ~Copyable, @unchecked Sendable {  // An immutable handle.
  typealias Destroy = @convention(c) (OpaquePointer?, OpaquePointer?, UnsafePointer<VkAllocationCallbacks>?) -> Void

  let handle: OpaquePointer
  private let core: DeviceCore
  private let destroy: Destroy

  init(_ handle: OpaquePointer, of core: DeviceCore, destroy: Destroy) {
    self.handle = handle
    self.core = core
    self.destroy = destroy
  }

  deinit { destroy(core.handle, handle, nil) }
}

extension DeviceCore {
  /// Makes an object by `create` and owns it.
  func own(
    _ operation: @autoclosure () -> String, destroy: DeviceObject.Destroy,
    create: (OpaquePointer, inout OpaquePointer?) -> VkResult
  ) throws(GPUError) -> DeviceObject {
    var object: OpaquePointer?
    try check(create(handle, &object), operation())
    return DeviceObject(object!, of: self, destroy: destroy)
  }
}
