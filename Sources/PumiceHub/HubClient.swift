import Foundation

/// The questions that a hub answers: which files a revision has, and what each is.
///
/// Source: the HTTP interface of the Hugging Face Hub as `huggingface_hub` uses it.
struct HubClient {
  /// A revision of a repository.
  struct Listing {
    var commit: String
    var files: [String]
  }

  /// What the hub says about a file.
  struct Metadata {
    /// Its name among the blobs: the SHA-256 of a large file, git's SHA-1 of a small one.
    var etag: String
    var size: Int
  }

  let reference: HubReference
  let settings: HubSettings
  let transport: HubTransport

  init(_ reference: HubReference, _ settings: HubSettings) {
    self.reference = reference
    self.settings = settings
    transport = HubTransport(timeout: settings.timeout)
  }

  /// More of a listing is not read.
  private static let mostBytes = 64 << 20

  func listing() throws(HubError) -> Listing {
    struct Answer: Decodable {
      struct File: Decodable { var rfilename: String }
      var sha: String
      var siblings: [File]?
    }
    let subject = reference.description
    let answer = Collector(most: Self.mostBytes)
    try ask(request("api/models/\(reference.repository)/revision", [reference.revision]), about: subject, answer)
    guard let listing = try? JSONDecoder().decode(Answer.self, from: answer.body), isHexadecimal(listing.sha) else {
      throw HubError(.protocolViolation, subject, "the hub's list of files cannot be read")
    }
    let files = (listing.siblings ?? []).map(\.rfilename)
    if let path = files.first(where: { !isRelativePath($0) }) {
      throw HubError(.protocolViolation, subject, "the hub lists a file called \(path.debugDescription)")
    }
    return Listing(commit: listing.sha, files: files.sorted())
  }

  func metadata(of path: String, commit: String) throws(HubError) -> Metadata {
    let subject = "\(reference.repository)/\(path)"
    var request = try fileRequest(path, commit: commit)
    request.isHead = true
    let answer = Collector(most: 0)
    try ask(request, about: subject, answer)
    guard let head = answer.head else { throw HubError(.protocolViolation, subject, "the hub's answer is empty") }
    let header = head.header
    var etag = header("X-Linked-Etag") ?? header("ETag") ?? ""
    if etag.hasPrefix("W/") { etag.removeFirst(2) }
    etag = etag.trimmingCharacters(in: CharacterSet(charactersIn: "\""))
    let size = (header("X-Linked-Size") ?? header("Content-Length")).flatMap(Int.init)
    guard isHexadecimal(etag), let size, size >= 0 else {
      throw HubError(.protocolViolation, subject, "the hub does not say what the file is (its hash and size)")
    }
    return Metadata(etag: etag, size: size)
  }

  func fileRequest(_ path: String, commit: String) throws(HubError) -> HubRequest {
    try request("\(reference.repository)/resolve/\(commit)", path.split(separator: "/").map(String.init))
  }

  /// - Parameter parts: one each between slashes, whatever is in it.
  private func request(_ path: String, _ parts: [String]) throws(HubError) -> HubRequest {
    let allowed = CharacterSet.alphanumerics.intersection(CharacterSet(charactersIn: "\u{0}"..."\u{7f}"))
      .union(CharacterSet(charactersIn: "-._~"))
    let tail = parts.map { $0.addingPercentEncoding(withAllowedCharacters: allowed) ?? $0 }.joined(separator: "/")
    var base = settings.endpoint.absoluteString
    while base.hasSuffix("/") { base.removeLast() }
    guard let url = URL(string: "\(base)/\(path)/\(tail)") else {
      throw HubError(.invalidReference, reference.description, "cannot be written as an address")
    }
    var headers = [("Accept-Encoding", "identity"), ("User-Agent", "pumice")]
    if let token = settings.token { headers.append(("Authorization", "Bearer \(token)")) }
    return HubRequest(url: url, headers: headers)
  }

  /// Asks until there is an answer, or the hub has failed to give one too often.
  private func ask(_ request: HubRequest, about subject: String, _ collector: Collector) throws(HubError) {
    var pause = settings.pause
    for attempt in 1... {
      var failure: HubError
      do throws(HubError) {
        collector.reset()
        try transport.run(request, about: subject, leavesHost: false, to: collector)
        guard let head = collector.head else {
          throw HubError(.protocolViolation, subject, "the hub's answer is too long")
        }
        guard let refusal = self.refusal(head, subject) else { return }
        failure = refusal
      } catch {
        failure = error
      }
      if failure.code != .connection || attempt >= settings.attempts { throw failure }
      Thread.sleep(forTimeInterval: pause)
      pause *= 2
    }
  }

  /// Why an answer is none; nil if it is one.
  func refusal(_ head: HubResponse, _ subject: String) -> HubError? {
    let said = head.header("X-Error-Message").map { ": " + $0.filter { !$0.isNewline }.prefix(300) }
    switch head.status {
    case 200..<400: return nil
    case 401, 403:
      let needs =
        settings.token == nil
        ? "there is no such repository, or it is private or gated: set HF_TOKEN" : "the token may not read it"
      return HubError(.unauthorized, subject, needs + (said ?? ""))
    case 404: return HubError(.notFound, subject, "the hub does not have it" + (said ?? ""))
    case 408, 429, 500...: return HubError(.connection, subject, "the hub answers \(head.status)" + (said ?? ""))
    default: return HubError(.protocolViolation, subject, "the hub answers \(head.status)" + (said ?? ""))
    }
  }

  /// Keeps a short answer.
  private final class Collector: HubTransport.Receiver {
    let most: Int
    private(set) var head: HubResponse?
    private(set) var body = Data()

    init(most: Int) { self.most = most }

    func reset() {
      head = nil
      body = Data()
    }

    func begin(_ response: HubResponse) -> Bool {
      head = response
      return true
    }

    func receive(_ data: Data) -> Bool {
      body.append(data)
      if body.count <= most { return true }
      head = nil
      return false
    }
  }
}
