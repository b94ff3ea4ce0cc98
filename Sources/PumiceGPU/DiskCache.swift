import Foundation
import Logging

/// Files that may vanish, be cut short or be damaged at any time without harm: a bad entry reads as none.
struct DiskCache: Sendable {
  let folder: String
  private static let logger = Logger(label: "pumice.gpu.cache")
  private static let magic: UInt64 = 0x3130_4843_4D55_50  // "PUMCH01"

  /// The folder that was asked for, else `$XDG_CACHE_HOME/pumice`, else `~/.cache/pumice`.
  init(folder: String?) {
    let environment = ProcessInfo.processInfo.environment
    if let folder {
      self.folder = folder
    } else if let base = environment["XDG_CACHE_HOME"], base.hasPrefix("/") {
      self.folder = base + "/pumice"
    } else {
      self.folder = NSHomeDirectory() + "/.cache/pumice"
    }
  }

  func path(_ name: String) -> String { folder + "/" + name }

  /// The payload of an entry, if it is whole and was written for this key.
  func read(_ name: String, key: UInt128) -> [UInt8]? {
    guard let data = FileManager.default.contents(atPath: path(name)) else { return nil }
    let header = 40
    guard data.count >= header else { return reject(name, "it is cut short") }
    func number(_ offset: Int) -> UInt64 {
      data.withUnsafeBytes { UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: UInt64.self)) }
    }
    guard number(0) == Self.magic else { return reject(name, "it is no cache entry") }
    guard UInt128(number(8)) << 64 | UInt128(number(16)) == key else {
      return reject(name, "it was made for another key")
    }
    guard number(24) == UInt64(data.count - header) else { return reject(name, "its length is wrong") }
    let payload = [UInt8](data.dropFirst(header))
    guard number(32) == UInt64(truncatingIfNeeded: Hash128(payload).value) else {
      return reject(name, "its checksum is wrong")
    }
    return payload
  }

  /// Writes an entry so that readers see all of it or none. A folder that cannot be written is only logged.
  func write(_ payload: [UInt8], _ name: String, key: UInt128) {
    var data = Data()
    let numbers = [
      Self.magic, UInt64(truncatingIfNeeded: key >> 64), UInt64(truncatingIfNeeded: key), UInt64(payload.count),
      UInt64(truncatingIfNeeded: Hash128(payload).value),
    ]
    for number in numbers { withUnsafeBytes(of: number.littleEndian) { data.append(contentsOf: $0) } }
    data.append(contentsOf: payload)
    let target = URL(fileURLWithPath: path(name))
    do {
      try FileManager.default.createDirectory(
        at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
      // Foundation writes to a temporary file and renames it.
      try data.write(to: target, options: .atomic)
    } catch {
      Self.logger.info("the cache entry \(path(name)) cannot be written: \(error)")
    }
  }

  private func reject(_ name: String, _ reason: String) -> [UInt8]? {
    Self.logger.info("the cache entry \(path(name)) is ignored: \(reason)")
    return nil
  }
}

/// FNV-1a with 128 bits: names cache entries and finds damage; no defence against forgery.
struct Hash128 {
  private(set) var value: UInt128 = 0x6C62_272E_07BB_0142_62B8_2175_6295_C58D
  private static let prime: UInt128 = 0x0000_0000_0100_0000_0000_0000_0000_013B

  init() {}

  init(_ bytes: [UInt8]) { add(bytes) }

  mutating func add(_ bytes: [UInt8]) {
    var hash = value
    bytes.withUnsafeBufferPointer { bytes in
      for byte in bytes { hash = (hash ^ UInt128(byte)) &* Self.prime }
    }
    value = hash
  }

  /// Adds a text and its length, so that neighbouring texts cannot run together.
  mutating func add(_ text: String) {
    let bytes = Array(text.utf8)
    add(bytes)
    withUnsafeBytes(of: UInt64(bytes.count).littleEndian) { add(Array($0)) }
  }

  /// 32 hexadecimal digits.
  var name: String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 32 - digits.count) + digits
  }
}
