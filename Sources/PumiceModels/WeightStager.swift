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
  private let parts: [WeightPart]
  private let encoding: WeightEncoding?
  private let condition = NSCondition()
  // All of these under the lock.
  private var started = 0
  private var taken = 0
  private var isStopped = false
  private var results: [Int: Result<[UInt8]?, any Error>] = [:]
  private var running = 0

  /// - Parameter parts: in the order in which they will be taken.
  init(_ tensors: ModelTensors, _ parts: [WeightPart], encodedIn encoding: WeightEncoding?) {
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
  ///
  /// - Parameter isKept: whether they stay in the format of the file.
  private func prepare(_ part: WeightPart, isKept: Bool = false) throws -> [UInt8]? {
    let stored = tensors.format(of: part.tensor)
    return try tensors.withBytes(of: part) { bytes in
      guard !isKept, let encoding, encoding.format != stored || encoding.isBalanced else {
        if part.liesTogether, tensors.isMapped(part.tensor) {
          Self.touch(bytes)
          return nil
        }
        return [UInt8](bytes)
      }
      do throws(QuantizationError) {
        return try encoding.encode(stored.decode(bytes, part.shape).map(Float.init), columns: part.shape.rowLength)
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
  ///
  /// - Parameter isKept: whether it stays in the format of the file; it must not be in that order then.
  func take<R>(
    _ part: WeightPart, isKept: Bool = false, _ body: (UnsafeRawBufferPointer) throws -> R
  ) throws -> R {
    condition.lock()
    let index = taken
    guard !isKept, index < parts.count, parts[index].isSame(as: part) else {
      condition.unlock()
      if let bytes = try prepare(part, isKept: isKept) { return try bytes.withUnsafeBytes(body) }
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

/// What is uploaded as one tensor.
enum WeightPart: Sendable {
  case matrix(MatrixPart)
  case experts(ExpertPart)

  var tensor: GGUFTensor {
    switch self {
    case .matrix(let part): part.tensor
    case .experts(let part): part.tensor
    }
  }

  private var rows: Range<Int> {
    switch self {
    case .matrix(let part): part.rows
    case .experts(let part): part.rows
    }
  }

  /// [rows of all experts, columns]
  var shape: Shape {
    switch self {
    case .matrix(let part): [part.rows.count, part.columns]
    case .experts(let part): [part.experts * part.rows.count, part.columns]
    }
  }

  /// Whether its bytes lie in the file one after the other.
  var liesTogether: Bool {
    switch self {
    case .matrix: true
    case .experts(let part): part.rows.count == part.allRows
    }
  }

  func isSame(as other: WeightPart) -> Bool { tensor.name == other.tensor.name && rows == other.rows }
}

extension ModelTensors {
  fileprivate func withBytes<R>(of part: WeightPart, _ body: (UnsafeRawBufferPointer) throws -> R) throws -> R {
    switch part {
    case .matrix(let part): try withBytes(of: part, body)
    case .experts(let part): try withBytes(of: part, body)
    }
  }

  fileprivate func withCheckedBytes<R>(
    of part: WeightPart, _ body: (UnsafeRawBufferPointer) throws -> R
  ) rethrows -> R {
    switch part {
    case .matrix(let part): try withCheckedBytes(of: part, body)
    case .experts(let part): try withCheckedBytes(of: part, body)
    }
  }
}
