import Foundation

/// Lines that were entered, kept in a file.
struct LineHistory {
  private static let maximumCount = 1000
  private(set) var lines: [String] = []
  private let file: URL?

  /// The history of a command: in `$XDG_STATE_HOME/pumice`, by default `~/.local/state/pumice`.
  static func standard(_ name: String) -> LineHistory {
    let environment = ProcessInfo.processInfo.environment
    let state = environment["XDG_STATE_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil }
    guard let folder = state ?? environment["HOME"].map({ $0 + "/.local/state" }) else { return LineHistory(file: nil) }
    return LineHistory(file: URL(fileURLWithPath: folder).appendingPathComponent("pumice/\(name)_history"))
  }

  init(file: URL?) {
    self.file = file
    // Without a history there is none yet; one that cannot be read is of no more use.
    guard let file, let data = try? Data(contentsOf: file) else { return }
    lines = String(decoding: data, as: UTF8.self).split(separator: "\n").suffix(Self.maximumCount).map(String.init)
  }

  /// Adds a line, unless it is the last one again. A history that cannot be written is not worth an error.
  mutating func append(_ line: String) {
    guard line != lines.last, !line.isEmpty else { return }
    lines = (lines + [line]).suffix(Self.maximumCount)
    guard let file else { return }
    let folder = file.deletingLastPathComponent()
    try? FileManager.default.createDirectory(
      at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    try? Data((lines.joined(separator: "\n") + "\n").utf8).write(to: file, options: .atomic)
    try? FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file.path)
  }
}
