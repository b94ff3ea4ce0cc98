import Foundation

/// The files of one repository in the cache, as `huggingface_hub` lays them out:
///
/// ```
/// models--OWNER--NAME/
///   refs/REVISION                 the commit of a branch or tag
///   blobs/ETAG                    contents, under the name that the hub gives them
///   blobs/ETAG.incomplete         the first bytes of one
///   snapshots/COMMIT/PATH         links to them
/// ```
struct HubCache {
  let folder: URL
  let repository: String

  init(_ reference: HubReference, in settings: HubSettings) {
    folder = settings.cache.appendingPathComponent("models--\(reference.owner)--\(reference.name)", isDirectory: true)
    repository = reference.repository
  }

  func blob(_ etag: String) -> URL { folder.appendingPathComponent("blobs/\(etag)") }
  func partial(_ etag: String) -> URL { folder.appendingPathComponent("blobs/\(etag).incomplete") }
  func snapshot(_ commit: String) -> URL {
    folder.appendingPathComponent("snapshots/\(commit)", isDirectory: true)
  }
  func file(_ path: String, of commit: String) -> URL { snapshot(commit).appendingPathComponent(path) }

  /// Bytes of a file; nil if it is not here, whole.
  func size(of path: String, commit: String) -> Int? {
    // Links are made when what they lead to has been checked.
    let target = file(path, of: commit).resolvingSymlinksInPath().path
    return (try? FileManager.default.attributesOfItem(atPath: target))?[.size] as? Int
  }

  /// The commit that a revision stood for when it was last asked for; a commit stands for itself.
  func commit(of revision: String) -> String? {
    if let text = try? String(contentsOf: folder.appendingPathComponent("refs/\(revision)"), encoding: .utf8) {
      let commit = text.trimmingCharacters(in: .whitespacesAndNewlines)
      return isHexadecimal(commit) ? commit : nil
    }
    let isCommit = isHexadecimal(revision) && FileManager.default.fileExists(atPath: snapshot(revision).path)
    return isCommit ? revision : nil
  }

  /// Paths of the files of a commit that are here.
  func files(of commit: String) -> [String] {
    let root = snapshot(commit)
    guard let names = FileManager.default.enumerator(atPath: root.path) else { return [] }
    return names.compactMap { $0 as? String }.filter { path in
      var isFolder: ObjCBool = false
      return FileManager.default.fileExists(atPath: root.appendingPathComponent(path).path, isDirectory: &isFolder)
        && !isFolder.boolValue
    }.sorted()
  }

  func remember(_ commit: String, for revision: String) throws(HubError) {
    guard revision != commit else { return }
    let url = folder.appendingPathComponent("refs/\(revision)")
    try at(url) {
      try makeFolder(of: url)
      try Data(commit.utf8).write(to: url, options: .atomic)
    }
  }

  /// Makes `snapshots/COMMIT/PATH` a link to a blob.
  func link(_ path: String, of commit: String, to etag: String) throws(HubError) {
    let url = file(path, of: commit)
    let target = String(repeating: "../", count: path.split(separator: "/").count + 1) + "blobs/\(etag)"
    try at(url) {
      try makeFolder(of: url)
      if let old = try? FileManager.default.destinationOfSymbolicLink(atPath: url.path) {
        if old == target { return }
        try FileManager.default.removeItem(at: url)
      }
      try FileManager.default.createSymbolicLink(atPath: url.path, withDestinationPath: target)
    }
  }

  func makeFolder(of url: URL) throws {
    try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
  }

  /// Runs `body`; what goes wrong is about that file.
  func at<R>(_ url: URL, _ body: () throws -> R) throws(HubError) -> R {
    do { return try body() } catch {
      throw (error as? HubError) ?? HubError(.cache, url.path, "\((error as NSError).localizedDescription)")
    }
  }
}

/// Whether it is a commit or a hash: hexadecimal digits alone, so also a harmless name of a file.
func isHexadecimal(_ text: String) -> Bool {
  (7...128).contains(text.utf8.count)
    && text.utf8.allSatisfy { byte in
      UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte || UInt8(ascii: "a")...UInt8(ascii: "f") ~= byte
    }
}
