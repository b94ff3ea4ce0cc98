import Foundation

/// The memory of the machine.
enum HostMemory {
  /// Bytes that programs can still be given, caches of files included; read from `/proc/meminfo`.
  static var available: Int {
    guard let text = try? String(contentsOfFile: "/proc/meminfo", encoding: .utf8),
      let line = text.split(separator: "\n").first(where: { $0.hasPrefix("MemAvailable:") }),
      let kibibytes = line.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
    else { return Int(clamping: ProcessInfo.processInfo.physicalMemory) }
    return kibibytes * 1024
  }
}
