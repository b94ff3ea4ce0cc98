import Foundation
import Testing

@testable import PumiceHub

/// A hub on this machine, and a cache beside it: `hub_server.py` with a folder of repositories.
final class LocalHub {
  static let commit = "0123456789abcdef0123456789abcdef01234567"

  let folder: URL
  private let process = Process()
  private let input = Pipe()
  private let output = Pipe()
  private let port: Int
  private let log: URL

  init(_ files: [String: Data]) throws {
    folder = FileManager.default.temporaryDirectory.appendingPathComponent("pumice-hub-\(UUID().uuidString)")
    for (path, data) in files {
      let url = folder.appendingPathComponent("repositories/test/\(path)")
      try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      try data.write(to: url)
    }
    log = folder.appendingPathComponent("requests")
    try Data().write(to: log)
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [
      "python3",
      URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("hub_server.py").path,
      folder.appendingPathComponent("repositories").path,
    ]
    process.standardInput = input
    process.standardOutput = try FileHandle(forWritingTo: log)
    try process.run()
    let limit = ContinuousClock.now + .seconds(30)
    var first: Int?
    while first == nil, ContinuousClock.now < limit, process.isRunning {
      usleep(5000)
      first = try String(contentsOf: log, encoding: .utf8).split(separator: "\n").first.flatMap { Int($0) }
    }
    port = try #require(first, "the server does not start")
  }

  deinit {
    try? input.fileHandleForWriting.close()
    process.waitUntilExit()
    try? FileManager.default.removeItem(at: folder)
  }

  /// - Parameter environment: more variables.
  func settings(_ environment: [String: String] = [:]) throws -> HubSettings {
    var settings = try HubSettings(
      environment: ["HF_ENDPOINT": "http://127.0.0.1:\(port)", "HF_HOME": folder.path].merging(environment) { $1 })
    settings.pause = 0.01
    settings.timeout = 2
    return settings
  }

  func pull(_ text: String, _ environment: [String: String] = [:]) throws -> HubModel {
    try HubModel.pull(try HubReference(text), try settings(environment))
  }

  /// What happens to the next requests: see `hub_server.py`.
  func plan(_ faults: [String]) throws {
    try faults.map { $0 + "\n" }.joined().write(
      to: folder.appendingPathComponent("repositories/faults"), atomically: true, encoding: .utf8)
  }

  /// The requests so far: method, host, path, token, range.
  func requests() throws -> [[String]] {
    try String(contentsOf: log, encoding: .utf8).split(separator: "\n").dropFirst()
      .map { $0.split(separator: " ").map(String.init) }
  }

  /// Of a file of the cache.
  func cached(_ path: String) -> URL { folder.appendingPathComponent("hub/\(path)") }
}
