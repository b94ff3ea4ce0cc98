import CVulkan
import Logging
import Synchronization

/// What the validation layer, the loader and our own checks said, kept for tests and passed on to the log.
final class MessageLog: Sendable {
  private struct State {
    var validation: [String] = []
    var loader: [String] = []
  }

  private let state = Mutex(State())
  let logger = Logger(label: "pumice.gpu")

  /// Messages of the validation layer and of the guard gaps.
  var validationMessages: [String] { state.withLock { $0.validation } }

  /// What the loader complained about, for an error message: the driver that cannot be loaded, if it names one.
  var loaderComplaint: String {
    let messages = state.withLock { $0.loader }
    let complaint = messages.first { !$0.contains("Found no drivers") } ?? messages.first
    return complaint.map { " (the loader said: \($0))" } ?? ""
  }

  func reportFault(_ message: String) {
    state.withLock { $0.validation.append(message) }
    logger.error("\(message)")
  }

  func reportLoader(_ message: String) {
    state.withLock { $0.loader.append(message) }
    logger.debug("Vulkan loader: \(message)")
  }

  /// The structure that routes Vulkan's messages here; the log must outlive what it is given to.
  var messengerInfo: VkDebugUtilsMessengerCreateInfoEXT {
    var info = VkDebugUtilsMessengerCreateInfoEXT()
    info.sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT
    info.messageSeverity =
      VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT.rawValue | VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT.rawValue
    info.messageType =
      VK_DEBUG_UTILS_MESSAGE_TYPE_GENERAL_BIT_EXT.rawValue | VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT.rawValue
    info.pUserData = Unmanaged.passUnretained(self).toOpaque()
    info.pfnUserCallback = { severity, types, data, user in
      guard let data, let user else { return VK_FALSE }
      let log = Unmanaged<MessageLog>.fromOpaque(user).takeUnretainedValue()
      let text = data.pointee.pMessage.map { String(cString: $0) } ?? ""
      let name = data.pointee.pMessageIdName.map { String(cString: $0) } ?? ""
      if name == "UNASSIGNED-GPU-Assisted Validation Warning" {
        // What the layer cannot check on this device, which is no fault of ours.
        log.logger.warning("\(text)")
      } else if types & VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT.rawValue != 0 {
        log.reportFault(text)
      } else {
        log.reportLoader(text)
      }
      return VK_FALSE
    }
    return info
  }
}
