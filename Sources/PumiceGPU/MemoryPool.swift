import CVulkan
import Foundation
import Synchronization

/// The memory of a device, cut into buffers: many small tensors are few allocations.
final class MemoryPool: Sendable {
  private struct Entry {
    let block: MemoryBlock
    var ranges: RangeAllocator
    let dedicated: Bool
  }

  private struct State {
    var entries: [Int: Entry] = [:]
    var nextID = 0
    var heapBytes: [Int: Int] = [:]
    var inUse = 0
    var allocationCount = 0
  }

  static let alignment = 256
  let core: DeviceCore
  private let types: [(flags: UInt32, heap: Int)]
  private let heaps: [MemoryHeap]
  private let allowedTypes: UInt32
  private let state = Mutex(State())

  init(_ core: DeviceCore) throws(GPUError) {
    self.core = core
    types = core.instance.memoryTypes(of: core.physical.handle)
    heaps = core.info.heaps
    let probe = try Self.makeBuffer(core, size: 65536, for: "a memory probe")
    var requirements = VkMemoryRequirements()
    core.functions.getBufferMemoryRequirements(core.handle, probe.handle, &requirements)
    allowedTypes = requirements.memoryTypeBits
  }

  /// Bytes of all living buffers.
  var bytesInUse: Int { state.withLock { $0.inUse } }
  /// Bytes held from the driver.
  var bytesReserved: Int { state.withLock { $0.heapBytes.values.reduce(0, +) } }
  /// How often the driver was asked for memory.
  var allocationCount: Int { state.withLock { $0.allocationCount } }

  /// Bytes in use and bytes that this process may use, in the heap of `.device` memory.
  var budget: (used: Int, limit: Int) {
    guard let type = candidates(.device).first else { return (0, 0) }
    return state.withLock { budget(heap: types[type].heap, &$0) }
  }

  private func budget(heap: Int, _ state: inout State) -> (used: Int, limit: Int) {
    let own = state.heapBytes[heap] ?? 0
    guard core.info.features.contains(.memoryBudget) else {
      // The memory of a CPU device is the machine's; Mesa's heap size says 2 GiB whatever there is.
      if core.info.kind == .cpu, let available = Self.availableHostMemory() { return (own, own + available) }
      return (own, heaps[heap].size)
    }
    let (_, budget, usage) = core.instance.memory(of: core.physical.handle, budgets: true)
    return (max(own, usage[heap]), budget[heap] > 0 ? min(budget[heap], heaps[heap].size) : heaps[heap].size)
  }

  /// Bytes that the machine can still give to programs.
  private static func availableHostMemory() -> Int? {
    guard let text = try? String(contentsOfFile: "/proc/meminfo", encoding: .utf8),
      let line = text.split(separator: "\n").first(where: { $0.hasPrefix("MemAvailable:") }),
      let kilobytes = line.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
    else { return nil }
    return kilobytes * 1024
  }

  /// Memory types that fit, best first.
  private func candidates(_ kind: MemoryKind) -> [Int] {
    let local = VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT.rawValue
    let visible = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT.rawValue | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT.rawValue
    let cached = VK_MEMORY_PROPERTY_HOST_CACHED_BIT.rawValue
    // Protected, lazily allocated and AMD's uncached coherent memory are for others.
    let plain: UInt32 = local | visible | cached
    let direct = core.info.unifiedMemory && !core.options.forceStaging
    func score(_ flags: UInt32) -> Int? {
      guard flags & ~plain == 0 else { return nil }
      switch kind {
      case .device:
        if direct { return flags & (local | visible) == local | visible ? (flags & cached != 0 ? 2 : 1) : nil }
        guard flags & local != 0 else { return nil }
        return flags & visible == 0 ? 2 : 1
      case .upload:
        guard flags & visible == visible else { return nil }
        return (flags & local == 0 || core.info.unifiedMemory ? 2 : 0) + (flags & cached == 0 ? 1 : 0)
      case .readback:
        guard flags & visible == visible else { return nil }
        return (flags & cached != 0 ? 2 : 0) + (flags & local == 0 ? 1 : 0)
      }
    }
    let ranked = types.indices.filter { allowedTypes & 1 << UInt32($0) != 0 }
      .compactMap { index in score(types[index].flags).map { (index: index, score: $0) } }
    return ranked.sorted { ($1.score, $0.index) < ($0.score, $1.index) }.map(\.index)
  }

  /// Whether buffers of this kind are given a pointer for the host.
  private func mapsMemory(_ kind: MemoryKind, type: Int) -> Bool {
    if kind == .device && core.options.forceStaging { return false }
    if kind == .device && !core.info.unifiedMemory { return false }
    return types[type].flags & VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT.rawValue != 0
  }

  /// Memory for one buffer, and a gap after it.
  ///
  /// - Throws: `outOfDeviceMemory` that says how much was asked for, is in use and is available.
  func allocate(
    byteCount: Int, gap: Int = 0, kind: MemoryKind, label: String
  ) throws(GPUError) -> Allocation {
    let operation = "allocating \(readable(bytes: byteCount)) for \(label) on \(core.info.name)"
    guard byteCount > 0 else {
      throw GPUError(code: .invalidArgument, operation: operation, detail: "a buffer needs at least one byte")
    }
    let largest = min(core.info.maxAllocationBytes, core.info.maxBufferBytes)
    guard byteCount <= largest - gap - Self.readSlack else {
      throw GPUError(
        code: .outOfDeviceMemory, operation: operation,
        detail: "the driver allows \(readable(bytes: largest)) in one piece, and the device has "
          + "\(readable(bytes: budget.limit)), of which \(readable(bytes: budget.used)) are in use")
    }
    let types = candidates(kind)
    guard !types.isEmpty else {
      throw GPUError(code: .unsupportedDevice, operation: operation, detail: "the device has no \(kind) memory")
    }
    var failure: GPUError?
    for type in types {
      do {
        return try state.withLock { (state) throws(GPUError) -> Allocation in
          try allocate(byteCount + gap, type, mapped: mapsMemory(kind, type: type), operation, &state)
        }
      } catch {
        guard error.code == .outOfDeviceMemory else { throw error }
        failure = failure ?? error
      }
    }
    throw failure!
  }

  private func allocate(
    _ byteCount: Int, _ type: Int, mapped: Bool, _ operation: String, _ state: inout State
  ) throws(GPUError) -> Allocation {
    let blockSize = Self.blockSize(heap: heaps[types[type].heap].size)
    let dedicated = byteCount > blockSize / 2
    if !dedicated {
      for (id, entry) in state.entries.sorted(by: { $0.key < $1.key })
      where entry.block.type == type && !entry.dedicated && (entry.block.mapped != nil) == mapped {
        if let range = state.entries[id]!.ranges.allocate(byteCount) {
          state.inUse += range.count
          return Allocation(entry.block, range, self)
        }
      }
    }
    let size = dedicated ? RangeAllocator.rounded(byteCount, to: Self.alignment) : blockSize
    let block = try makeBlock(size, type, mapped: mapped, operation, &state)
    var ranges = RangeAllocator(size: size, alignment: Self.alignment)
    let range = ranges.allocate(byteCount)!
    state.entries[block.id] = Entry(block: block, ranges: ranges, dedicated: dedicated)
    state.inUse += range.count
    return Allocation(block, range, self)
  }

  /// 64 MiB, or a 64th of a small heap.
  private static func blockSize(heap: Int) -> Int {
    max(1 << 20, min(64 << 20, RangeAllocator.rounded(heap / 64, to: 1 << 16)))
  }

  /// Bytes behind the last buffer of every block that belong to nobody. Drivers of CPUs run the body of a loop once more
  /// than asked, with all lanes switched off, and llvmpipe of Mesa 26 then still loads from addresses that the lanes share:
  /// the load's result is dropped, but its address must exist.
  private static let readSlack = 64 << 10

  private func makeBlock(
    _ size: Int, _ type: Int, mapped: Bool, _ operation: String, _ state: inout State
  ) throws(GPUError) -> MemoryBlock {
    let heap = types[type].heap
    let (used, limit) = budget(heap: heap, &state)
    guard used + size + Self.readSlack <= limit else {
      throw GPUError(
        code: .outOfDeviceMemory, operation: operation,
        detail: "\(readable(bytes: size)) are needed, \(readable(bytes: used)) are in use and "
          + "\(readable(bytes: max(0, limit - used))) of \(readable(bytes: limit)) are available")
    }
    let f = core.functions
    let buffer = try Self.makeBuffer(core, size: size + Self.readSlack, for: operation)
    var requirements = VkMemoryRequirements()
    f.getBufferMemoryRequirements(core.handle, buffer.handle, &requirements)
    let arena = Arena()
    var flags = VkMemoryAllocateFlagsInfo()
    flags.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO
    flags.flags = VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT.rawValue
    var info = VkMemoryAllocateInfo()
    info.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO
    info.pNext = UnsafeRawPointer(arena.place(flags))
    info.allocationSize = requirements.size
    info.memoryTypeIndex = UInt32(type)
    var handle: OpaquePointer?
    let result = f.allocateMemory(core.handle, &info, nil, &handle)
    guard result == VK_SUCCESS, let handle else {
      throw GPUError(
        result, operation,
        detail: "\(readable(bytes: size)) are needed, \(readable(bytes: used)) of \(readable(bytes: limit)) are in use")
    }
    let memory = DeviceObject(handle, of: core, destroy: f.freeMemory)
    try check(f.bindBufferMemory(core.handle, buffer.handle, memory.handle, 0), operation)
    var pointer: UnsafeMutableRawPointer?
    if mapped { try check(f.mapMemory(core.handle, memory.handle, 0, VK_WHOLE_SIZE, 0, &pointer), operation) }
    var addressInfo = VkBufferDeviceAddressInfo()
    addressInfo.sType = VK_STRUCTURE_TYPE_BUFFER_DEVICE_ADDRESS_INFO
    addressInfo.buffer = buffer.handle
    let address = f.getBufferDeviceAddress(core.handle, &addressInfo)
    state.nextID += 1
    state.allocationCount += 1
    state.heapBytes[heap, default: 0] += size + Self.readSlack
    return MemoryBlock(
      id: state.nextID, type: type, heap: heap, size: size, mapped: pointer, address: address, buffer: buffer,
      memory: memory)
  }

  private static func makeBuffer(_ core: DeviceCore, size: Int, for operation: String) throws(GPUError) -> DeviceObject
  {
    var info = VkBufferCreateInfo()
    info.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO
    info.size = VkDeviceSize(size)
    info.usage =
      VK_BUFFER_USAGE_STORAGE_BUFFER_BIT.rawValue | VK_BUFFER_USAGE_TRANSFER_SRC_BIT.rawValue
      | VK_BUFFER_USAGE_TRANSFER_DST_BIT.rawValue | VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT.rawValue
    info.sharingMode = VK_SHARING_MODE_EXCLUSIVE
    return try core.own(operation, destroy: core.functions.destroyBuffer) {
      core.functions.createBuffer($0, &info, nil, &$1)
    }
  }

  /// Takes a range back; an empty block goes back to the driver, except one of each type that is kept for the next.
  func release(_ block: MemoryBlock, _ range: Range<Int>) {
    let dropped = state.withLock { state -> Entry? in
      state.entries[block.id]!.ranges.release(range)
      state.inUse -= range.count
      let entry = state.entries[block.id]!
      guard entry.ranges.isEmpty else { return nil }
      let spare = state.entries.values.contains {
        $0.block.id != block.id && $0.block.type == block.type && !$0.dedicated && $0.ranges.isEmpty
          && ($0.block.mapped != nil) == (block.mapped != nil)
      }
      guard entry.dedicated || spare else { return nil }
      state.heapBytes[block.heap]! -= block.size + Self.readSlack
      return state.entries.removeValue(forKey: block.id)
    }
    withExtendedLifetime(dropped) {}
  }

  /// Gives empty blocks back to the driver.
  func trim() {
    let dropped = state.withLock { state in
      let empty = state.entries.values.filter { $0.ranges.isEmpty }
      for entry in empty {
        state.heapBytes[entry.block.heap]! -= entry.block.size + Self.readSlack
        state.entries[entry.block.id] = nil
      }
      return empty
    }
    withExtendedLifetime(dropped) {}
  }
}
