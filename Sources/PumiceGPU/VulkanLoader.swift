import CVulkan
import Foundation

/// The Vulkan loader, opened at run time so that a program starts on a machine that has none.
struct VulkanLoader: @unchecked Sendable {  // Function pointers into a library that is never closed.
  let getInstanceProcAddr: PFN_vkGetInstanceProcAddr

  /// The loader of this process; the outcome of the first attempt is kept.
  static var shared: VulkanLoader {
    get throws(GPUError) { try loaded.get() }
  }

  private static let loaded = open(library: "libvulkan.so.1")

  /// Opens a loader by its library's name.
  static func open(library: String) -> Result<VulkanLoader, GPUError> {
    guard let handle = dlopen(library, RTLD_NOW | RTLD_LOCAL) else {
      let reason = dlerror().map { String(cString: $0) } ?? "unknown reason"
      return .failure(
        GPUError(
          code: .noLoader, operation: "opening the Vulkan loader",
          detail: "\(library) cannot be opened (\(reason)); install the Vulkan loader and a driver, "
            + "for instance: apt install libvulkan1 mesa-vulkan-drivers"))
    }
    guard let symbol = dlsym(handle, "vkGetInstanceProcAddr") else {
      return .failure(
        GPUError(
          code: .noLoader, operation: "opening the Vulkan loader", detail: "\(library) has no vkGetInstanceProcAddr"))
    }
    return .success(VulkanLoader(getInstanceProcAddr: unsafeBitCast(symbol, to: PFN_vkGetInstanceProcAddr.self)))
  }

  /// A function of the loader or, with an instance, of that instance.
  func function<T>(_ name: String, of instance: OpaquePointer? = nil, as type: T.Type) throws(GPUError) -> T {
    guard let pointer = getInstanceProcAddr(instance, name) else {
      throw GPUError(code: .noLoader, operation: "loading Vulkan functions", detail: "the loader has no \(name)")
    }
    return unsafeBitCast(pointer, to: T.self)
  }
}
