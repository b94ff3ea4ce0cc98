/// Where a buffer lives.
public enum MemoryKind: String, Sendable, Hashable, Codable, CaseIterable {
  /// Fast for the device; the host reaches it through staging where it must.
  case device
  /// Written by the host, read by the device.
  case upload
  /// Written by the device, read by the host.
  case readback
}

/// One piece of memory from the driver, with one Vulkan buffer over all of it.
final class MemoryBlock: @unchecked Sendable {  // Immutable; the bytes behind `mapped` are their buffers' affair.
  let id: Int
  let type: Int
  let heap: Int
  let size: Int
  let mapped: UnsafeMutableRawPointer?
  let address: UInt64
  let buffer: DeviceObject
  let memory: DeviceObject

  init(
    id: Int, type: Int, heap: Int, size: Int, mapped: UnsafeMutableRawPointer?, address: UInt64,
    buffer: consuming DeviceObject, memory: consuming DeviceObject
  ) {
    self.id = id
    self.type = type
    self.heap = heap
    self.size = size
    self.mapped = mapped
    self.address = address
    self.buffer = buffer
    self.memory = memory
  }
}

/// A part of a block; given back when nothing refers to it any more.
final class Allocation: Sendable {
  let block: MemoryBlock
  let range: Range<Int>
  private let pool: MemoryPool

  init(_ block: MemoryBlock, _ range: Range<Int>, _ pool: MemoryPool) {
    self.block = block
    self.range = range
    self.pool = pool
  }

  deinit { pool.release(block, range) }

  var address: UInt64 { block.address + UInt64(range.lowerBound) }
  var mapped: UnsafeMutableRawPointer? { block.mapped.map { $0 + range.lowerBound } }
}
