import PumiceModelFiles
import PumiceTensors
import Testing

@Suite struct GGUFFileTests {
  @Test func everyMetadataTypeSurvivesWritingAndReading() throws {
    let file = try GGUFFile(bytes: sampleWriter().bytes())
    #expect(file.version == 3)
    #expect(file.metadata.count == sampleMetadata.count)
    for (read, written) in zip(file.metadata, sampleMetadata) {
      #expect(read.key == written.0)
      #expect(read.value == written.1)
      #expect(file.metadata[written.0] == written.1)
    }
  }

  @Test(arguments: [1, 8, 32, 4096]) func tensorsAreFoundWhereTheyWereWritten(alignment: Int) throws {
    let file = try GGUFFile(bytes: sampleWriter(alignment: alignment).bytes())
    #expect(file.tensors.map(\.name) == ["plain", "blocks", "exotic", "scalar"])
    let plain = try file.requiredTensor(named: "plain")
    #expect(plain.shape == [2, 3])
    #expect(plain.format == .f32)
    #expect(file.tensors.allSatisfy { $0.offset % alignment == 0 })
    let values = file.withBytes(of: plain) { bytes in
      (0..<6).map { bytes.loadUnaligned(fromByteOffset: $0 * 4, as: Float.self) }
    }
    #expect(values == [1, 2, 3, 4, 5, 6])
    let exotic = try file.requiredTensor(named: "exotic")
    #expect(file.withBytes(of: exotic) { Array($0) } == [UInt8](0..<36))
    #expect(exotic.format == nil)
    #expect(throws: ModelFileError.self) { try file.format(of: exotic) }
    #expect(try file.requiredTensor(named: "scalar").shape == [])
  }

  @Test func versionTwoIsReadAlike() throws {
    var bytes = try sampleWriter().bytes()
    bytes[4] = 2
    #expect(try GGUFFile(bytes: bytes).version == 2)
  }

  @Test func accessorsConvertAndNameTheKey() throws {
    let file = try GGUFFile(bytes: sampleWriter().bytes(), name: "model.gguf")
    #expect(try file.string("t.text") == "größer 🦙")
    #expect(
      try ["t.u8", "t.i8", "t.u16", "t.i16", "t.u32", "t.i32"].map { try file.integer($0) } == [
        200, -100, 60000, -30000, 4_000_000_000, -2_000_000_000,
      ])
    #expect(try file.float("t.f32") == 1.5)
    #expect(try file.float("t.f64") == -2.25)
    #expect(try file.bool("t.bool"))
    #expect(try file.stringArray("a.text") == ["a", "", "é"])
    #expect(try file.integerArray("a.i32") == [Int(Int32.min), 7])
    #expect(try file.floatArray("a.f32") == [0.25, -1])
    #expect(try file.optionalString("absent") == nil)
    #expect(try file.optionalInteger("absent") == nil)
    #expect(try file.optionalFloat("absent") == nil)
    #expect(try file.optionalBool("absent") == nil)
    #expect(try file.optionalStringArray("absent") == nil)
    #expect(try file.optionalIntegerArray("absent") == nil)
    #expect(try file.optionalFloatArray("absent") == nil)
  }

  @Test func accessorsRefuseWhatDoesNotFit() throws {
    let file = try GGUFFile(bytes: sampleWriter().bytes(), name: "model.gguf")
    func message(_ body: () throws -> Void) -> String {
      #expect(throws: ModelFileError.self, performing: body)?.description ?? ""
    }
    #expect(message { _ = try file.string("absent") } == "model.gguf: key absent: the file does not have it")
    #expect(message { _ = try file.optionalString("t.u8") } == "model.gguf: key t.u8: is uint8, expected string")
    #expect(message { _ = try file.integer("t.u64") }.contains("key t.u64: 18446744073709551615 is outside"))
    #expect(message { _ = try file.integer("t.u8", in: 1...99) } == "model.gguf: key t.u8: 200 is outside 1…99")
    #expect(message { _ = try file.integer("t.f32") } == "model.gguf: key t.f32: is float32, expected an integer")
    #expect(message { _ = try file.optionalFloat("t.i32") }.contains("key t.i32: is int32"))
    #expect(message { _ = try file.optionalBool("t.u8") }.contains("key t.u8: is uint8"))
    #expect(message { _ = try file.stringArray("a.u8") }.contains("key a.u8: is array of uint8"))
    #expect(message { _ = try file.integerArray("a.u64") }.contains("key a.u64"))
    #expect(message { _ = try file.floatArray("a.text") }.contains("key a.text: is array of string"))
    #expect(message { _ = try file.requiredTensor(named: "none") }.contains("tensor none"))
  }

  @Test func typesAgreeWithTheFormatsToComputeWith() {
    for format in TensorFormat.plainWeights + TensorFormat.blockWeights + [.i32] {
      let type = GGMLType(format)
      #expect(type != nil, "\(format)")
      #expect(type?.blockLength == format.blockLength)
      #expect(type?.blockBytes == format.blockBytes)
    }
  }
}
