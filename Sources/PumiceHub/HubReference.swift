/// A model on a hub, as people write it: `OWNER/NAME`, with a revision and a quantization or a file if wanted.
///
/// ```
/// hf:OWNER/NAME
/// hf:OWNER/NAME:Q4_K_M            the GGUF file, or parts, whose name says so
/// hf:OWNER/NAME@v1.0:model.gguf   that file of a branch, tag or commit
/// ```
public struct HubReference: Hashable, Sendable, CustomStringConvertible {
  /// What marks a hub's model where a path could stand as well.
  public static let prefix = "hf:"

  public let owner: String
  public let name: String
  /// A branch, tag or commit.
  public let revision: String
  /// A quantization or the path of a file; nil to leave the choice to `ModelSelection`.
  public let choice: String?

  public var repository: String { "\(owner)/\(name)" }
  public var description: String {
    Self.prefix + repository + (revision == Self.defaultRevision ? "" : "@\(revision)")
      + (choice.map { ":\($0)" } ?? "")
  }

  public static let defaultRevision = "main"

  /// - Parameter text: with `hf:` before it or without.
  /// - Throws: `HubError.Code.invalidReference`.
  public init(_ text: String) throws(HubError) {
    func invalid(_ detail: String) -> HubError { HubError(.invalidReference, "“\(text)”", detail) }
    let form =
      "a model is written \(Self.prefix)OWNER/NAME, \(Self.prefix)OWNER/NAME:QUANTIZATION or "
      + "\(Self.prefix)OWNER/NAME@REVISION:FILE"
    var rest = Substring(text)
    if rest.hasPrefix(Self.prefix) { rest = rest.dropFirst(Self.prefix.count) }
    var choice: String?
    if let colon = rest.firstIndex(of: ":") {
      choice = String(rest[rest.index(after: colon)...])
      rest = rest[..<colon]
    }
    var revision = Self.defaultRevision
    if let at = rest.firstIndex(of: "@") {
      revision = String(rest[rest.index(after: at)...])
      rest = rest[..<at]
    }
    let parts = rest.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2 else { throw invalid(form) }
    for part in parts {
      let allowed = part.utf8.allSatisfy { isNameByte($0) || $0 == UInt8(ascii: ".") }
      guard allowed, !part.isEmpty, part.count <= 96, !part.hasPrefix("."), !part.hasPrefix("-"), !part.contains("--")
      else { throw invalid("“\(part)” is no owner or name of a repository; \(form)") }
    }
    guard isRelativePath(revision) else { throw invalid("“\(revision)” is no revision; \(form)") }
    if let choice, !isRelativePath(choice) { throw invalid("“\(choice)” is no quantization and no file; \(form)") }
    owner = String(parts[0])
    name = String(parts[1])
    self.revision = revision
    self.choice = choice
  }
}

private func isNameByte(_ byte: UInt8) -> Bool {
  switch byte {
  case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
    UInt8(ascii: "0")...UInt8(ascii: "9"),
    UInt8(ascii: "_"), UInt8(ascii: "-"):
    true
  default: false
  }
}

/// Whether a path stays below the folder that it is taken from, and can be written in an address and a file system.
func isRelativePath(_ path: String) -> Bool {
  let parts = path.split(separator: "/", omittingEmptySubsequences: false)
  return path.utf8.count <= 1024 && !path.utf8.contains { $0 < 0x20 || $0 == 0x7f || $0 == UInt8(ascii: "\\") }
    && parts.allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." && $0.utf8.count <= 255 }
}
