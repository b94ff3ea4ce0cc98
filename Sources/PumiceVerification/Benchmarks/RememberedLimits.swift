import Foundation
public import PumiceGPU
import PumiceKernels

extension DeviceLimits {
  /// The limits of one device with one driver, as they were measured.
  private struct Entry: Codable {
    var device: String
    var driver: String
    var limits: DeviceLimits
  }

  /// What was measured of this device and driver before; else measures it, and remembers it in the device's cache folder.
  ///
  /// Good for estimates. Whoever reports measurements as shares of the limits measures both at the same time.
  /// - Throws: as `measure`.
  public static func remembered(_ device: Device) throws -> DeviceLimits {
    let info = device.info, driver = Quarantine.driver(info)
    let path = "\(device.cacheFolder)/limits.json"
    let stored =
      FileManager.default.contents(atPath: path).flatMap { try? JSONDecoder().decode([Entry].self, from: $0) } ?? []
    func isSame(_ entry: Entry) -> Bool { entry.device == info.deviceUUID && entry.driver == driver }
    if let entry = stored.first(where: isSame) { return entry.limits }
    let limits = try measure(device)
    let entries = stored.filter { !isSame($0) } + [Entry(device: info.deviceUUID, driver: driver, limits: limits)]
    // What cannot be kept is measured again.
    try? JSONEncoder().encode(entries).write(to: URL(fileURLWithPath: path), options: .atomic)
    return limits
  }
}
