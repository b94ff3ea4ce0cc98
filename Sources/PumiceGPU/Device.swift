import CVulkan
import Synchronization

/// A GPU, opened. Buffers, pipelines and command lists are made from it; that is safe from several threads.
public final class Device: Sendable {
  let core: DeviceCore
  let queue: CommandQueue
  let pool: MemoryPool
  let transfers: TransferEngine
  private let pipelineCache: PipelineCache
  private let pipelines = Mutex<[PipelineDescription: Pipeline]>([:])
  public let compiler: ShaderCompiler
  /// The folder of what is kept between runs.
  public let cacheFolder: String

  /// What the device is and can do.
  public var info: DeviceInfo { core.info }
  /// How it was opened.
  public var options: DeviceOptions { core.options }

  /// All devices, best first: discrete, integrated, virtual, CPU. Empty if there is no driver, or none with a device;
  /// those that this package cannot use carry the reason.
  ///
  /// - Throws: `noLoader` if the Vulkan loader is missing.
  public static func list(_ options: DeviceOptions = .fromEnvironment()) throws(GPUError) -> [DeviceInfo] {
    try options.checkSettings()
    do {
      return try Instance(validation: options.validation, loader: .shared).devices().map(\.info)
    } catch {
      if error.code == .noDriver { return [] }
      throw error
    }
  }

  /// Opens a device.
  ///
  /// - Parameters:
  ///   - selector: an index of `list`, or part of a name in any case; nil stands for the option's selector, then
  ///     `PUMICE_DEVICE`, then the best device that can be used.
  /// - Throws: `noLoader`, `noDriver`, `deviceNotFound`, `unsupportedDevice`, `validation` if the layer is missing.
  public static func open(
    _ selector: String? = nil, options: DeviceOptions = .fromEnvironment()
  ) throws(GPUError) -> Device {
    try open(selector, options) { _ in }
  }

  /// As `open`; `adjust` may replace functions of the driver, so that tests can see what happens when they fail.
  static func open(
    _ selector: String?, _ options: DeviceOptions, adjust: (inout DeviceFunctions) -> Void
  ) throws(GPUError) -> Device {
    try options.checkSettings()
    let instance = try Instance(validation: options.validation, loader: .shared)
    let devices = try instance.devices()
    guard !devices.isEmpty else {
      throw GPUError(
        code: .noDriver, operation: "looking for a Vulkan device",
        detail:
          "the installed drivers offer none\(instance.messages.loaderComplaint); install the driver of the GPU, or mesa-vulkan-drivers for the "
          + "software driver lavapipe")
    }
    let wanted = selector ?? options.selector ?? DeviceOptions.fromEnvironment().selector
    return try Device(instance, try choose(wanted, devices), options, adjust)
  }

  static func choose(_ selector: String?, _ devices: [PhysicalDevice]) throws(GPUError) -> PhysicalDevice {
    guard let selector, !selector.isEmpty else {
      return devices.first { $0.info.unsupportedReason == nil } ?? devices[0]
    }
    if let index = Int(selector), devices.indices.contains(index) { return devices[index] }
    if Int(selector) == nil,
      let found = devices.first(where: { $0.info.name.lowercased().contains(selector.lowercased()) })
    {
      return found
    }
    let names = devices.map { "\($0.info.index): \($0.info.name)" }.joined(separator: ", ")
    throw GPUError(
      code: .deviceNotFound, operation: "looking for the device \(selector)", detail: "there are \(names)")
  }

  private init(
    _ instance: Instance, _ physical: PhysicalDevice, _ options: DeviceOptions,
    _ adjust: (inout DeviceFunctions) -> Void
  ) throws(GPUError) {
    core = try DeviceCore(instance, physical, options, adjust)
    queue = try CommandQueue(core)
    pool = try MemoryPool(core)
    transfers = TransferEngine(queue, pool)
    let cache = DiskCache(folder: options.cacheFolder)
    cacheFolder = cache.folder
    compiler = try ShaderCompiler(choice: options.shaderCompiler, cache: cache)
    pipelineCache = try PipelineCache(core, cache)
  }

  deinit { queue.close() }

  /// Makes a buffer. Its contents are undefined.
  ///
  /// - Parameters:
  ///   - byteCount: size in bytes, at least one.
  ///   - label: what it is for; errors name it.
  /// - Throws: `outOfDeviceMemory` that says how much was asked for, is in use and is available; `invalidArgument`.
  public func makeBuffer(
    byteCount: Int, memory: MemoryKind = .device, label: String
  ) throws(GPUError) -> Buffer {
    let gap = max(0, options.guardGap ?? 0)
    let allocation: Allocation
    do {
      allocation = try pool.allocate(byteCount: byteCount, gap: gap, kind: memory, label: label)
    } catch {
      guard error.code == .outOfDeviceMemory else { throw error }
      // Finished submissions may still hold buffers, and the pool empty blocks.
      queue.collect()
      pool.trim()
      allocation = try pool.allocate(byteCount: byteCount, gap: gap, kind: memory, label: label)
    }
    return try Buffer(
      byteCount: byteCount, memory: memory, label: label, allocation: allocation, transfers: transfers,
      guarded: gap > 0)
  }

  /// The pipeline of a description: made once, then kept as long as the device.
  ///
  /// - Throws: `shaderCompilation` with file and line, `noShaderCompiler`, `unsupportedShader` with what the device
  ///   lacks, `invalidArgument` if shader and description contradict each other.
  public func pipeline(_ description: PipelineDescription) throws(GPUError) -> Pipeline {
    if let made = pipelines.withLock({ $0[description] }) { return made }
    let pipeline = try Pipeline(description, core, compiler, pipelineCache)
    return pipelines.withLock { pipelines in
      // Another thread may have been faster.
      if let made = pipelines[description] { return made }
      pipelines[description] = pipeline
      return pipeline
    }
  }

  /// Begins a list of commands.
  public func makeCommandList(label: String) throws(GPUError) -> CommandList {
    try CommandList(self, label: label)
  }

  /// Bytes of all living buffers, with the gaps between them and what copies are staged in.
  public var memoryInUse: Int { pool.bytesInUse }
  /// Bytes that the driver has given to this device's buffers, used or not.
  public var memoryReserved: Int { pool.bytesReserved }
  /// Bytes that this process may use of the device's memory, as the driver says now.
  public var memoryBudget: Int { pool.budget.limit }

  /// What the validation layer and the guard gaps found so far.
  public var validationMessages: [String] { core.messages.validationMessages }

  /// Waits for everything that was submitted.
  ///
  /// - Throws: `deviceLost`.
  public func waitUntilIdle() throws(GPUError) {
    try transfers.flush()
    try queue.wait(for: queue.submitted, timeout: nil, "all work")
  }

  /// Writes new pipelines to the disk cache; that also happens by itself now and then, and when the device is closed.
  public func savePipelineCache() { pipelineCache.save() }
}
