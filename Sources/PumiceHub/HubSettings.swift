public import Foundation

/// Which hub is asked, and where what it gives is kept: the environment variables of Hugging Face's own tools, so that both
/// share one cache.
///
/// | variable | meaning |
/// | --- | --- |
/// | `HF_ENDPOINT` | the hub's address |
/// | `HF_TOKEN`, else the file `HF_TOKEN_PATH`, else `$HF_HOME/token` | what it is asked with |
/// | `HF_HUB_CACHE`, else `$HF_HOME/hub` | the cache |
/// | `HF_HOME`, else `$XDG_CACHE_HOME/huggingface`, else `~/.cache/huggingface` | |
/// | `HF_HUB_OFFLINE` | 1: use the cache alone |
/// | `HF_HUB_DOWNLOAD_TIMEOUT` | seconds without a byte after which a connection is given up; 10 by default |
///
/// Source: the documentation of `huggingface_hub`, "Environment variables".
public struct HubSettings: Sendable {
  public var endpoint: URL
  public var token: String?
  public var cache: URL
  public var isOffline: Bool
  /// Seconds.
  public var timeout: Double
  /// How often a file that breaks off is gone on with, without a byte between, before it is given up.
  public var attempts = 5
  /// Seconds before the second attempt; twice as many before each further one.
  public var pause = 1.0

  public static let defaultEndpoint = "https://huggingface.co"

  /// - Throws: `HubError.Code.invalidSetting` for a value that means nothing.
  public init(environment: [String: String] = ProcessInfo.processInfo.environment) throws(HubError) {
    func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
    func folder(_ path: String) -> URL {
      URL(fileURLWithPath: NSString(string: path).expandingTildeInPath, isDirectory: true)
    }
    let address = value("HF_ENDPOINT") ?? Self.defaultEndpoint
    guard let endpoint = URL(string: address), ["http", "https"].contains(endpoint.scheme?.lowercased()),
      endpoint.host?.isEmpty == false
    else {
      throw HubError(
        .invalidSetting, "HF_ENDPOINT", "“\(address)” is no address of a hub, such as \(Self.defaultEndpoint)")
    }
    self.endpoint = endpoint
    let home =
      value("HF_HOME").map(folder)
      ?? (value("XDG_CACHE_HOME").map(folder) ?? folder(NSHomeDirectory() + "/.cache"))
      .appendingPathComponent("huggingface", isDirectory: true)
    cache = value("HF_HUB_CACHE").map(folder) ?? home.appendingPathComponent("hub", isDirectory: true)
    switch value("HF_HUB_OFFLINE")?.lowercased() {
    case nil, "0", "false", "no", "off": isOffline = false
    case "1", "true", "yes", "on": isOffline = true
    case let other?: throw HubError(.invalidSetting, "HF_HUB_OFFLINE", "“\(other)” is neither 0 nor 1")
    }
    timeout = 10
    if let text = value("HF_HUB_DOWNLOAD_TIMEOUT") {
      guard let seconds = Double(text), seconds > 0, seconds.isFinite else {
        throw HubError(.invalidSetting, "HF_HUB_DOWNLOAD_TIMEOUT", "“\(text)” is no number of seconds")
      }
      timeout = seconds
    }
    if let token = value("HF_TOKEN") {
      self.token = token
    } else {
      let path = value("HF_TOKEN_PATH").map(folder) ?? home.appendingPathComponent("token")
      let text = try? String(contentsOf: path, encoding: .utf8)
      token = text?.trimmingCharacters(in: .whitespacesAndNewlines)
    }
    if token?.isEmpty == true { token = nil }
    if token?.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) == false {
      throw HubError(.invalidSetting, "HF_TOKEN", "has characters that no token has")
    }
  }
}
