/// Bytes that the device can work on. They are given back when neither the program nor a submission uses them.
///
/// Writing and reading must not race with a submission that uses the same bytes.
public final class Buffer: Sendable {
  /// Size in bytes.
  public let byteCount: Int
  public let memory: MemoryKind
  /// What the buffer is for; errors name it.
  public let label: String
  let allocation: Allocation
  private let transfers: TransferEngine
  private let guarded: Bool

  private static let guardPattern: UInt8 = 0xA5

  init(
    byteCount: Int, memory: MemoryKind, label: String, allocation: Allocation, transfers: TransferEngine, guarded: Bool
  ) throws(GPUError) {
    self.byteCount = byteCount
    self.memory = memory
    self.label = label
    self.allocation = allocation
    self.transfers = transfers
    self.guarded = guarded
    if guarded { try writeGuard() }
  }

  deinit {
    if guarded { checkGuard() }
  }

  /// Address of the first byte on the device.
  public var address: UInt64 { allocation.address }

  var deviceCore: DeviceCore { transfers.queue.core }

  /// The whole buffer.
  public var whole: BufferSlice { BufferSlice(buffer: self, offset: 0, byteCount: byteCount) }

  /// A part of the buffer.
  ///
  /// - Throws: `outOfBounds` unless at least one byte, and only bytes of this buffer, are asked for.
  public func slice(offset: Int, byteCount: Int) throws(GPUError) -> BufferSlice {
    try checkRange(offset, byteCount, "slicing")
    guard byteCount > 0 else {
      throw GPUError(
        code: .outOfBounds, operation: "slicing buffer \(label)", detail: "an empty slice at byte \(offset)")
    }
    return BufferSlice(buffer: self, offset: offset, byteCount: byteCount)
  }

  /// Copies values into the buffer, beginning at a byte offset. Returns when `values` may be changed again; commands
  /// submitted later see them.
  ///
  /// - Throws: `outOfBounds`; `deviceLost` or `outOfDeviceMemory` from a staged copy.
  public func write<T: BitwiseCopyable>(_ values: [T], at byteOffset: Int = 0) throws(GPUError) {
    var failure: GPUError?
    values.withUnsafeBytes { bytes in
      do throws(GPUError) { try write(bytes: bytes, at: byteOffset) } catch { failure = error }
    }
    if let failure { throw failure }
  }

  /// Copies raw bytes into the buffer; as `write(_:at:)`.
  public func write(bytes: UnsafeRawBufferPointer, at byteOffset: Int = 0) throws(GPUError) {
    try checkRange(byteOffset, bytes.count, "writing to")
    guard let source = bytes.baseAddress, bytes.count > 0 else { return }
    if let mapped = allocation.mapped {
      (mapped + byteOffset).copyMemory(from: source, byteCount: bytes.count)
    } else {
      try transfers.write(bytes, to: allocation, at: byteOffset)
    }
  }

  /// Copies values out of the buffer. Commands must have been waited for.
  ///
  /// - Throws: `outOfBounds`; `deviceLost` or `outOfDeviceMemory` from a staged copy.
  public func read<T: BitwiseCopyable>(_ type: T.Type, count: Int, at byteOffset: Int = 0) throws(GPUError) -> [T] {
    guard count >= 0, count <= Int.max / max(1, MemoryLayout<T>.stride) else {
      throw GPUError(code: .outOfBounds, operation: "reading buffer \(label)", detail: "a count of \(count)")
    }
    try checkRange(byteOffset, count * MemoryLayout<T>.stride, "reading")
    var failure: GPUError?
    let values = [T](unsafeUninitializedCapacity: count) { storage, filled in
      do throws(GPUError) {
        try read(into: UnsafeMutableRawBufferPointer(storage), at: byteOffset)
        filled = count
      } catch { failure = error }
    }
    if let failure { throw failure }
    return values
  }

  /// Copies bytes out of the buffer into memory of the caller; as `read(_:count:at:)`.
  public func read(into bytes: UnsafeMutableRawBufferPointer, at byteOffset: Int = 0) throws(GPUError) {
    try checkRange(byteOffset, bytes.count, "reading")
    guard let target = bytes.baseAddress, bytes.count > 0 else { return }
    if let mapped = allocation.mapped {
      target.copyMemory(from: mapped + byteOffset, byteCount: bytes.count)
    } else {
      try transfers.read(from: allocation, at: byteOffset, into: bytes)
    }
  }

  /// Sets every 32-bit word of a range, by default of the whole buffer, to `word`.
  ///
  /// - Throws: `outOfBounds`; `invalidArgument` unless offset and length are multiples of 4.
  public func fill(word: UInt32, at byteOffset: Int = 0, byteCount: Int? = nil) throws(GPUError) {
    let count = byteCount ?? self.byteCount - byteOffset
    try checkRange(byteOffset, count, "filling")
    guard byteOffset % 4 == 0, count % 4 == 0 else {
      throw GPUError(
        code: .invalidArgument, operation: "filling buffer \(label)",
        detail: "offset \(byteOffset) and length \(count) must be multiples of 4")
    }
    if count == 0 { return }
    if let mapped = allocation.mapped {
      let words = (mapped + byteOffset).bindMemory(to: UInt32.self, capacity: count / 4)
      words.update(repeating: word, count: count / 4)
    } else {
      try transfers.fill(allocation, at: byteOffset, byteCount: count, word: word)
    }
  }

  private func checkRange(_ offset: Int, _ count: Int, _ doing: String) throws(GPUError) {
    guard offset >= 0, count >= 0, offset <= byteCount, count <= byteCount - offset else {
      throw GPUError(
        code: .outOfBounds, operation: "\(doing) buffer \(label)",
        detail: "\(count) bytes at byte \(offset) of \(byteCount)")
    }
  }

  // MARK: Guard gap

  private var guardCount: Int { allocation.range.count - byteCount }

  private func writeGuard() throws(GPUError) {
    if let mapped = allocation.mapped {
      (mapped + byteCount).initializeMemory(as: UInt8.self, repeating: Self.guardPattern, count: guardCount)
      return
    }
    let pattern = [UInt8](repeating: Self.guardPattern, count: guardCount)
    var failure: GPUError?
    pattern.withUnsafeBytes { bytes in
      do throws(GPUError) { try transfers.write(bytes, to: allocation, at: byteCount) } catch { failure = error }
    }
    if let failure { throw failure }
  }

  private func checkGuard() {
    var bytes = [UInt8](repeating: 0, count: guardCount)
    if let mapped = allocation.mapped {
      bytes.withUnsafeMutableBytes { $0.baseAddress!.copyMemory(from: mapped + byteCount, byteCount: guardCount) }
    } else {
      // After a lost device there is nothing left to check.
      let wasRead = bytes.withUnsafeMutableBytes {
        (try? transfers.read(from: allocation, at: byteCount, into: $0)) != nil
      }
      guard wasRead else { return }
    }
    if let first = bytes.firstIndex(where: { $0 != Self.guardPattern }) {
      let count = bytes.count { $0 != Self.guardPattern }
      deviceCore.messages.reportFault(
        "buffer \(label) (\(byteCount) bytes): \(count) bytes past its end were overwritten, the first at offset "
          + "\(byteCount + first)")
    }
  }
}

/// A part of a buffer, or all of it.
public struct BufferSlice: Sendable {
  public let buffer: Buffer
  /// First byte in the buffer.
  public let offset: Int
  /// Length in bytes.
  public let byteCount: Int

  /// Address of the first byte on the device.
  public var address: UInt64 { buffer.address + UInt64(offset) }

  /// Position of the bytes in their memory block.
  var range: Range<Int> {
    let start = buffer.allocation.range.lowerBound + offset
    return start..<start + byteCount
  }
}
