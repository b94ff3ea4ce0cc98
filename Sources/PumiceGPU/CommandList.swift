import CVulkan

/// Commands for the device, recorded once and submitted as often as wanted. Used by one thread at a time.
///
/// Barriers are put where two commands touch the same bytes and one of them writes. The first submission ends the
/// recording.
public final class CommandList {
  public let label: String
  private let device: Device
  private let work: RecordedWork
  private var tracker = HazardTracker()
  private var pieces: [CommandPiece] = []
  private var current: OpaquePointer?
  private var boundPipeline: Pipeline?
  private var isClosed = false
  private var descriptors: DescriptorSource
  private var timestamps: TimestampPools?
  /// Barriers between commands, without those that begin and end the list.
  public private(set) var barrierCount = 0
  public private(set) var dispatchCount = 0
  /// Cost in FLOP at which another submission is begun.
  var costLimit: Double
  /// For tests alone: without it, no barriers come between commands.
  var tracksHazards = true

  init(_ device: Device, label: String) throws(GPUError) {
    self.label = label
    self.device = device
    work = try RecordedWork(device.core, "making the command list \(label)")
    descriptors = DescriptorSource(device.core)
    costLimit = Self.costLimit(device.info.kind)
  }

  private var core: DeviceCore { device.core }

  /// What a slow device of each kind surely does within a second; drivers kill work that takes several.
  private static func costLimit(_ kind: DeviceKind) -> Double {
    switch kind {
    case .discrete: 5e11
    case .integrated, .virtual: 5e10
    case .cpu, .other: 4e9
    }
  }

  /// Pieces in which the list is submitted.
  var pieceCount: Int { pieces.count }

  /// Records one dispatch.
  ///
  /// - Parameters:
  ///   - buffers: what the shader's buffers are, in order, and what it does with them.
  ///   - constants: the push constants after the addresses.
  ///   - groups: workgroups in x, y and z; with a zero nothing is recorded.
  ///   - label: names the dispatch if the device is lost.
  ///   - cost: work in FLOP; a list of much work is submitted in pieces that no driver's watchdog kills.
  /// - Throws: `invalidArgument` if this contradicts the pipeline or exceeds the device's limits.
  public func dispatch(
    _ pipeline: Pipeline, buffers: [(BufferSlice, Access)], constants: [UInt32] = [], groups: (Int, Int, Int),
    label: String, cost: Double = 0
  ) throws(GPUError) {
    let operation = "recording \(label) in \(self.label)"
    try checkDispatch(pipeline, buffers, constants, groups, operation)
    if groups.0 == 0 || groups.1 == 0 || groups.2 == 0 { return }
    let buffer = try open(cost: cost, operation)
    barrier(
      buffer,
      before: buffers.map { HazardTracker.Use(block: $0.buffer.allocation.block.id, range: $0.range, access: $1) })
    if boundPipeline !== pipeline {
      core.functions.bindPipeline(buffer, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline.object.handle)
      boundPipeline = pipeline
    }
    var words: [UInt32] = []
    words.reserveCapacity(buffers.count * 2 + constants.count)
    switch pipeline.binding {
    case .addresses:
      for (slice, _) in buffers {
        words.append(UInt32(truncatingIfNeeded: slice.address))
        words.append(UInt32(truncatingIfNeeded: slice.address >> 32))
      }
    case .descriptors:
      if !buffers.isEmpty { try descriptors.bind(buffers.map(\.0), for: pipeline, in: buffer, work, operation) }
    }
    words += constants
    if !words.isEmpty {
      core.functions.pushConstants(
        buffer, pipeline.layout.handle, VK_SHADER_STAGE_COMPUTE_BIT.rawValue, 0, UInt32(words.count * 4), words)
    }
    core.functions.dispatch(buffer, UInt32(groups.0), UInt32(groups.1), UInt32(groups.2))
    work.retain(pipeline)
    for (slice, _) in buffers { work.retain(slice.buffer) }
    dispatchCount += 1
    pieces[pieces.count - 1].add(label, cost: cost)
  }

  /// Records a copy between two slices of the same length that do not overlap.
  public func copy(from source: BufferSlice, to target: BufferSlice) throws(GPUError) {
    let operation = "recording a copy from \(source.buffer.label) to \(target.buffer.label) in \(label)"
    try checkOwner(source, operation)
    try checkOwner(target, operation)
    let sameBlock = source.buffer.allocation.block === target.buffer.allocation.block
    guard source.byteCount == target.byteCount, !(sameBlock && source.range.overlaps(target.range)) else {
      throw GPUError(
        code: .invalidArgument, operation: operation,
        detail: source.byteCount == target.byteCount
          ? "the two overlap" : "\(source.byteCount) bytes do not fit \(target.byteCount)")
    }
    let buffer = try open(cost: 0, operation)
    let (from, to) = (source.buffer.allocation.block, target.buffer.allocation.block)
    barrier(
      buffer,
      before: [
        HazardTracker.Use(block: from.id, range: source.range, access: .read),
        HazardTracker.Use(block: to.id, range: target.range, access: .write),
      ])
    var region = VkBufferCopy(
      srcOffset: VkDeviceSize(source.range.lowerBound), dstOffset: VkDeviceSize(target.range.lowerBound),
      size: VkDeviceSize(source.byteCount))
    core.functions.copyBuffer(buffer, from.buffer.handle, to.buffer.handle, 1, &region)
    work.retain(source.buffer)
    work.retain(target.buffer)
    pieces[pieces.count - 1].add("copy to \(target.buffer.label)", cost: 0)
  }

  /// Records that every 32-bit word of a slice becomes `word`; offset and length are multiples of 4.
  public func fill(_ slice: BufferSlice, word: UInt32) throws(GPUError) {
    let operation = "recording a fill of \(slice.buffer.label) in \(label)"
    try checkOwner(slice, operation)
    guard slice.offset % 4 == 0, slice.byteCount % 4 == 0 else {
      throw GPUError(
        code: .invalidArgument, operation: operation,
        detail: "offset \(slice.offset) and length \(slice.byteCount) must be multiples of 4")
    }
    let buffer = try open(cost: 0, operation)
    let block = slice.buffer.allocation.block
    barrier(buffer, before: [HazardTracker.Use(block: block.id, range: slice.range, access: .write)])
    core.functions.fillBuffer(
      buffer, block.buffer.handle, VkDeviceSize(slice.range.lowerBound), VkDeviceSize(slice.byteCount), word)
    work.retain(slice.buffer)
    pieces[pieces.count - 1].add("fill of \(slice.buffer.label)", cost: 0)
  }

  /// Records a timestamp: the time when all commands before it are done. Returns its index in
  /// `Submission.timestamps()`.
  ///
  /// - Throws: `unsupportedDevice` if the device has none.
  public func timestamp(_ label: String) throws(GPUError) -> Int {
    let operation = "recording the timestamp \(label) in \(self.label)"
    guard device.info.timestampBits > 0 else {
      throw GPUError(code: .unsupportedDevice, operation: operation, detail: "\(device.info.name) has no timestamps")
    }
    let buffer = try open(cost: 0, operation)
    if timestamps == nil {
      let pools = TimestampPools(core)
      work.retain(pools)
      timestamps = pools
    }
    return try timestamps!.record(label, in: buffer, operation)
  }

  // MARK: Recording

  private func checkDispatch(
    _ pipeline: Pipeline, _ buffers: [(BufferSlice, Access)], _ constants: [UInt32], _ groups: (Int, Int, Int),
    _ operation: String
  ) throws(GPUError) {
    func invalid(_ detail: String) -> GPUError {
      GPUError(code: .invalidArgument, operation: operation, detail: detail)
    }
    guard pipeline.core === core else { throw invalid("the pipeline belongs to another device") }
    let description = pipeline.description
    guard buffers.count == description.bufferCount, constants.count * 4 == description.constantBytes else {
      throw invalid(
        "\(description.source.name) takes \(description.bufferCount) buffers and \(description.constantBytes) bytes of "
          + "constants, not \(buffers.count) and \(constants.count * 4)")
    }
    for (axis, count) in [groups.0, groups.1, groups.2].enumerated() {
      guard count >= 0, count <= device.info.maxWorkgroupCount[axis] else {
        throw invalid(
          "\(count) workgroups along axis \(axis), and the device takes \(device.info.maxWorkgroupCount[axis])")
      }
    }
    for (slice, _) in buffers {
      try checkOwner(slice, operation)
      guard slice.offset % 4 == 0 else {
        throw invalid("buffer \(slice.buffer.label) is bound at byte \(slice.offset)")
      }
      if pipeline.binding == .descriptors {
        guard slice.offset % device.info.storageBufferAlignment == 0 else {
          throw invalid(
            "buffer \(slice.buffer.label) is bound at byte \(slice.offset), and descriptors need multiples of "
              + "\(device.info.storageBufferAlignment)")
        }
        guard slice.byteCount <= device.info.maxStorageBufferRange else {
          throw invalid(
            "\(slice.byteCount) bytes of buffer \(slice.buffer.label) are bound, and descriptors reach "
              + "\(device.info.maxStorageBufferRange)")
        }
      }
    }
  }

  private func checkOwner(_ slice: BufferSlice, _ operation: String) throws(GPUError) {
    guard slice.buffer.deviceCore === core else {
      throw GPUError(
        code: .invalidArgument, operation: operation, detail: "buffer \(slice.buffer.label) belongs to another device")
    }
  }

  /// The command buffer that the next command goes to; a new one if that would become too much work.
  private func open(cost: Double, _ operation: String) throws(GPUError) -> OpaquePointer {
    guard !isClosed else {
      throw GPUError(
        code: .invalidArgument, operation: operation, detail: "the list has been submitted and takes no more commands")
    }
    if let current {
      guard let last = pieces.last, last.cost > 0, cost > 0, last.cost + cost > costLimit else { return current }
      try core.finish(current, operation)
    }
    let buffer = try work.begin(operation)
    pieces.append(CommandPiece(buffer: buffer))
    current = buffer
    boundPipeline = nil
    // Whatever ran before, another list or this one's last replay, is done and visible from here on.
    core.recordBarrier(buffer)
    tracker.clear()
    return buffer
  }

  private func barrier(_ buffer: OpaquePointer, before uses: [HazardTracker.Use]) {
    let conflicts = tracker.needsBarrier(before: uses) && tracksHazards
    guard conflicts || core.options.barrierEverywhere else { return }
    core.recordBarrier(buffer)
    barrierCount += 1
    if !conflicts { tracker.clear() }
  }

  // MARK: Submission

  /// Hands the list to the device. It may be submitted again at once; submissions run in order.
  ///
  /// - Throws: `deviceLost`, `outOfDeviceMemory`, `outOfHostMemory`.
  @discardableResult
  public func submit() throws(GPUError) -> Submission {
    let operation = "submitting \(label)"
    if !isClosed {
      let buffer = try open(cost: 0, operation)
      try core.finish(buffer, operation)
      isClosed = true
      current = nil
      for index in pieces.indices { pieces[index].close(label, index, of: pieces.count) }
    }
    try device.transfers.flush()
    var value: UInt64 = 0
    for piece in pieces { value = try device.queue.submit(piece.buffer, label: piece.name, keeping: work) }
    device.queue.collect()
    return Submission(queue: device.queue, value: value, label: label, timestampPools: timestamps)
  }

  /// Submits the list and waits until the device has finished it.
  public func run() throws(GPUError) {
    try submit().wait()
  }
}
