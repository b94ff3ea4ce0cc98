public import Foundation

/// How far a pull is.
public struct HubProgress: Sendable {
  /// The file that is being fetched.
  public var file: String
  /// Bytes of all files that are here, and that there will be.
  public var done: Int
  public var total: Int
}

/// A model of a hub, in the cache.
public struct HubModel: Sendable {
  /// The GGUF file, or its first part, or the folder of the model.
  public var location: URL
  /// The commit that it is of.
  public var commit: String
  public var files: [URL]
  /// Bytes of all files.
  public var byteCount: Int
  /// Whether the hub was not asked, so that the revision may have changed.
  public var isFromCacheAlone: Bool

  /// Fetches what is missing of a model, and gives its place.
  ///
  /// - Throws: `HubError`. What has come stays, and the next pull goes on behind it.
  public static func pull(
    _ reference: HubReference, _ settings: HubSettings, progress: @escaping (HubProgress) -> Void = { _ in }
  ) throws(HubError) -> HubModel {
    let cache = HubCache(reference, in: settings)
    if settings.isOffline { return try cached(reference, cache) }
    let client = HubClient(reference, settings)
    let listing = try client.listing()
    let selection = try ModelSelection(reference, files: listing.files)
    if !selection.isWhole {
      throw HubError(
        .noSuchModel, reference.description, "the hub does not have all parts of \(selection.main ?? "it")")
    }
    // A file of a commit never changes: of those that are here nothing need be asked.
    var done = selection.files.reduce(0) { $0 + (cache.size(of: $1, commit: listing.commit) ?? 0) }
    var missing: [HubDownload] = []
    for path in selection.files where cache.size(of: path, commit: listing.commit) == nil {
      let metadata = try client.metadata(of: path, commit: listing.commit)
      missing.append(
        HubDownload(client: client, cache: cache, path: path, commit: listing.commit, metadata: metadata))
    }
    let total = missing.reduce(done) { $0 + $1.metadata.size }
    try requireRoom(for: missing.map(\.metadata), cache)
    for download in missing {
      let before = done
      try download.run { progress(HubProgress(file: download.path, done: before + $0, total: total)) }
      done += download.metadata.size
    }
    try cache.remember(listing.commit, for: reference.revision)
    return HubModel(selection, cache, commit: listing.commit, byteCount: total, isFromCacheAlone: false)
  }

  /// The model as it was pulled before.
  private static func cached(_ reference: HubReference, _ cache: HubCache) throws(HubError) -> HubModel {
    func missing(_ detail: String) -> HubError {
      HubError(.offline, reference.description, "\(detail), and HF_HUB_OFFLINE forbids to ask the hub")
    }
    guard let commit = cache.commit(of: reference.revision) else { throw missing("is not in \(cache.folder.path)") }
    let files = cache.files(of: commit)
    let selection: ModelSelection
    do { selection = try ModelSelection(reference, files: files) } catch { throw missing(error.detail) }
    if !selection.isWhole { throw missing("not all parts are in \(cache.folder.path)") }
    let bytes = selection.files.reduce(0) { $0 + (cache.size(of: $1, commit: commit) ?? 0) }
    return HubModel(selection, cache, commit: commit, byteCount: bytes, isFromCacheAlone: true)
  }

  private init(_ selection: ModelSelection, _ cache: HubCache, commit: String, byteCount: Int, isFromCacheAlone: Bool) {
    location = selection.main.map { cache.file($0, of: commit) } ?? cache.snapshot(commit)
    files = selection.files.map { cache.file($0, of: commit) }
    self.commit = commit
    self.byteCount = byteCount
    self.isFromCacheAlone = isFromCacheAlone
  }

  /// Throws unless what is missing fits into the file system of the cache.
  private static func requireRoom(for files: [HubClient.Metadata], _ cache: HubCache) throws(HubError) {
    let manager = FileManager.default
    func size(_ url: URL) -> Int { ((try? manager.attributesOfItem(atPath: url.path))?[.size] as? Int) ?? 0 }
    let missing = files.filter { !manager.fileExists(atPath: cache.blob($0.etag).path) }
      .reduce(0) { $0 + max(0, $1.size - size(cache.partial($1.etag))) }
    var folder = cache.folder
    while !manager.fileExists(atPath: folder.path), folder.pathComponents.count > 1 { folder.deleteLastPathComponent() }
    guard let free = (try? manager.attributesOfFileSystem(forPath: folder.path))?[.systemFreeSize] as? Int else {
      return
    }
    if missing > free {
      throw HubError(
        .noSpace, cache.folder.path,
        "\(missing) bytes are missing, and the file system has room for \(free): \(missing - free) too few")
    }
  }
}
