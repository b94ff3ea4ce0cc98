import Foundation
public import PumiceGPU
public import PumiceOperators
import Synchronization

/// Variants that failed verification, by device, driver and shader text; they are not chosen until they pass.
///
/// The list is a JSON file in the cache folder. A file that cannot be read counts as empty and is replaced at the next
/// change; an empty list is safe, because `pumice verify` fills it again.
public final class Quarantine: Sendable {
  /// One variant that is not to be used.
  public struct Entry: Codable, Hashable, Sendable {
    public var device: String
    public var driver: String
    public var name: OperatorName
    public var variant: String
    public var shaderHash: String
    public var reason: String

    public init(device: String, driver: String, name: OperatorName, variant: String, shaderHash: String, reason: String)
    {
      self.device = device
      self.driver = driver
      self.name = name
      self.variant = variant
      self.shaderHash = shaderHash
      self.reason = reason
    }
  }

  private let path: String?
  private let stored: Mutex<[Entry]>

  /// The list kept in `folder`; without a folder one that lives in memory alone.
  public init(folder: String? = nil) {
    path = folder.map { "\($0)/quarantine.json" }
    var entries: [Entry] = []
    if let path, let data = FileManager.default.contents(atPath: path) {
      entries = (try? JSONDecoder().decode([Entry].self, from: data)) ?? []
    }
    stored = Mutex(entries)
  }

  /// All entries of this device and driver.
  public func entries(for device: DeviceInfo) -> [Entry] {
    stored.withLock { $0.filter { $0.device == device.deviceUUID && $0.driver == Self.driver(device) } }
  }

  /// The entry that keeps this variant from being chosen, if any.
  public func entry(_ name: OperatorName, variant: String, hash: String, device: DeviceInfo) -> Entry? {
    entries(for: device).first { $0.name == name && $0.variant == variant && $0.shaderHash == hash }
  }

  /// Puts a variant in quarantine, or takes it out when `reason` is nil.
  public func update(_ name: OperatorName, variant: String, hash: String, device: DeviceInfo, reason: String?) throws {
    let driver = Self.driver(device)
    let entries = stored.withLock { entries in
      // Any entry of the variant goes, whatever its hash: the shader has changed or the verdict is new.
      entries.removeAll {
        $0.device == device.deviceUUID && $0.driver == driver && $0.name == name && $0.variant == variant
      }
      if let reason {
        entries.append(
          Entry(
            device: device.deviceUUID, driver: driver, name: name, variant: variant, shaderHash: hash, reason: reason))
      }
      return entries
    }
    guard let path else { return }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    try FileManager.default.createDirectory(
      atPath: URL(fileURLWithPath: path).deletingLastPathComponent().path, withIntermediateDirectories: true)
    try encoder.encode(entries).write(to: URL(fileURLWithPath: path), options: .atomic)
  }

  /// The driver with its version, which decides what holds of a device.
  package static func driver(_ device: DeviceInfo) -> String {
    "\(device.driverName) \(device.driverInfo) \(device.driverVersion)"
  }
}
