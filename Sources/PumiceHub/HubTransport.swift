import Foundation

/// A question of HTTP.
struct HubRequest {
  var url: URL
  /// Whether the head of the answer is enough.
  var isHead = false
  /// Names and values.
  var headers: [(String, String)]
}

/// The head of an answer.
struct HubResponse {
  var status: Int
  /// By name in lower case.
  var headers: [String: String]

  func header(_ name: String) -> String? { headers[name.lowercased()] }

  /// - Parameter lines: the status line and the fields, without the empty line behind them.
  init?(_ lines: [Substring]) {
    let first = lines.first?.split(separator: " ") ?? []
    guard first.count >= 2, first[0].hasPrefix("HTTP/"), let status = Int(first[1]) else { return nil }
    self.status = status
    headers = [:]
    for line in lines.dropFirst() {
      guard let colon = line.firstIndex(of: ":") else { continue }
      headers[line[..<colon].lowercased()] = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
    }
  }
}

/// Asks by the program `curl`: it knows proxies and certificates of its machine, and nothing else of Pumice depends on it. A
/// library linked for this would keep the tool from starting where it is missing.
struct HubTransport: Sendable {
  /// What is done with what comes.
  protocol Receiver: AnyObject {
    /// Takes the head of the answer; false ends the request.
    func begin(_ response: HubResponse) -> Bool
    /// Takes a part of the body; false ends the request.
    func receive(_ data: Data) -> Bool
  }

  /// Seconds without a byte after which a connection is given up.
  let timeout: Double

  private static let mostRedirections = 10

  /// - Parameter leavesHost: whether redirections to another host are followed; the answer is the redirection if not. They
  ///   never take the token along.
  /// - Throws: `HubError` if there is no whole answer. A request that the receiver ended is no error.
  func run(_ request: HubRequest, about subject: String, leavesHost: Bool, to receiver: any Receiver) throws(HubError) {
    var request = request
    for _ in 0...Self.mostRedirections {
      guard let next = try ask(request, about: subject, leavesHost: leavesHost, receiver) else { return }
      if next.host != request.url.host { request.headers.removeAll { $0.0 == "Authorization" } }
      request.url = next
    }
    throw HubError(.protocolViolation, subject, "the hub redirects without end")
  }

  /// - Returns: where to ask instead; nil if the receiver has the answer.
  private func ask(
    _ request: HubRequest, about subject: String, leavesHost: Bool, _ receiver: any Receiver
  ) throws(HubError) -> URL? {
    let curl = Process(), input = Pipe(), output = Pipe(), errors = Pipe()
    guard let program = Self.program else {
      throw HubError(.noProgram, "curl", "is not on PATH, and models are fetched with it: install the package curl")
    }
    curl.executableURL = program
    // Nothing of the user's own settings but what the environment says; the token must not be seen among the arguments.
    curl.arguments = ["--disable", "--config", "-"]
    curl.standardInput = input
    curl.standardOutput = output
    curl.standardError = errors
    do {
      try curl.run()
      try input.fileHandleForWriting.write(contentsOf: Data(settings(request).utf8))
      try input.fileHandleForWriting.close()
    } catch {
      throw HubError(.connection, subject, "curl: \(error.localizedDescription)")
    }
    var answer = Answer(receiver: receiver, leavesHost: leavesHost, url: request.url)
    while let data = try? output.fileHandleForReading.read(upToCount: 1 << 18), !data.isEmpty {
      if !answer.take(data) { curl.terminate() }
    }
    let message = (try? errors.fileHandleForReading.readToEnd()) ?? Data()
    curl.waitUntilExit()
    if let redirection = answer.redirection { return redirection }
    if answer.isEnded { return nil }
    guard curl.terminationStatus == 0, curl.terminationReason == .exit, answer.hasHead else {
      let text = String(decoding: message, as: UTF8.self).split(whereSeparator: \.isNewline).joined(separator: " ")
      throw HubError(.connection, subject, text.isEmpty ? "curl ended with \(curl.terminationStatus)" : text)
    }
    return nil
  }

  /// What curl reads as its configuration.
  private func settings(_ request: HubRequest) -> String {
    func quoted(_ text: String) -> String {
      "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }
    let seconds = max(1, Int(timeout.rounded(.up)))
    var lines = [
      "silent", "show-error", "include", "no-buffer", "globoff", "suppress-connect-headers", "proto = \"=http,https\"",
      "connect-timeout = \(timeout)", "speed-limit = 1", "speed-time = \(seconds)",
      "url = \(quoted(request.url.absoluteString))",
    ]
    if request.isHead { lines.append("head") }
    lines += request.headers.map { "header = \(quoted("\($0.0): \($0.1)"))" }
    return lines.map { $0 + "\n" }.joined()
  }

  /// The program on PATH; nil if there is none.
  private static let program: URL? = (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin").split(
    separator: ":"
  )
  .map { URL(fileURLWithPath: "\($0)/curl") }.first { FileManager.default.isExecutableFile(atPath: $0.path) }
}

/// What curl writes: heads, each up to an empty line, of which the last is the answer's, and its body.
private struct Answer {
  let receiver: any HubTransport.Receiver
  let leavesHost: Bool
  let url: URL
  private(set) var hasHead = false
  /// Whether the receiver wants no more.
  private(set) var isEnded = false
  private(set) var redirection: URL?
  private var head = Data()

  /// Heads are not longer than this.
  private static let mostBytes = 1 << 18

  init(receiver: any HubTransport.Receiver, leavesHost: Bool, url: URL) {
    self.receiver = receiver
    self.leavesHost = leavesHost
    self.url = url
  }

  /// - Returns: whether more is wanted.
  mutating func take(_ data: Data) -> Bool {
    if isEnded || redirection != nil { return false }
    guard !hasHead else { return give(data) }
    head.append(data)
    while !hasHead, let end = head.range(of: Data("\r\n\r\n".utf8)) {
      let lines = String(decoding: head[..<end.lowerBound], as: UTF8.self).split(separator: "\r\n")
      head = Data(head[end.upperBound...])
      // Those below 200 announce another.
      guard let response = HubResponse(lines), response.status >= 200 else { continue }
      hasHead = true
      if let target = target(of: response) {
        redirection = target
        return false
      }
      isEnded = !receiver.begin(response)
      return isEnded ? false : give(head)
    }
    return head.count <= Self.mostBytes
  }

  private mutating func give(_ data: Data) -> Bool {
    if !data.isEmpty { isEnded = !receiver.receive(data) }
    return !isEnded
  }

  /// Where a redirection leads that is to be followed.
  private func target(of response: HubResponse) -> URL? {
    guard [301, 302, 303, 307, 308].contains(response.status), let place = response.header("Location"),
      let target = URL(string: place, relativeTo: url)?.absoluteURL,
      ["http", "https"].contains(target.scheme?.lowercased())
    else { return nil }
    return leavesHost || target.host == url.host ? target : nil
  }
}
