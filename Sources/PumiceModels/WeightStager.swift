import Foundation
import PumiceModelFiles
import PumiceQuantization
import PumiceReference
import PumiceTensors

/// Prepares the bytes of a model's matrices on several threads, a few ahead of the one that copies them to the device: reads
/// them from disk, checks their blocks, puts rows in order or encodes them.
///
/// A file is mapped, so that reading is done by whoever touches a page first; on several threads the disk has several requests.
final class WeightStager: @unchecked Sendable {
  /// Matrices that may be ready and not taken. Those that were changed are copies, so this bounds the memory.
  private let ahead: Int
  private let tensors: ModelTensors
  private let parts: [MatrixPart]
  private let encoding: WeightEncoding?
  private let condition = NSCondition()
  // All of these under the lock.
  private var started = 0
  private var taken = 0
  private var isStopped = false
  private var results: [Int: Result<[UInt8]?, any Error>] = [:]
  private var running = 0

  /// - Parameter parts: in the order in which they will be taken.
  init(_ tensors: ModelTensors, _ parts: [MatrixPart], encodedIn encoding: WeightEncoding?) {
    self.tensors = tensors
    self.parts = parts
    self.encoding = encoding
    let workers = max(1, min(8, ProcessInfo.processInfo.activeProcessorCount))
    ahead = workers + 1
    running = workers
    for _ in 0..<workers {
      let thread = Thread { [self] in work() }
      thread.stackSize = 1 << 20
      thread.start()
    }
  }

  /// Ends the threads, and waits until they touch nothing any more.
  func stop() {
    condition.lock()
    isStopped = true
    condition.broadcast()
    while running > 0 { condition.wait() }
    condition.unlock()
  }

  private func work() {
    condition.lock()
    while true {
      while !isStopped, started < parts.count, started >= taken + ahead { condition.wait() }
      if isStopped || started == parts.count { break }
      let index = started
      started += 1
      condition.unlock()
      let result = Result { try prepare(parts[index]) }
      condition.lock()
      results[index] = result
      condition.broadcast()
    }
    running -= 1
    condition.broadcast()
    condition.unlock()
  }

  /// The bytes to copy; nil where they are those of the file.
  private func prepare(_ part: MatrixPart) throws -> [UInt8]? {
    let stored = tensors.format(of: part.tensor)
    return try tensors.withBytes(of: part) { bytes in
      guard let encoding, encoding.format != stored || encoding.isBalanced else {
        if tensors.isMapped(part.tensor) {
          Self.touch(bytes)
          return nil
        }
        return [UInt8](bytes)
      }
      do throws(QuantizationError) {
        let shape: Shape = [part.rows.count, part.columns]
        return try encoding.encode(stored.decode(bytes, shape).map(Float.init), columns: part.columns)
      } catch {
        throw error.about(part.tensor.name)
      }
    }
  }

  /// Reads a byte of every page.
  private static func touch(_ bytes: UnsafeRawBufferPointer) {
    var sum: UInt8 = 0
    for offset in stride(from: 0, to: bytes.count, by: 4096) { sum ^= bytes[offset] }
    withExtendedLifetime(sum) {}
  }

  /// Runs `body` on the prepared bytes of a matrix. One that is not the next in the order that was given is prepared now.
  func take<R>(_ part: MatrixPart, _ body: (UnsafeRawBufferPointer) throws -> R) throws -> R {
    condition.lock()
    let index = taken
    guard index < parts.count, parts[index].tensor.name == part.tensor.name, parts[index].rows == part.rows else {
      condition.unlock()
      if let bytes = try prepare(part) { return try bytes.withUnsafeBytes(body) }
      return try tensors.withCheckedBytes(of: part, body)
    }
    while results[index] == nil { condition.wait() }
    let result = results.removeValue(forKey: index)!
    taken += 1
    condition.broadcast()
    condition.unlock()
    if let bytes = try result.get() { return try bytes.withUnsafeBytes(body) }
    return try tensors.withCheckedBytes(of: part, body)
  }
}
