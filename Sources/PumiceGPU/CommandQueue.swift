import CVulkan
import Logging
import Synchronization

/// What a submission keeps alive until the device has finished it.
protocol SubmittedWork: AnyObject, Sendable {}

/// The queue of a device and its timeline: each submitted piece raises the timeline by one.
final class CommandQueue: Sendable {
  /// A piece that the device may still be running.
  private struct Piece {
    let value: UInt64
    let label: String
    let work: any SubmittedWork
  }

  private struct State {
    var submitted: UInt64 = 0
    var pieces: [Piece] = []
    var lost: GPUError?
  }

  let core: DeviceCore
  private let timeline: TimelineOwner
  private let state = Mutex(State())

  private final class TimelineOwner: Sendable {
    let object: DeviceObject
    init(_ object: consuming DeviceObject) { self.object = object }
  }

  init(_ core: DeviceCore) throws(GPUError) {
    var type = VkSemaphoreTypeCreateInfo()
    type.sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO
    type.semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE
    let arena = Arena()
    var info = VkSemaphoreCreateInfo()
    info.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO
    info.pNext = UnsafeRawPointer(arena.place(type))
    self.core = core
    timeline = TimelineOwner(
      try core.own("making the timeline", destroy: core.functions.destroySemaphore) {
        core.functions.createSemaphore($0, &info, nil, &$1)
      })
  }

  /// Waits for the device and lets go of everything. What was submitted may keep the queue itself alive, so this does
  /// not happen by itself.
  func close() {
    let pieces = state.withLock { state in
      if !state.pieces.isEmpty { _ = core.functions.deviceWaitIdle(core.handle) }
      let pieces = state.pieces
      state.pieces = []
      return pieces
    }
    withExtendedLifetime(pieces) {}
  }

  deinit {
    // Objects of unfinished pieces must not be destroyed under the device.
    if !state.withLock({ $0.pieces.isEmpty }) { _ = core.functions.deviceWaitIdle(core.handle) }
  }

  /// The timeline's value after all that has been submitted.
  var submitted: UInt64 { state.withLock { $0.submitted } }

  /// Hands one command buffer to the device and returns the timeline's value when it will be finished. `label` says
  /// what runs in it, for the error if the device is lost.
  func submit(
    _ buffer: OpaquePointer, label: @autoclosure () -> String, keeping work: any SubmittedWork
  ) throws(GPUError) -> UInt64 {
    let text = label()
    nonisolated(unsafe) let buffer = buffer
    return try state.withLock { (state) throws(GPUError) -> UInt64 in
      if let lost = state.lost { throw lost }
      let arena = Arena()
      // vkQueueSubmit, not vkQueueSubmit2: GPU-assisted validation 1.3.239 loses the timeline's signals of the latter.
      var values = VkTimelineSemaphoreSubmitInfo()
      values.sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO
      values.signalSemaphoreValueCount = 1
      values.pSignalSemaphoreValues = UnsafePointer(arena.place(state.submitted + 1))
      var info = VkSubmitInfo()
      info.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO
      info.pNext = UnsafeRawPointer(arena.place(values))
      info.commandBufferCount = 1
      info.pCommandBuffers = UnsafePointer(arena.place([Optional(buffer)]))
      info.signalSemaphoreCount = 1
      info.pSignalSemaphores = UnsafePointer(arena.place([Optional(timeline.object.handle)]))
      let result = core.functions.queueSubmit(core.queue, 1, &info, nil)
      if result == VK_ERROR_DEVICE_LOST { throw markLost(&state, doing: "submitting \(text)") }
      try check(result, "submitting \(text) to \(core.info.name)")
      state.submitted += 1
      state.pieces.append(Piece(value: state.submitted, label: text, work: work))
      return state.submitted
    }
  }

  /// Waits until the timeline has reached `value`, and lets go of what is finished.
  ///
  /// - Throws: `timeout` when that takes longer, `deviceLost` when the device fails.
  func wait(for value: UInt64, timeout: Duration?, _ operation: @autoclosure () -> String) throws(GPUError) {
    try waitOnly(for: value, timeout: timeout, operation())
    collect()
  }

  /// As `wait`, without letting go of anything, so that it may be called under a lock.
  func waitOnly(for value: UInt64, timeout: Duration?, _ operation: @autoclosure () -> String) throws(GPUError) {
    let clock = ContinuousClock()
    let deadline = timeout.map { clock.now + $0 }
    let slice: UInt64 = 2_000_000_000
    while true {
      var nanoseconds = slice
      if let deadline {
        let left = max(.zero, deadline - clock.now)
        nanoseconds = min(slice, UInt64(left / .nanoseconds(1)))
      }
      let result = waitOnce(value, nanoseconds)
      if result == VK_SUCCESS { break }
      if result == VK_ERROR_DEVICE_LOST {
        throw state.withLock { markLost(&$0, doing: "waiting for \(operation())") }
      }
      guard result == VK_TIMEOUT else { throw GPUError(result, "waiting for \(operation())") }
      if let deadline, clock.now >= deadline {
        throw GPUError(result, "waiting for \(operation())", detail: "\(timeout!) have passed")
      }
    }
  }

  private func waitOnce(_ value: UInt64, _ nanoseconds: UInt64) -> VkResult {
    var semaphore: OpaquePointer? = timeline.object.handle
    var value = value
    return withUnsafePointer(to: &semaphore) { semaphore in
      withUnsafePointer(to: &value) { value in
        var info = VkSemaphoreWaitInfo()
        info.sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO
        info.semaphoreCount = 1
        info.pSemaphores = semaphore
        info.pValues = value
        return core.functions.waitSemaphores(core.handle, &info, nanoseconds)
      }
    }
  }

  /// Lets go of what finished pieces kept alive. Must not be called under any lock: buffers that die here read back
  /// their guard gaps.
  func collect() {
    let finished = completed()
    let released = state.withLock { state in
      let count = state.pieces.firstIndex { $0.value > finished } ?? state.pieces.count
      let released = state.pieces.prefix(count).map(\.work)
      state.pieces.removeFirst(count)
      return released
    }
    withExtendedLifetime(released) {}
  }

  private func completed() -> UInt64 {
    var value: UInt64 = 0
    let result = core.functions.getSemaphoreCounterValue(core.handle, timeline.object.handle, &value)
    return result == VK_SUCCESS ? value : 0
  }

  private func markLost(_ state: inout State, doing operation: String) -> GPUError {
    if let lost = state.lost { return lost }
    // A lost device may report any value; what it cannot have finished yet, it has not.
    let reported = completed()
    let finished = reported < state.submitted ? reported : 0
    let running = state.pieces.filter { $0.value > finished }.prefix(3).map(\.label)
    var detail = "the device \(core.info.name) was lost"
    if !running.isEmpty { detail += "; it was running \(running.joined(separator: ", then "))" }
    if let fault = core.faultDescription() { detail += "; the driver reports: \(fault)" }
    let error = GPUError(
      code: .deviceLost, operation: operation, detail: detail, result: VK_ERROR_DEVICE_LOST.rawValue)
    state.lost = error
    core.messages.logger.error("\(error)")
    return error
  }
}

extension DeviceCore {
  /// What the driver knows about why the device was lost.
  fileprivate func faultDescription() -> String? {
    guard info.features.contains(.deviceFault), let get = functions.getDeviceFaultInfo else { return nil }
    var counts = VkDeviceFaultCountsEXT()
    counts.sType = VK_STRUCTURE_TYPE_DEVICE_FAULT_COUNTS_EXT
    guard get(handle, &counts, nil) == VK_SUCCESS else { return nil }
    counts.vendorBinarySize = 0
    let arena = Arena()
    let addressCount = Int(counts.addressInfoCount)
    let addresses = arena.place([VkDeviceFaultAddressInfoEXT](repeating: .init(), count: addressCount))
    let vendors = arena.place([VkDeviceFaultVendorInfoEXT](repeating: .init(), count: Int(counts.vendorInfoCount)))
    var fault = VkDeviceFaultInfoEXT()
    fault.sType = VK_STRUCTURE_TYPE_DEVICE_FAULT_INFO_EXT
    fault.pAddressInfos = addresses
    fault.pVendorInfos = vendors
    let result = get(handle, &counts, &fault)
    guard result == VK_SUCCESS || result == VK_INCOMPLETE else { return nil }
    var parts = [string(fixed: fault.description)]
    for index in 0..<min(addressCount, Int(counts.addressInfoCount)) {
      if let address = addresses?[index].reportedAddress { parts.append("address 0x" + String(address, radix: 16)) }
    }
    return parts.filter { !$0.isEmpty }.joined(separator: ", ")
  }
}
