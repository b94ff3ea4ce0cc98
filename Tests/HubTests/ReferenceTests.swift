import Foundation
import Testing

@testable import PumiceHub

@Suite struct ReferenceTests {
  @Test func referencesAreRead() throws {
    let plain = try HubReference("hf:owner/name")
    #expect(plain.repository == "owner/name" && plain.revision == "main" && plain.choice == nil)
    let whole = try HubReference("Some_Owner/Name-1.5-GGUF@refs/pr/3:folder/m-Q4_K_M.gguf")
    #expect(whole.revision == "refs/pr/3" && whole.choice == "folder/m-Q4_K_M.gguf")
    for text in ["hf:owner/name", "hf:o/n@v1", "hf:o/n:Q4_0", "hf:o/n@v1:a/b.gguf"] {
      #expect(try HubReference(text).description == text)
    }
  }

  @Test(arguments: [
    "", "hf:", "name", "a/b/c", "/b", "a/", "../b", "a/..", "a b/c", "a/b@", "a/b:", "a/b@../x", "a/b:../../etc/passwd",
    "a/b:/x",
    "a--b/c", "a/b:x\u{0}", "a/b@x\ny", "a/-b", "ä/b",
  ]) func othersAreErrors(_ text: String) {
    let error = #expect(throws: HubError.self) { _ = try HubReference(text) }
    #expect(error?.code == .invalidReference)
  }

  @Test func environmentVariablesAreThoseOfHuggingFace() throws {
    let plain = try HubSettings(environment: ["HOME": "/nowhere"])
    #expect(plain.endpoint.absoluteString == HubSettings.defaultEndpoint && !plain.isOffline && plain.timeout == 10)
    #expect(plain.cache.path.hasSuffix("/.cache/huggingface/hub"))
    #expect(try HubSettings(environment: ["XDG_CACHE_HOME": "/x"]).cache.path == "/x/huggingface/hub")
    #expect(try HubSettings(environment: ["XDG_CACHE_HOME": "/x", "HF_HOME": "/y"]).cache.path == "/y/hub")
    #expect(try HubSettings(environment: ["HF_HUB_CACHE": "/z", "HF_HOME": "/y"]).cache.path == "/z")
    #expect(try HubSettings(environment: ["HF_TOKEN": "t", "HF_HUB_OFFLINE": "TRUE"]).token == "t")
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("token-\(UUID().uuidString)")
    try "  secret\n".write(to: file, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(at: file) }
    #expect(try HubSettings(environment: ["HF_TOKEN_PATH": file.path]).token == "secret")
    for (name, value) in [
      ("HF_ENDPOINT", "not an address"), ("HF_ENDPOINT", "ftp://x"), ("HF_HUB_OFFLINE", "maybe"),
      ("HF_HUB_DOWNLOAD_TIMEOUT", "-1"), ("HF_TOKEN", "a\nb"),
    ] {
      let error = #expect(throws: HubError.self) { _ = try HubSettings(environment: [name: value]) }
      #expect(error?.code == .invalidSetting && error?.subject == name)
    }
  }

  private static let files = [
    "README.md", "config.json", "m-Q4_K_M.gguf", "m-Q8_0.gguf", "m.mmproj-f16.gguf", "imatrix.gguf",
    "BF16/m-BF16-00001-of-00002.gguf",
    "BF16/m-BF16-00002-of-00002.gguf", "m-IQ2_XXS-00001-of-00001.gguf",
  ]

  private func selection(_ choice: String?, _ files: [String] = files) throws -> ModelSelection {
    try ModelSelection(try HubReference("o/n" + (choice.map { ":\($0)" } ?? "")), files: files)
  }

  @Test func quantizationsAreChosen() throws {
    #expect(try selection(nil).files == ["m-Q4_K_M.gguf"])
    #expect(try selection("q8_0").main == "m-Q8_0.gguf")
    let parts = try selection("BF16")
    #expect(parts.main == "BF16/m-BF16-00001-of-00002.gguf" && parts.files.count == 2 && parts.isWhole)
    #expect(try selection("m.mmproj-f16.gguf").files == ["m.mmproj-f16.gguf"])
    #expect(try selection(nil, ["only-F32.gguf"]).main == "only-F32.gguf")
    #expect(try !selection(nil, ["m-00001-of-00002.gguf"]).isWhole)
    #expect(try selection("Q4_0", ["model.q4_0.gguf", "model.q4_1.gguf"]).main == "model.q4_0.gguf")
  }

  /// Of folders below, those alone that say what comes after the model.
  @Test func foldersComeWithTheirModules() throws {
    let files = [
      "config.json", "model.safetensors", "modules.json", "1_Pooling/config.json", "2_Normalize/config.json",
      "onnx/config.json", "onnx/model.onnx", "1_Pooling/notes.md", "_x/config.json", "1/config.json",
      "a/1_b/config.json",
    ]
    #expect(try selection(nil, files).files == Array(files[0..<5]))
    #expect(try selection(nil, files).main == nil)
  }

  @Test func whatThereIsIsListed() throws {
    func message(_ choice: String?, _ files: [String] = Self.files) throws -> String {
      let error = try #require(throws: HubError.self) { _ = try selection(choice, files) }
      #expect(error.code == .noSuchModel)
      return error.detail
    }
    #expect(
      try message("Q3_K_S")
        == "there is no Q3_K_S; GGUF files: m-Q4_K_M.gguf, m-Q8_0.gguf, BF16/m-BF16-00001-of-00002.gguf, "
        + "m-IQ2_XXS-00001-of-00001.gguf")
    #expect(try message(nil, ["a-F16.gguf", "b-F16.gguf"]) == "name one of its GGUF files: a-F16.gguf, b-F16.gguf")
    #expect(try message("F16", ["a-F16.gguf", "b-F16.gguf"]) == "several are F16, name one: a-F16.gguf, b-F16.gguf")
    #expect(try message(nil, ["model.bin"]).contains("neither GGUF files nor safetensors"))
    #expect(try message("Q4_0", ["config.json", "model.safetensors"]).contains("no GGUF files"))
  }
}
