import CVulkan
import Synchronization

/// The driver's compiled pipelines, kept on disk per device and driver.
final class PipelineCache: Sendable {
  private struct State {
    var isChanged = false
    var lastSave = ContinuousClock.now
  }

  private let core: DeviceCore
  private let cache: DiskCache
  private let object: DeviceObject
  private let state = Mutex(State())
  let name: String
  private let key: UInt128

  var handle: OpaquePointer { object.handle }

  init(_ core: DeviceCore, _ cache: DiskCache) throws(GPUError) {
    self.core = core
    self.cache = cache
    var hash = Hash128()
    hash.add(core.info.deviceUUID)
    hash.add(core.info.driverUUID)
    hash.add("\(core.info.driverVersion)")
    hash.add(core.physical.pipelineCacheUUID)
    name = "pipelines/\(hash.name).bin"
    key = hash.value
    let arena = Arena()
    let saved = cache.read(name, key: key) ?? []
    var info = VkPipelineCacheCreateInfo()
    info.sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO
    info.initialDataSize = saved.count
    info.pInitialData = UnsafeRawPointer(arena.place(saved))
    object = try core.own(
      "opening the pipeline cache of \(core.info.name)", destroy: core.functions.destroyPipelineCache
    ) {
      core.functions.createPipelineCache($0, &info, nil, &$1)
    }
  }

  deinit { save() }

  /// Saves now and then, because many programs end without closing their device.
  func noteNewPipeline() {
    let isDue = state.withLock { state in
      state.isChanged = true
      return ContinuousClock.now - state.lastSave > .seconds(2)
    }
    if isDue { save() }
  }

  /// Writes the cache to disk if it holds anything new.
  func save() {
    let isChanged = state.withLock { state in
      let wasChanged = state.isChanged
      state.isChanged = false
      state.lastSave = .now
      return wasChanged
    }
    guard isChanged else { return }
    var count = 0
    guard core.functions.getPipelineCacheData(core.handle, handle, &count, nil) == VK_SUCCESS, count > 0 else { return }
    var bytes = [UInt8](repeating: 0, count: count)
    guard core.functions.getPipelineCacheData(core.handle, handle, &count, &bytes) == VK_SUCCESS else { return }
    cache.write(Array(bytes.prefix(count)), name, key: key)
  }
}
