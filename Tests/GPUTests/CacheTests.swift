import Foundation
import Testing

@testable import PumiceGPU

struct DiskCacheTests {
  @Test func entriesSurviveOnlyWhole() throws {
    let folder = try TemporaryFolder()
    let cache = DiskCache(folder: folder.path)
    let payload = (0..<1000).map { UInt8(truncatingIfNeeded: $0 * 7) }
    cache.write(payload, "a/entry", key: 5)
    #expect(cache.read("a/entry", key: 5) == payload)
    #expect(cache.read("a/entry", key: 6) == nil)
    #expect(cache.read("a/other", key: 5) == nil)
    let whole = FileManager.default.contents(atPath: cache.path("a/entry"))!
    for length in [0, 1, 39, 40, 500, whole.count - 1] {
      try whole.prefix(length).write(to: URL(fileURLWithPath: cache.path("a/entry")))
      #expect(cache.read("a/entry", key: 5) == nil, "\(length) bytes")
    }
    try (whole + [0]).write(to: URL(fileURLWithPath: cache.path("a/entry")))
    #expect(cache.read("a/entry", key: 5) == nil)
    for position in stride(from: 0, to: whole.count, by: 13) {
      var damaged = whole
      damaged[position] ^= 0x10
      try damaged.write(to: URL(fileURLWithPath: cache.path("a/entry")))
      #expect(cache.read("a/entry", key: 5) == nil, "byte \(position)")
    }
    cache.write([], "empty", key: 1)
    #expect(cache.read("empty", key: 1) == [])
  }

  @Test func knownHash() {
    // FNV-1a, 128 bits, of "foobar".
    #expect(Hash128(Array("foobar".utf8)).name == "343e1662793c64bf6f0d3597ba446f18")
    #expect(Hash128([]).name == "6c62272e07bb014262b821756295c58d")
  }
}

extension GPUTests {
  @Test func compiledShadersAreKept() throws {
    let folder = try TemporaryFolder()
    func compile(_ text: String = scaleShader, defines: [String: String] = [:]) throws -> (
      words: [UInt32], compiled: Int
    ) {
      try withDevice({ $0.cacheFolder = folder.path }) { device in
        let words = try device.compiler.compile(source(text, defines: defines))
        return (words, device.compiler.compilationCount)
      }
    }
    let first = try compile()
    #expect(first.compiled == 1)
    #expect(try compile() == (first.words, 0))
    #expect(try compile(defines: ["A": "1"]).compiled == 1)
    #expect(try compile(scaleShader + "\n").compiled == 1)

    let name = try withDevice({ $0.cacheFolder = folder.path }) { device in
      device.compiler.entryName(of: try source(scaleShader))
    }
    let path = folder.path + "/" + name
    let whole = FileManager.default.contents(atPath: path)!
    var damaged = whole
    damaged[whole.count / 2] ^= 1
    for contents in [Data(), whole.prefix(whole.count / 2), damaged, Data("nonsense".utf8)] {
      try contents.write(to: URL(fileURLWithPath: path))
      #expect(try compile() == (first.words, 1))
      #expect(FileManager.default.contents(atPath: path) == whole)
    }
  }

  @Test func damagedPipelineCache() throws {
    let folder = try TemporaryFolder()
    func compute() throws -> [Float] {
      try withDevice({ $0.cacheFolder = folder.path }) { device in
        let x = try device.makeBuffer(byteCount: 400, label: "x")
        try x.write([Float](repeating: 1, count: 100))
        let list = try device.makeCommandList(label: "cached")
        try list.scale(try device.scalePipeline(), x.whole, x.whole, by: 5)
        try list.run()
        device.savePipelineCache()
        return try x.read(Float.self, count: 100)
      }
    }
    let expected = [Float](repeating: 5, count: 100)
    #expect(try compute() == expected)
    let path = try #require(folder.files.first { $0.contains("/pipelines/") })
    let whole = FileManager.default.contents(atPath: path)!
    var damaged = whole
    damaged[whole.count - 1] ^= 0x40
    for contents in [Data(), whole.prefix(30), whole.prefix(whole.count - 2), damaged] {
      try contents.write(to: URL(fileURLWithPath: path))
      #expect(try compute() == expected)
      #expect(FileManager.default.contents(atPath: path)!.count == whole.count)
    }
  }

  @Test func unwritableCacheFolder() throws {
    let folder = try TemporaryFolder()
    let file = folder.path + "/file"
    try "no folder".write(toFile: file, atomically: true, encoding: .utf8)
    try withDevice({ $0.cacheFolder = file + "/below" }) { device in
      _ = try device.scalePipeline()
      device.savePipelineCache()
    }
  }
}
