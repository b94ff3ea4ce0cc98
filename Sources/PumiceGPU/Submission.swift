import CVulkan
import Synchronization

/// A command list on its way through the device.
public struct Submission: Sendable {
  let queue: CommandQueue
  let value: UInt64
  let label: String
  let timestampPools: TimestampPools?

  /// Waits until the device has finished. Blocks the thread.
  ///
  /// - Throws: `timeout` after the given time, `deviceLost` with the commands that were running.
  public func wait(timeout: Duration? = nil) throws(GPUError) {
    try queue.wait(for: value, timeout: timeout, label)
  }

  /// Waits, and returns the list's timestamps in nanoseconds, in the order of their indices. Their differences mean
  /// something, their origin does not. A later replay of the same list overwrites them.
  public func timestamps() throws(GPUError) -> [UInt64] {
    try wait()
    guard let timestampPools else { return [] }
    return try timestampPools.read("reading the timestamps of \(label)")
  }
}

/// The timestamp queries of one command list.
final class TimestampPools: Sendable {
  private final class Pool: Sendable {
    let object: DeviceObject
    init(_ object: consuming DeviceObject) { self.object = object }
  }

  private struct State {
    var pools: [Pool] = []
    var count = 0
  }

  private static let queriesPerPool = 128
  private let core: DeviceCore
  private let state = Mutex(State())

  init(_ core: DeviceCore) { self.core = core }

  /// Records a timestamp and returns its index.
  func record(_ label: String, in buffer: OpaquePointer, _ operation: String) throws(GPUError) -> Int {
    nonisolated(unsafe) let buffer = buffer
    return try state.withLock { (state) throws(GPUError) -> Int in
      if state.count == state.pools.count * Self.queriesPerPool {
        var info = VkQueryPoolCreateInfo()
        info.sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO
        info.queryType = VK_QUERY_TYPE_TIMESTAMP
        info.queryCount = UInt32(Self.queriesPerPool)
        let pool = Pool(
          try core.own(operation, destroy: core.functions.destroyQueryPool) {
            core.functions.createQueryPool($0, &info, nil, &$1)
          })
        // Reset where it is first used, so that each replay begins with fresh queries.
        core.functions.resetQueryPool(buffer, pool.object.handle, 0, UInt32(Self.queriesPerPool))
        state.pools.append(pool)
      }
      let index = state.count
      core.functions.writeTimestamp2(
        buffer, VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT, state.pools.last!.object.handle,
        UInt32(index % Self.queriesPerPool))
      state.count += 1
      return index
    }
  }

  /// The timestamps in nanoseconds.
  func read(_ operation: String) throws(GPUError) -> [UInt64] {
    try state.withLock { (state) throws(GPUError) -> [UInt64] in
      var ticks: [UInt64] = []
      for pool in state.pools {
        let count = min(Self.queriesPerPool, state.count - ticks.count)
        var values = [UInt64](repeating: 0, count: count)
        try check(
          core.functions.getQueryPoolResults(
            core.handle, pool.object.handle, 0, UInt32(count), count * 8, &values, 8,
            VK_QUERY_RESULT_64_BIT.rawValue), operation)
        ticks += values
      }
      let bits = core.info.timestampBits
      let mask = bits >= 64 ? UInt64.max : (UInt64(1) << UInt64(bits)) - 1
      // Counted from the first, so that neither Double's precision nor a counter that wraps matters.
      guard let first = ticks.first else { return [] }
      return ticks.map { UInt64((Double(($0 &- first) & mask) * core.info.timestampPeriod).rounded()) }
    }
  }
}
