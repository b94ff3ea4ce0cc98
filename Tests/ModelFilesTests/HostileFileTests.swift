import PumiceModelFiles
import Testing

@Suite struct HostileFileTests {
  @Test func everyTruncationIsAnError() throws {
    let whole = try sampleWriter(alignment: 8).bytes()
    let padding = 4  // of the scalar, after which nothing comes
    for length in 0..<whole.count - padding {
      let error = failure(Array(whole.prefix(length)))
      let codes: [ModelFileError.Code] = length == 0 ? [.notGGUF] : [.truncated]
      #expect(error.map { codes.contains($0.code) } == true, "\(length): \(error?.description ?? "opened")")
    }
    for length in whole.count - padding...whole.count { #expect(failure(Array(whole.prefix(length))) == nil) }
  }

  @Test func everyChangedByteParsesOrIsAnError() throws {
    let whole = try sampleWriter().bytes()
    let headerEnd = try GGUFFile(bytes: whole).tensors[0].offset
    var refused = 0
    for position in 0..<headerEnd {
      for value in [0, 1, 0x7F, 0x80, 0xFF, whole[position] ^ 1, whole[position] ^ 0x40] where value != whole[position]
      {
        var bytes = whole
        bytes[position] = value
        if let error = failure(bytes) {
          refused += 1
          #expect(!error.description.contains("\n"))
        }
      }
    }
    #expect(refused > headerEnd, "most of the header is checked")
  }

  /// Seeded, so that a failure can be repeated; several changes at once reach states that single ones do not.
  @Test func randomlyMutatedFilesParseOrAreErrors() throws {
    let whole = try sampleWriter().bytes()
    var generator = SplitMix(state: 2026)
    var opened = 0
    for _ in 0..<20_000 {
      var bytes = whole
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        guard !bytes.isEmpty else { break }
        let position = Int.random(in: 0..<bytes.count, using: &generator)
        switch Int.random(in: 0..<6, using: &generator) {
        case 0: bytes[position] = UInt8.random(in: 0...255, using: &generator)
        case 1: bytes[position] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
        case 2: bytes.removeSubrange(position..<min(bytes.count, position + Int.random(in: 1...16, using: &generator)))
        case 3: bytes.insert(contentsOf: whole[..<Int.random(in: 1...32, using: &generator)], at: position)
        case 4: for index in position..<min(bytes.count, position + 8) { bytes[index] = 0xFF }
        default: bytes.removeSubrange(position...)
        }
      }
      if failure(bytes) == nil { opened += 1 }
    }
    #expect((1..<10_000).contains(opened), "\(opened) of 20000 opened")
  }

  @Test func wrongBeginningsAreNamed() {
    #expect(failure([])?.description == "model.gguf: the file is empty")
    #expect(
      failure(Array("Hello, world".utf8))?.description.contains("it begins with “Hell” instead of “GGUF”") == true)
    #expect(failure(Array("GG".utf8))?.code == .truncated)
    #expect(failure([0x80, 2, 0, 0])?.code == .notGGUF)
    var header = RawFile(version: 1)
    #expect(failure(header.bytes)?.description.contains("version 1 is not read") == true)
    header = RawFile(version: 4)
    #expect(failure(header.bytes)?.description.contains("version 4 is unknown") == true)
    header = RawFile(version: UInt32(3).byteSwapped)
    #expect(failure(header.bytes)?.description.contains("big-endian") == true)
    #expect(failure(header.bytes)?.code == .unsupportedVersion)
  }

  @Test(arguments: [1 << 60, .max, 1 << 31, 1000] as [UInt64])
  func hugeCountsAreRefusedBeforeAnythingIsAllocated(count: UInt64) {
    #expect(failure(RawFile(tensors: count).bytes)?.description.contains("\(count) tensors are announced") == true)
    #expect(failure(RawFile(keys: count).bytes)?.description.contains("\(count) metadata keys are announced") == true)
    for type in [0, 5, 7, 8, 9, 12] as [UInt32] {
      var file = RawFile(keys: 1)
      file.pair("huge", type: 9) { $0 += raw(type) + raw(count) }
      let error = failure(file.bytes)
      #expect(error?.subject == "key huge" && error?.code == .truncated, "\(error?.description ?? "opened")")
    }
    var file = RawFile(keys: 1)
    file.bytes += raw(count) + raw(UInt64(0))
    #expect(failure(file.bytes)?.subject == "key number 0")
    file = RawFile(keys: 1)
    file.pair("text", type: 8) { $0 += raw(count) }
    #expect(failure(file.bytes)?.subject == "key text")
  }

  @Test func brokenMetadataNamesTheKey() {
    func error(_ type: UInt32, _ body: @escaping (inout [UInt8]) -> Void) -> String {
      var file = RawFile(keys: 1)
      file.pair("the.key", type: type, body)
      file.bytes += [UInt8](repeating: 0, count: 64)
      return failure(file.bytes)?.description ?? ""
    }
    #expect(error(13) { _ in }.hasSuffix("key the.key: its value type 13 is unknown"))
    #expect(error(7) { $0.append(2) }.hasSuffix("key the.key: 2 is not a boolean (0 or 1)"))
    #expect(error(8) { $0 += raw(UInt64(2)) + [0xC3, 0x28] }.hasSuffix("key the.key: its text is not valid UTF-8"))
    #expect(error(9) { $0 += raw(UInt32(99)) }.hasSuffix("key the.key: its value type 99 is unknown"))
    let deep = error(9) { for _ in 0..<9 { $0 += raw(UInt32(9)) + raw(UInt64(1)) } }
    #expect(deep.hasSuffix("key the.key: arrays are nested more than 8 deep"))

    var twice = RawFile(keys: 2)
    for _ in 0..<2 { twice.pair("same", type: 0) { $0.append(1) } }
    #expect(failure(twice.bytes)?.description == "model.gguf: key same: occurs twice")
    var unnamed = RawFile(keys: 1)
    unnamed.pair("", type: 0) { $0.append(1) }
    #expect(failure(unnamed.bytes)?.description == "model.gguf: key number 0: the key is empty")
    var hidden = RawFile(keys: 1)
    hidden.pair("a\nb\u{1B}[2J", type: 77) { _ in }
    #expect(failure(hidden.bytes)?.description == "model.gguf: key a\\nb\\u{1B}[2J: its value type 77 is unknown")
  }

  @Test(arguments: [0, 3, 48, 1 << 31 | 1] as [UInt32]) func alignmentMustBeAPowerOfTwo(alignment: UInt32) {
    var file = RawFile(keys: 1)
    file.pair("general.alignment", type: 4) { $0 += raw(alignment) }
    #expect(
      failure(file.bytes)?.description == "model.gguf: key general.alignment: \(alignment) is not a power of two")
  }

  @Test func alignmentMustBeANumber() {
    var file = RawFile(keys: 1)
    file.pair("general.alignment", type: 8) { $0 += raw(UInt64(0)) }
    #expect(failure(file.bytes)?.description == "model.gguf: key general.alignment: is string, expected uint32")
  }

  @Test func brokenTensorsAreNamed() {
    func error(_ tensors: RawTensor..., data: Int = 256) -> String {
      var file = RawFile(tensors: UInt64(tensors.count))
      for tensor in tensors { file.bytes += tensor.bytes }
      file.bytes += [UInt8](repeating: 0, count: (32 - file.bytes.count % 32) % 32 + data)
      return failure(file.bytes)?.description ?? "opened"
    }
    #expect(error(RawTensor("w", [4, 2])) == "opened")
    #expect(error(RawTensor("", [4])).hasSuffix("tensor number 0: its name is empty"))
    #expect(error(RawTensor("w", [0])).hasSuffix("tensor w: its dimension 0 is 0"))
    #expect(error(RawTensor("w", [4, .max])).hasSuffix("tensor w: its dimension 1 is 18446744073709551615"))
    #expect(error(RawTensor("w", [1 << 32, 1 << 32])).hasSuffix("tensor w: the product of its dimensions overflows"))
    #expect(error(RawTensor("w", [1 << 62])).contains("tensor w: its size overflows"))
    #expect(error(RawTensor("w", [1, 1, 1, 1, 1])).hasSuffix("tensor w: it has 5 dimensions, more than 4"))
    #expect(error(RawTensor("w", [4], type: 4)).hasSuffix("tensor w: its type 4 is unknown"))
    #expect(
      error(RawTensor("w", [33], type: 8)).contains("tensor w: its rows of 33 are no whole number of q8_0 blocks"))
    #expect(error(RawTensor("w", [4], offset: 4)).contains("tensor w: its offset 4 is not a multiple"))
    #expect(error(RawTensor("w", [4], offset: 1 << 63)).contains("tensor w: its offset 9223372036854775808"))
    #expect(
      error(RawTensor("w", [4], offset: 256)).contains("tensor w: its 16 bytes at offset 256 of the data reach past"))
    #expect(error(RawTensor("w", [4], offset: 1 << 62)).contains("tensor w: its 16 bytes"))
    #expect(error(RawTensor("w", [1000])).contains("tensor w: its 4000 bytes at offset 0"))
    #expect(error(RawTensor("w", [4]), RawTensor("w", [4], offset: 32)).hasSuffix("tensor w: occurs twice"))
    #expect(
      error(RawTensor("v", [16]), RawTensor("w", [4], offset: 32)).hasSuffix(
        "tensor w: its data overlaps that of tensor v"))
    #expect(error(RawTensor("v", [4], offset: 32), RawTensor("w", [4])) == "opened", "the order is free")
  }
}
