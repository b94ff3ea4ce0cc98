import Foundation
import Testing

@testable import PumiceHub

/// Pulls from a hub on this machine that speaks the protocol, and breaks it where a test says so.
@Suite struct PullTests {
  private static let large = Data((0..<300_000).map { UInt8(truncatingIfNeeded: $0 * 31 + ($0 >> 8)) })
  private static let small = Data("{\"a\": 1}".utf8)

  private func failure(_ hub: LocalHub, _ text: String, _ environment: [String: String] = [:]) throws -> HubError {
    try #require(throws: HubError.self) { _ = try hub.pull(text, environment) }
  }

  @Test func filesLieAsHuggingFaceLaysThemOut() throws {
    let hub = try LocalHub(["model/a/m-Q4_0.gguf": Self.large, "model/config.json": Self.small])
    let model = try hub.pull("hf:test/model@v/1:a/m-Q4_0.gguf")
    #expect(try Data(contentsOf: model.location) == Self.large)
    #expect(model.commit == LocalHub.commit && model.byteCount == Self.large.count && !model.isFromCacheAlone)
    // As sha256sum says.
    let hash = "7746f603692a686cd64102485f55a005fd9521e026974d885676c0a486c0b2ae"
    let link = try FileManager.default.destinationOfSymbolicLink(atPath: model.location.path)
    #expect(link == "../../../blobs/\(hash)")
    #expect(
      model.location.path == hub.cached("models--test--model/snapshots/\(LocalHub.commit)/a/m-Q4_0.gguf").path)
    #expect(
      try String(contentsOf: hub.cached("models--test--model/refs/v/1"), encoding: .utf8) == LocalHub.commit)
    // The file came from another host.
    #expect(try hub.requests().contains { $0[0] == "GET" && $0[1] == "localhost" })
    // What is here is not fetched again.
    let before = try hub.requests().count
    _ = try hub.pull("test/model@v/1:a/m-Q4_0.gguf")
    #expect(try hub.requests().dropFirst(before).map { $0[2] } == ["/api/models/test/model/revision/v/1"])
  }

  @Test func foldersComeWithWhatTheyNeed() throws {
    let hub = try LocalHub([
      "model/config.json": Self.small, "model/tokenizer.json": Data("{}".utf8), "model/model.safetensors": Self.large,
      "model/pytorch_model.bin": Self.large, "model/onnx/model.onnx": Self.small, "model/README.md": Self.small,
    ])
    let model = try hub.pull("hf:test/model")
    #expect(model.files.map(\.lastPathComponent) == ["config.json", "model.safetensors", "tokenizer.json"])
    #expect(try Data(contentsOf: model.location.appendingPathComponent("config.json")) == Self.small)
  }

  @Test func brokenPullsGoOn() throws {
    let hub = try LocalHub(["model/m.gguf": Self.large])
    // The hub, then the other host is overloaded; then it breaks off twice.
    try hub.plan(["busy /api/", "break 100000 /large/", "break 50000 /large/", "busy /large/"])
    #expect(try Data(contentsOf: try hub.pull("hf:test/model").location) == Self.large)
    let ranges = try hub.requests().filter { $0[2].hasPrefix("/large/") }.map { $0[4] }
    #expect(ranges == ["-", "-", "bytes=100000-", "bytes=150000-"])
  }

  @Test func aLaterPullGoesOn() throws {
    let hub = try LocalHub(["model/m.gguf": Self.large])
    var settings = try hub.settings()
    settings.attempts = 1
    try hub.plan(["break 100000 /large/", "norange /large/"])
    let error = #expect(throws: HubError.self) {
      _ = try HubModel.pull(try HubReference("hf:test/model"), settings)
    }
    #expect(error?.code == .connection && error?.detail.contains("100000 of 300000 bytes") == true, "\(error!)")
    // This host ignores the range: what is here is thrown away, not doubled.
    #expect(try Data(contentsOf: try hub.pull("hf:test/model").location) == Self.large)
    #expect(try hub.requests().filter { $0[2].hasPrefix("/large/") }.map { $0[4] } == ["-", "bytes=100000-"])
  }

  @Test(arguments: ["m.gguf", "s.gguf"]) func aWrongByteIsSeen(_ name: String) throws {
    let hub = try LocalHub(["model/m.gguf": Self.large, "model/s.gguf": Self.small])
    try hub.plan(["garble \(name)"])
    let error = try failure(hub, "hf:test/model:\(name)")
    #expect(error.code == .checksumMismatch && error.subject == "test/model/\(name)", "\(error)")
    #expect(!FileManager.default.fileExists(atPath: hub.cached("models--test--model/snapshots").path))
    #expect(try FileManager.default.contentsOfDirectory(atPath: hub.cached("models--test--model/blobs").path).isEmpty)
    _ = try hub.pull("hf:test/model:\(name)")
  }

  @Test func aSilentHubIsGivenUp() throws {
    let hub = try LocalHub(["model/m.gguf": Self.large])
    var settings = try hub.settings()
    settings.attempts = 1
    settings.timeout = 0.5
    try hub.plan(["stall /api/"])
    let error = #expect(throws: HubError.self) { _ = try HubModel.pull(try HubReference("hf:test/model"), settings) }
    #expect(error?.code == .connection)
  }

  @Test func tokensGoToTheHubAlone() throws {
    let hub = try LocalHub(["gated/m.gguf": Self.large])
    let error = try failure(hub, "hf:test/gated")
    #expect(error.code == .unauthorized && error.detail.contains("HF_TOKEN") && error.detail.contains("restricted"))
    #expect(try failure(hub, "hf:test/gated", ["HF_TOKEN": "wrong"]).code == .unauthorized)
    _ = try hub.pull("hf:test/gated", ["HF_TOKEN": "secret"])
    let last = try hub.requests().suffix(4)
    #expect(last.filter { $0[1] == "127.0.0.1" }.allSatisfy { $0[3] == "secret" })
    let elsewhere = last.filter { $0[1] == "localhost" }
    #expect(!elsewhere.isEmpty && elsewhere.allSatisfy { $0[3] == "-" })
  }

  @Test func withoutAHubTheCacheServes() throws {
    let hub = try LocalHub(["model/m.gguf": Self.large])
    let offline = ["HF_HUB_OFFLINE": "1"]
    #expect(try failure(hub, "hf:test/model", offline).code == .offline)
    _ = try hub.pull("hf:test/model")
    let before = try hub.requests().count
    let model = try hub.pull("hf:test/model", offline)
    #expect(try Data(contentsOf: model.location) == Self.large && model.isFromCacheAlone)
    #expect(model.byteCount == Self.large.count)
    #expect(try hub.requests().count == before)
    #expect(try failure(hub, "hf:test/model:Q8_0", offline).code == .offline)
  }

  @Test func hostileAnswersAreErrors() throws {
    let hub = try LocalHub(["model/m.gguf": Self.large])
    #expect(try failure(hub, "hf:test/escape").code == .protocolViolation)
    #expect(try failure(hub, "hf:test/html").code == .protocolViolation)
    #expect(try failure(hub, "hf:test/nothing").code == .notFound)
    #expect(try failure(hub, "hf:test/model@no-such").code == .notFound)
    #expect(try failure(hub, "hf:test/model", ["HF_ENDPOINT": "http://127.0.0.1:1"]).code == .connection)
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: hub.folder.path).sorted() == ["repositories", "requests"])
  }
}
