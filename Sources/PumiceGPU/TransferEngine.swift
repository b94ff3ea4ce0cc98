import CVulkan
import Synchronization

/// Copies between the host and memory that the host cannot reach. Small writes are collected and go to the device
/// together; large ones pass through two staging buffers in turns, so that no copy needs staging of its own size.
final class TransferEngine: Sendable {
  private struct Copy {
    let source: Int
    let target: Allocation
    let offset: Int
    let byteCount: Int
  }

  private struct Stage {
    let memory: Allocation
    var filled = 0
    var copies: [Copy] = []
    /// The timeline's value at which the device has read the stage.
    var busyUntil: UInt64 = 0
  }

  private struct State {
    var stages: [Stage] = []
    var current = 0
    var readback: Allocation?
  }

  static let stageSize = 8 << 20
  let queue: CommandQueue
  private let pool: MemoryPool
  private let state = Mutex(State())

  init(_ queue: CommandQueue, _ pool: MemoryPool) {
    self.queue = queue
    self.pool = pool
  }

  private var core: DeviceCore { queue.core }

  /// Copies bytes to device memory; they may change when this returns, and later submissions see them.
  func write(_ bytes: UnsafeRawBufferPointer, to target: Allocation, at offset: Int) throws(GPUError) {
    nonisolated(unsafe) let bytes = bytes
    let hasFlushed = try state.withLock { (state) throws(GPUError) -> Bool in
      try prepare(&state)
      var hasFlushed = false
      var done = 0
      while done < bytes.count {
        if state.stages[state.current].filled == Self.stageSize {
          try flush(&state)
          hasFlushed = true
        }
        let filled = state.stages[state.current].filled
        let count = min(bytes.count - done, Self.stageSize - filled)
        let stage = state.stages[state.current].memory
        (stage.mapped! + filled).copyMemory(from: bytes.baseAddress! + done, byteCount: count)
        state.stages[state.current].copies.append(
          Copy(source: filled, target: target, offset: offset + done, byteCount: count))
        // Sixteen bytes apart, which every copy engine likes.
        state.stages[state.current].filled = min(Self.stageSize, RangeAllocator.rounded(filled + count, to: 16))
        done += count
      }
      return hasFlushed
    }
    if hasFlushed { queue.collect() }
  }

  /// Sends the collected writes to the device; every submission does so first.
  func flush() throws(GPUError) {
    try state.withLock { (state) throws(GPUError) in
      if !state.stages.isEmpty { try flush(&state) }
    }
  }

  /// Copies bytes from device memory; returns when they are there.
  func read(from source: Allocation, at offset: Int, into bytes: UnsafeMutableRawBufferPointer) throws(GPUError) {
    nonisolated(unsafe) let bytes = bytes
    try state.withLock { (state) throws(GPUError) in
      if !state.stages.isEmpty { try flush(&state) }
      if state.readback == nil {
        state.readback = try pool.allocate(byteCount: Self.stageSize, kind: .readback, label: "staging")
      }
      let stage = state.readback!
      var done = 0
      while done < bytes.count {
        let count = min(bytes.count - done, Self.stageSize)
        let value = try submit("a copy to the host", keeping: [source, stage]) { buffer in
          self.record(buffer, from: source, offset + done, to: stage, 0, count)
        }
        try queue.waitOnly(for: value, timeout: nil, "a copy to the host")
        (bytes.baseAddress! + done).copyMemory(from: stage.mapped!, byteCount: count)
        done += count
      }
    }
    queue.collect()
  }

  /// Sets 32-bit words of device memory; offset and length are multiples of 4.
  func fill(_ target: Allocation, at offset: Int, byteCount: Int, word: UInt32) throws(GPUError) {
    try state.withLock { (state) throws(GPUError) in
      if !state.stages.isEmpty { try flush(&state) }
      _ = try submit("a fill", keeping: [target]) { buffer in
        self.core.functions.fillBuffer(
          buffer, target.block.buffer.handle, VkDeviceSize(target.range.lowerBound + offset), VkDeviceSize(byteCount),
          word)
      }
    }
  }

  private func prepare(_ state: inout State) throws(GPUError) {
    while state.stages.count < 2 {
      state.stages.append(
        Stage(memory: try pool.allocate(byteCount: Self.stageSize, kind: .upload, label: "staging")))
    }
  }

  private func flush(_ state: inout State) throws(GPUError) {
    let stage = state.stages[state.current]
    guard !stage.copies.isEmpty else { return }
    let kept: [AnyObject] = stage.copies.map(\.target) + [stage.memory]
    let value = try submit("\(stage.copies.count) copies to the device", keeping: kept) { buffer in
      var tracker = HazardTracker()
      for copy in stage.copies {
        let start = copy.target.range.lowerBound + copy.offset
        let use = HazardTracker.Use(block: copy.target.block.id, range: start..<start + copy.byteCount, access: .write)
        if tracker.needsBarrier(before: [use]) { self.core.recordBarrier(buffer) }
        self.record(buffer, from: stage.memory, copy.source, to: copy.target, copy.offset, copy.byteCount)
      }
    }
    state.stages[state.current].copies = []
    state.stages[state.current].filled = 0
    state.stages[state.current].busyUntil = value
    state.current = (state.current + 1) % state.stages.count
    let busyUntil = state.stages[state.current].busyUntil
    if busyUntil > 0 { try queue.waitOnly(for: busyUntil, timeout: nil, "copies to the device") }
  }

  private func submit(
    _ label: String, keeping objects: [AnyObject], _ commands: (OpaquePointer) -> Void
  ) throws(GPUError) -> UInt64 {
    let work = try RecordedWork(core, "recording \(label)")
    let buffer = try work.begin("recording \(label)")
    core.recordBarrier(buffer)
    commands(buffer)
    try core.finish(buffer, "recording \(label)")
    for object in objects { work.retain(object) }
    return try queue.submit(buffer, label: label, keeping: work)
  }

  private func record(
    _ buffer: OpaquePointer, from source: Allocation, _ sourceOffset: Int, to target: Allocation, _ targetOffset: Int,
    _ byteCount: Int
  ) {
    var region = VkBufferCopy(
      srcOffset: VkDeviceSize(source.range.lowerBound + sourceOffset),
      dstOffset: VkDeviceSize(target.range.lowerBound + targetOffset), size: VkDeviceSize(byteCount))
    core.functions.copyBuffer(buffer, source.block.buffer.handle, target.block.buffer.handle, 1, &region)
  }
}
