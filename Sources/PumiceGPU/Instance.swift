import CVulkan

/// One connection to the Vulkan loader, with or without validation.
final class Instance: @unchecked Sendable {  // The handle is immutable and used only by thread-safe calls.
  let handle: OpaquePointer
  let functions: InstanceFunctions
  let messages: MessageLog
  private let messenger: OpaquePointer?

  private static let layer = "VK_LAYER_KHRONOS_validation"

  /// Vulkan 1.3, as `VK_MAKE_API_VERSION` packs it.
  static let apiVersion: UInt32 = 1 << 22 | 3 << 12

  init(validation: ValidationMode?, loader: VulkanLoader) throws(GPUError) {
    let messages = MessageLog()
    let arena = Arena()
    let available = try Self.names(loader)
    let hasMessenger = available.contains(VK_EXT_DEBUG_UTILS_EXTENSION_NAME)

    var application = VkApplicationInfo()
    application.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO
    application.pApplicationName = arena.place("pumice")
    application.apiVersion = Self.apiVersion
    var info = VkInstanceCreateInfo()
    info.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO
    info.pApplicationInfo = UnsafePointer(arena.place(application))
    if hasMessenger {
      info.enabledExtensionCount = 1
      info.ppEnabledExtensionNames = arena.place(strings: [VK_EXT_DEBUG_UTILS_EXTENSION_NAME])
      info.pNext = UnsafeRawPointer(arena.place(messages.messengerInfo))
    }
    if let validation {
      info.enabledLayerCount = 1
      info.ppEnabledLayerNames = arena.place(strings: [Self.layer])
      info.pNext = Self.features(validation, next: info.pNext, arena)
    }

    let create = try loader.function("vkCreateInstance", as: PFN_vkCreateInstance.self)
    var created: OpaquePointer?
    let result = create(&info, nil, &created)
    guard result == VK_SUCCESS, let created else {
      if result == VK_ERROR_LAYER_NOT_PRESENT {
        throw GPUError(
          result, "loading the Vulkan validation layer",
          detail: "install it, for instance: apt install vulkan-validationlayers")
      }
      // Whatever the loader returns: for a manifest that is no JSON it claims to be out of memory.
      throw GPUError(
        code: .noDriver, operation: "starting Vulkan",
        detail:
          "no Vulkan driver can be loaded\(messages.loaderComplaint); install the driver of the GPU, or mesa-vulkan-drivers for the "
          + "software driver lavapipe", result: result.rawValue)
    }
    let functions = try InstanceFunctions(loader, created)
    var messenger: OpaquePointer?
    if hasMessenger, let createMessenger = functions.createMessenger {
      var messengerInfo = messages.messengerInfo
      let result = createMessenger(created, &messengerInfo, nil, &messenger)
      if result != VK_SUCCESS {
        functions.destroyInstance(created, nil)
        throw GPUError(result, "listening to Vulkan's messages")
      }
    }
    self.handle = created
    self.functions = functions
    self.messages = messages
    self.messenger = messenger
  }

  deinit {
    if let messenger { functions.destroyMessenger?(handle, messenger, nil) }
    functions.destroyInstance(handle, nil)
  }

  /// Names of the instance extensions that the loader and its drivers have.
  private static func names(_ loader: VulkanLoader) throws(GPUError) -> Set<String> {
    let enumerate = try loader.function(
      "vkEnumerateInstanceExtensionProperties", as: PFN_vkEnumerateInstanceExtensionProperties.self)
    var count: UInt32 = 0
    guard enumerate(nil, &count, nil) == VK_SUCCESS, count > 0 else { return [] }
    var properties = [VkExtensionProperties](repeating: VkExtensionProperties(), count: Int(count))
    guard enumerate(nil, &count, &properties) == VK_SUCCESS else { return [] }
    return Set(properties.prefix(Int(count)).map { string(fixed: $0.extensionName) })
  }

  private static func features(
    _ mode: ValidationMode, next: UnsafeRawPointer?, _ arena: Arena
  ) -> UnsafeRawPointer? {
    let enabled: [VkValidationFeatureEnableEXT] =
      switch mode {
      case .core: []
      case .synchronization: [VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT]
      case .gpuAssisted:
        [
          VK_VALIDATION_FEATURE_ENABLE_GPU_ASSISTED_EXT,
          VK_VALIDATION_FEATURE_ENABLE_GPU_ASSISTED_RESERVE_BINDING_SLOT_EXT,
        ]
      }
    var features = VkValidationFeaturesEXT()
    features.sType = VK_STRUCTURE_TYPE_VALIDATION_FEATURES_EXT
    features.pNext = next
    features.enabledValidationFeatureCount = UInt32(enabled.count)
    features.pEnabledValidationFeatures = UnsafePointer(arena.place(enabled))
    return UnsafeRawPointer(arena.place(features))
  }

  /// The physical devices of all drivers; empty when no driver has one.
  func physicalDevices() throws(GPUError) -> [OpaquePointer] {
    var count: UInt32 = 0
    var result = functions.enumeratePhysicalDevices(handle, &count, nil)
    if result == VK_ERROR_OUT_OF_HOST_MEMORY { throw GPUError(result, "listing Vulkan devices") }
    guard result == VK_SUCCESS, count > 0 else { return [] }
    var devices = [OpaquePointer?](repeating: nil, count: Int(count))
    result = functions.enumeratePhysicalDevices(handle, &count, &devices)
    guard result == VK_SUCCESS || result == VK_INCOMPLETE else { throw GPUError(result, "listing Vulkan devices") }
    return devices.prefix(Int(count)).compactMap { $0 }
  }
}
