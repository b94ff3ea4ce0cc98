import CVulkan

/// Command buffers from one pool of their own. They and what they keep live until the last submission has finished.
final class RecordedWork: SubmittedWork, @unchecked Sendable {  // Changed only while recorded, by one thread.
  let core: DeviceCore
  let pool: DeviceObject
  private(set) var buffers: [OpaquePointer] = []
  private(set) var retained: [AnyObject] = []
  private var retainedIDs: Set<ObjectIdentifier> = []

  init(_ core: DeviceCore, _ operation: String) throws(GPUError) {
    var info = VkCommandPoolCreateInfo()
    info.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO
    info.queueFamilyIndex = core.physical.queueFamily!
    self.core = core
    pool = try core.own(operation, destroy: core.functions.destroyCommandPool) {
      core.functions.createCommandPool($0, &info, nil, &$1)
    }
  }

  /// Begins another command buffer.
  func begin(_ operation: String) throws(GPUError) -> OpaquePointer {
    var info = VkCommandBufferAllocateInfo()
    info.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO
    info.commandPool = pool.handle
    info.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY
    info.commandBufferCount = 1
    var buffer: OpaquePointer?
    try check(core.functions.allocateCommandBuffers(core.handle, &info, &buffer), operation)
    var begin = VkCommandBufferBeginInfo()
    begin.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO
    begin.flags = VK_COMMAND_BUFFER_USAGE_SIMULTANEOUS_USE_BIT.rawValue
    try check(core.functions.beginCommandBuffer(buffer, &begin), operation)
    buffers.append(buffer!)
    return buffer!
  }

  /// Keeps an object until the work is finished.
  func retain(_ object: AnyObject) {
    if retainedIDs.insert(ObjectIdentifier(object)).inserted { retained.append(object) }
  }
}

extension DeviceCore {
  /// Makes all commands before wait for nothing after, and their writes visible to compute, copies and the host.
  func recordBarrier(_ buffer: OpaquePointer, toHost: Bool = false) {
    let work = VK_PIPELINE_STAGE_2_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_2_ALL_TRANSFER_BIT
    let writes = VK_ACCESS_2_SHADER_STORAGE_WRITE_BIT | VK_ACCESS_2_TRANSFER_WRITE_BIT
    let reads = VK_ACCESS_2_SHADER_STORAGE_READ_BIT | VK_ACCESS_2_TRANSFER_READ_BIT
    var barrier = VkMemoryBarrier2()
    barrier.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER_2
    barrier.srcStageMask = work
    barrier.srcAccessMask = writes
    barrier.dstStageMask = toHost ? VK_PIPELINE_STAGE_2_HOST_BIT : work
    barrier.dstAccessMask = toHost ? VK_ACCESS_2_HOST_READ_BIT : writes | reads
    withUnsafePointer(to: barrier) { barrier in
      var info = VkDependencyInfo()
      info.sType = VK_STRUCTURE_TYPE_DEPENDENCY_INFO
      info.memoryBarrierCount = 1
      info.pMemoryBarriers = barrier
      functions.pipelineBarrier2(buffer, &info)
    }
  }

  /// Makes everything visible to the host and ends a command buffer.
  func finish(_ buffer: OpaquePointer, _ operation: @autoclosure () -> String) throws(GPUError) {
    recordBarrier(buffer, toHost: true)
    try check(functions.endCommandBuffer(buffer), operation())
  }
}
