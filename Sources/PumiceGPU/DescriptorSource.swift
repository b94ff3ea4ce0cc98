import CVulkan

/// Descriptor sets for one command list, from pools that live as long as its work.
struct DescriptorSource {
  private final class Pool {
    let object: DeviceObject
    init(_ object: consuming DeviceObject) { self.object = object }
  }

  private static let setsPerPool = 64
  private static let buffersPerPool = 512
  private let core: DeviceCore
  private var pool: Pool?
  private var setsLeft = 0
  private var buffersLeft = 0

  init(_ core: DeviceCore) { self.core = core }

  /// Makes a set of the slices and binds it.
  mutating func bind(
    _ slices: [BufferSlice], for pipeline: Pipeline, in buffer: OpaquePointer, _ work: RecordedWork, _ operation: String
  ) throws(GPUError) {
    if setsLeft == 0 || buffersLeft < slices.count { try makePool(atLeast: slices.count, work, operation) }
    let arena = Arena()
    var info = VkDescriptorSetAllocateInfo()
    info.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO
    info.descriptorPool = pool!.object.handle
    info.descriptorSetCount = 1
    info.pSetLayouts = UnsafePointer(arena.place([pipeline.setLayout]))
    var set: OpaquePointer?
    try check(core.functions.allocateDescriptorSets(core.handle, &info, &set), operation)
    setsLeft -= 1
    buffersLeft -= slices.count
    let ranges = slices.map {
      VkDescriptorBufferInfo(
        buffer: $0.buffer.allocation.block.buffer.handle, offset: VkDeviceSize($0.range.lowerBound),
        range: VkDeviceSize($0.byteCount))
    }
    var write = VkWriteDescriptorSet()
    write.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET
    write.dstSet = set
    write.descriptorCount = UInt32(slices.count)
    write.descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER
    write.pBufferInfo = UnsafePointer(arena.place(ranges))
    core.functions.updateDescriptorSets(core.handle, 1, &write, 0, nil)
    core.functions.bindDescriptorSets(
      buffer, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline.layout.handle, 0, 1, &set, 0, nil)
  }

  private mutating func makePool(atLeast count: Int, _ work: RecordedWork, _ operation: String) throws(GPUError) {
    let arena = Arena()
    let buffers = max(count, Self.buffersPerPool)
    var info = VkDescriptorPoolCreateInfo()
    info.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO
    info.maxSets = UInt32(Self.setsPerPool)
    info.poolSizeCount = 1
    info.pPoolSizes = UnsafePointer(
      arena.place(VkDescriptorPoolSize(type: VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, descriptorCount: UInt32(buffers))))
    let pool = Pool(
      try core.own(operation, destroy: core.functions.destroyDescriptorPool) {
        core.functions.createDescriptorPool($0, &info, nil, &$1)
      })
    work.retain(pool)
    self.pool = pool
    setsLeft = Self.setsPerPool
    buffersLeft = buffers
  }
}
