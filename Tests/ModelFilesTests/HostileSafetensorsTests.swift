import PumiceModelFiles
import Testing

@Suite struct HostileSafetensorsTests {
  @Test func everyTruncationIsAnError() throws {
    let whole = try sampleSafetensors().bytes()
    for length in 0..<whole.count {
      let error = safetensorsFailure(Array(whole.prefix(length)))
      #expect(
        error?.code == (length == 0 ? .notSafetensors : .truncated), "\(length): \(error?.description ?? "opened")")
    }
    #expect(safetensorsFailure(whole) == nil)
    #expect(safetensorsFailure(whole + [0])?.description.contains("1 bytes at its end belong to no tensor") == true)
  }

  @Test func everyChangedByteParsesOrIsAnError() throws {
    let whole = try sampleSafetensors().bytes()
    let headerEnd = try SafetensorsFile(bytes: whole).tensors[0].offset
    var refused = 0
    for position in 0..<headerEnd {
      for value in [0, 0x20, 0x22, 0x30, 0x39, 0x5C, 0x7D, 0x80, 0xFF, whole[position] ^ 1]
      where value != whole[position] {
        var bytes = whole
        bytes[position] = value
        guard let error = safetensorsFailure(bytes) else { continue }
        refused += 1
        #expect(!error.description.contains("\n"))
      }
    }
    #expect(refused > headerEnd * 5, "most of the header is checked: \(refused) of \(headerEnd * 10)")
  }

  /// Seeded, so that a failure can be repeated.
  @Test func randomlyMutatedFilesParseOrAreErrors() throws {
    let whole = try sampleSafetensors().bytes()
    var generator = SplitMix(state: 2027)
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
        case 4: bytes[position] = Array("{}[]\",:0123456789\\eE-.".utf8).randomElement(using: &generator)!
        default: bytes.removeSubrange(position...)
        }
      }
      if safetensorsFailure(bytes) == nil { opened += 1 }
    }
    #expect((1..<10_000).contains(opened), "\(opened) of 20000 opened")
  }

  @Test func wrongBeginningsAreNamed() {
    #expect(safetensorsFailure([])?.description == "model.safetensors: the file is empty")
    #expect(safetensorsFailure([1, 2, 3])?.code == .truncated)
    #expect(safetensorsFailure(raw(UInt64.max))?.description.contains("18446744073709551615 bytes, more than") == true)
    #expect(safetensorsFailure(raw(100_000_001 as UInt64))?.code == .notSafetensors)
    #expect(safetensorsFailure(raw(100_000_000 as UInt64))?.code == .truncated)
    #expect(safetensorsFailure(Array("GGUF\u{3}\u{0}\u{0}\u{0}\u{1}".utf8))?.code == .notSafetensors)
    #expect(safetensorsFailure(rawSafetensors(""))?.code == .notSafetensors)
    #expect(safetensorsFailure(rawSafetensors("[1]"))?.description.contains("does not begin with “{”") == true)
  }

  @Test(
    arguments: [
      (#"{"#, "not JSON"), (#"{} x"#, "there is more"), (#"{"a"}"#, "a colon"), (#"{"a":}"#, "a value should be here"),
      (#"{"a":1,}"#, "a name should be here"), (#"{"a":01}"#, "begins with 0"), (#"{"a":1.}"#, "digits"),
      (#"{"a":1e999}"#, "too large"), (#"{"a":"\q"}"#, "unknown escape"), (#"{"a":"\ud800"}"#, "surrogate"),
      (#"{"a":"\ud800\u0041"}"#, "surrogate"), (#"{"a":"\u00g0"}"#, "hexadecimal"), ("{\"a\":\"\n\"}", "control"),
      (#"{"a":{},"a":{}}"#, "the name “a” occurs twice"), (#"{"a":[1 2]}"#, "end of an array"),
      (#"{"a":1 "b":2}"#, "end of an object"), ("{\"a\":" + String(repeating: "[", count: 1000), "nested deeper"),
      (#"{"__metadata__":1}"#, "key __metadata__: is an integer"),
      (#"{"__metadata__":{"k":1}}"#, "key k: is an integer, expected a string"),
      (#"{"":{"dtype":"U8","shape":[],"data_offsets":[0,1]}}"#, "its name is empty"),
      (#"{"t":[]}"#, "tensor t: is described by an array"),
      (#"{"t":{"shape":[1],"data_offsets":[0,1]}}"#, "tensor t: it has no dtype"),
      (#"{"t":{"dtype":"F12","shape":[1],"data_offsets":[0,1]}}"#, "tensor t: its dtype “F12” is unknown"),
      (#"{"t":{"dtype":"U8","data_offsets":[0,1]}}"#, "tensor t: its shape is no array"),
      (#"{"t":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}}"#, "tensor t: its shape is no array"),
      (#"{"t":{"dtype":"U8","shape":[1.5],"data_offsets":[0,1]}}"#, "tensor t: its shape is no array"),
      (#"{"t":{"dtype":"U8","shape":[99999999999999999999],"data_offsets":[0,1]}}"#, "its shape is no array"),
      (#"{"t":{"dtype":"U8","shape":[4611686018427387904,4],"data_offsets":[0,1]}}"#, "its size is impossible"),
      (#"{"t":{"dtype":"F64","shape":[4611686018427387904],"data_offsets":[0,1]}}"#, "its size is impossible"),
      (#"{"t":{"dtype":"F4","shape":[3],"data_offsets":[0,1]}}"#, "its size is impossible"),
      (#"{"t":{"dtype":"U8","shape":[1]}}"#, "tensor t: its data_offsets are not"),
      (#"{"t":{"dtype":"U8","shape":[1],"data_offsets":[0]}}"#, "tensor t: its data_offsets are not"),
      (#"{"t":{"dtype":"U8","shape":[1],"data_offsets":[1,0]}}"#, "tensor t: its data_offsets are not"),
      (#"{"t":{"dtype":"U8","shape":[2],"data_offsets":[0,1]}}"#, "tensor t: its data_offsets span 1 bytes"),
      (#"{"t":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":1}}"#, "tensor t: its “x” is unknown"),
      (
        #"{"t":{"dtype":"U8","shape":[0],"data_offsets":[9223372036854775807,9223372036854775807]}}"#,
        "past any file's end"
      ),
    ])
  func brokenHeadersAreNamed(header: String, part: String) {
    let error = safetensorsFailure(rawSafetensors(header, data: 1))
    #expect(error?.description.contains(part) == true, "\(header): \(error?.description ?? "opened")")
  }

  @Test func placesAreChecked() {
    func entry(_ name: String, _ start: Int, _ end: Int) -> String {
      #""\#(name)":{"dtype":"U8","shape":[\#(end - start)],"data_offsets":[\#(start),\#(end)]}"#
    }
    func message(_ entries: [String], data: Int = 10) -> String {
      safetensorsFailure(rawSafetensors("{\(entries.joined(separator: ","))}", data: data))?.description ?? "opened"
    }
    #expect(message([entry("a", 0, 4), entry("b", 4, 10)]) == "opened")
    #expect(message([entry("b", 4, 10), entry("e", 4, 4), entry("a", 0, 4)]) == "opened")
    #expect(message([entry("a", 0, 5), entry("b", 4, 10)]).contains("tensor b: its data overlaps that of tensor a"))
    #expect(message([entry("a", 0, 10), entry("b", 0, 10)]).contains("overlaps"))
    #expect(message([entry("a", 0, 10), entry("b", 3, 3)]).contains("tensor b: its data overlaps that of tensor a"))
    #expect(message([entry("a", 0, 4), entry("b", 5, 10)]).contains("tensor b: 1 bytes before its data belong to no"))
    #expect(message([entry("a", 1, 10)]).contains("tensor a: 1 bytes before its data"))
    #expect(message([entry("a", 0, 9)]).contains("1 bytes at its end belong to no tensor"))
    #expect(message([entry("a", 0, 11)]).contains("tensor a: its 11 bytes at offset 0 of the data reach past the end"))
    #expect(message([]).contains("10 bytes at its end"))
  }
}
