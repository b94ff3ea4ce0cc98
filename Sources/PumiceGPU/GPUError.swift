import CVulkan

/// A failure of the GPU layer: what was being done, and why it did not work.
public struct GPUError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The kind of failure, for callers that act on it.
  public struct Code: RawRepresentable, Hashable, Sendable {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }

    /// The Vulkan loader (`libvulkan.so.1`) is not installed or cannot be opened.
    public static let noLoader = Code(rawValue: "noLoader")
    /// The loader found no driver, or no driver offers a device.
    public static let noDriver = Code(rawValue: "noDriver")
    /// The selector matches no device; the message lists those that there are.
    public static let deviceNotFound = Code(rawValue: "deviceNotFound")
    /// The device lacks something that this package needs of every device.
    public static let unsupportedDevice = Code(rawValue: "unsupportedDevice")
    /// The shader needs something that this device lacks.
    public static let unsupportedShader = Code(rawValue: "unsupportedShader")
    public static let outOfDeviceMemory = Code(rawValue: "outOfDeviceMemory")
    public static let outOfHostMemory = Code(rawValue: "outOfHostMemory")
    /// The device stopped answering; everything on it is lost, and it must be opened again.
    public static let deviceLost = Code(rawValue: "deviceLost")
    /// The GLSL does not compile; the detail is the compiler's message with file and line.
    public static let shaderCompilation = Code(rawValue: "shaderCompilation")
    /// Neither a shader compiler library nor the program `glslc` is available.
    public static let noShaderCompiler = Code(rawValue: "noShaderCompiler")
    /// An offset or a length lies outside its buffer.
    public static let outOfBounds = Code(rawValue: "outOfBounds")
    public static let invalidArgument = Code(rawValue: "invalidArgument")
    /// Validation was asked for and cannot be had, or it found a fault.
    public static let validation = Code(rawValue: "validation")
    public static let timeout = Code(rawValue: "timeout")
    /// Any other failure that the driver reported.
    public static let failed = Code(rawValue: "failed")
  }

  public let code: Code
  /// What was being done: `allocating 4.0 GiB for weights on llvmpipe`.
  public let operation: String
  /// Why it failed.
  public let detail: String
  /// The driver's `VkResult`, where there was one.
  public let result: Int32?

  public init(code: Code, operation: String, detail: String, result: Int32? = nil) {
    self.code = code
    self.operation = operation
    self.detail = detail
    self.result = result
  }

  /// One sentence for a person.
  public var description: String { "\(operation): \(detail)" }

  /// The error of a Vulkan call that returned something other than success.
  init(_ result: VkResult, _ operation: String, detail: String? = nil) {
    let (code, meaning) = Self.meaning(of: result)
    self.init(
      code: code, operation: operation, detail: detail.map { "\(meaning): \($0)" } ?? meaning, result: result.rawValue)
  }

  private static func meaning(of result: VkResult) -> (Code, String) {
    switch result {
    case VK_ERROR_OUT_OF_DEVICE_MEMORY: (.outOfDeviceMemory, "out of device memory")
    case VK_ERROR_OUT_OF_HOST_MEMORY: (.outOfHostMemory, "out of host memory")
    case VK_ERROR_DEVICE_LOST: (.deviceLost, "the device was lost")
    case VK_ERROR_INCOMPATIBLE_DRIVER: (.noDriver, "no usable Vulkan driver")
    case VK_ERROR_LAYER_NOT_PRESENT: (.validation, "the validation layer is not installed")
    case VK_ERROR_EXTENSION_NOT_PRESENT: (.unsupportedDevice, "a needed extension is missing")
    case VK_ERROR_FEATURE_NOT_PRESENT: (.unsupportedDevice, "a needed feature is missing")
    case VK_ERROR_INITIALIZATION_FAILED: (.failed, "the driver failed to initialize")
    case VK_ERROR_MEMORY_MAP_FAILED: (.failed, "the memory cannot be mapped")
    case VK_ERROR_TOO_MANY_OBJECTS: (.failed, "too many objects")
    case VK_TIMEOUT: (.timeout, "not finished in the given time")
    default: (.failed, "the driver returned VkResult \(result.rawValue)")
    }
  }
}

/// Throws unless `result` is success.
func check(_ result: VkResult, _ operation: @autoclosure () -> String) throws(GPUError) {
  if result != VK_SUCCESS { throw GPUError(result, operation()) }
}

/// `1536` as `1.5 KiB`, for messages.
func readable(bytes: Int) -> String {
  let units = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
  var value = Double(bytes)
  var unit = 0
  while value >= 1024, unit < units.count - 1 {
    value /= 1024
    unit += 1
  }
  if unit == 0 { return "\(bytes) bytes" }
  let tenths = Int((value * 10).rounded())
  return "\(tenths / 10).\(tenths % 10) \(units[unit])"
}
