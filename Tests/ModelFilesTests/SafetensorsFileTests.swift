import Foundation
import PumiceModelFiles
import PumiceTensors
import Testing

/// A safetensors file written byte by byte, so that it can be wrong.
func rawSafetensors(_ header: String, data: Int = 0) -> [UInt8] {
  raw(UInt64(header.utf8.count)) + Array(header.utf8) + (0..<data).map { UInt8(truncatingIfNeeded: $0) }
}

/// The error that opening `bytes` ends in, or nil when they are a valid file.
func safetensorsFailure(_ bytes: [UInt8]) -> ModelFileError? {
  do throws(ModelFileError) {
    _ = try SafetensorsFile(bytes: bytes, name: "model.safetensors")
    return nil
  } catch { return error }
}

/// A small valid file with several types.
func sampleSafetensors() -> SafetensorsWriter {
  var writer = SafetensorsWriter(metadata: ["format": "pt", "a \"quoted\" name": "größer 🦙\n\u{1}"])
  writer.addTensor("flags", shape: [3], type: .bool, bytes: [1, 0, 1])
  writer.addTensor("w", shape: [2, 3], type: .f16, bytes: [UInt8](0..<12))
  writer.addTensor("scalar", shape: [], type: .f64, bytes: [UInt8](20..<28))
  writer.addTensor("none", shape: [4, 0], type: .f32, bytes: [])
  writer.addTensor("nibbles", shape: [2, 3], type: .f4, bytes: [9, 8, 7])
  return writer
}

@Suite struct SafetensorsFileTests {
  @Test func tensorsAreFoundWhereTheyWereWritten() throws {
    let bytes = try sampleSafetensors().bytes()
    let file = try SafetensorsFile(bytes: bytes)
    #expect(file.metadata == ["format": "pt", "a \"quoted\" name": "größer 🦙\n\u{1}"])
    // Wide elements first, so that every tensor lies at a multiple of its element's size.
    #expect(file.tensors.map(\.name) == ["scalar", "none", "w", "flags", "nibbles"])
    #expect(file.tensors.allSatisfy { $0.offset % max(1, $0.type.bits / 8) == 0 })
    let w = try file.requiredTensor(named: "w")
    #expect(w.shape == [2, 3] && w.type == .f16 && w.format == .f16)
    #expect(file.withBytes(of: w) { Array($0) } == [UInt8](0..<12))
    #expect(file.tensor(named: "flags").map { file.withBytes(of: $0) { Array($0) } } == [1, 0, 1])
    #expect(try file.requiredTensor(named: "scalar").byteCount == 8)
    #expect(try file.requiredTensor(named: "none").byteCount == 0)
    #expect(try file.requiredTensor(named: "nibbles").format == nil)
    let error = #expect(throws: ModelFileError.self) { _ = try file.requiredTensor(named: "absent") }
    #expect(error?.description == "(memory): tensor absent: the file does not have it")
  }

  @Test func theOrderIsKeptWhereItCanBe() throws {
    var writer = SafetensorsWriter()
    writer.addTensor("b", shape: [2], type: .f16, bytes: [1, 2, 3, 4])
    writer.addTensor("a", shape: [1], type: .f32, bytes: [5, 6, 7, 8])
    #expect(try SafetensorsFile(bytes: writer.bytes()).tensors.map(\.name) == ["b", "a"])
    writer.addTensor("c", shape: [1], type: .u8, bytes: [9])
    writer.addTensor("d", shape: [1], type: .f16, bytes: [10, 11])
    let file = try SafetensorsFile(bytes: writer.bytes())
    #expect(file.tensors.map(\.name) == ["a", "b", "d", "c"])
    #expect(file.tensor(named: "d").map { file.withBytes(of: $0) { Array($0) } } == [10, 11])
  }

  @Test func filesOfOtherProgramsAreRead() throws {
    // As the reference implementation writes it: spaces at the end, and offsets in any order.
    let header = """
      {"b":{"dtype":"I64","shape":[1],"data_offsets":[2,10]},"__metadata__":{"x":"\\u00e9\\ud83e\\udd99"},
       "a":{ "shape":[2],"dtype":"F8_E4M3" , "data_offsets":[0,2]}}
      """
    let file = try SafetensorsFile(bytes: rawSafetensors(header + "   ", data: 10))
    #expect(file.metadata == ["x": "é🦙"])
    let values = ["a", "b"].map { name in file.tensor(named: name).map { file.withBytes(of: $0) { Array($0) } } }
    #expect(values == [[0, 1], [2, 3, 4, 5, 6, 7, 8, 9]])
    #expect(try SafetensorsFile(bytes: rawSafetensors("{}")).tensors.isEmpty)
  }

  @Test(arguments: SafetensorsType.allCases)
  func everyTypeHasItsSize(type: SafetensorsType) throws {
    let bytes = type.bits  // of 8 elements
    func file(_ size: Int) -> [UInt8] {
      rawSafetensors(#"{"t":{"dtype":"\#(type)","shape":[2,4],"data_offsets":[0,\#(size)]}}"#, data: size)
    }
    #expect(try SafetensorsFile(bytes: file(bytes)).tensors.first?.byteCount == bytes)
    for wrong in [bytes - 1, bytes + 1] {
      #expect(safetensorsFailure(file(wrong))?.description.contains("takes \(bytes)") == true)
    }
    if let format = type.format { #expect(format.byteCount([2, 4]) == bytes) }
  }

  private func withFolder(_ body: (String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("pumice-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try body(folder.path)
  }

  private func failure(_ path: String) -> ModelFileError? {
    do throws(ModelFileError) {
      _ = try SafetensorsFile(path: path)
      return nil
    } catch { return error }
  }

  @Test func writingIsAllOrNothing() throws {
    try withFolder { folder in
      let path = folder + "/model.safetensors"
      try sampleSafetensors().write(to: path)
      let written = try Data(contentsOf: URL(fileURLWithPath: path))
      #expect(try Array(written) == sampleSafetensors().bytes())
      for count in [3, 5] {
        var writer = sampleSafetensors()
        writer.addTensor("wrong", shape: [1], type: .f32, bytes: [UInt8](repeating: 0, count: count))
        let error = #expect(throws: ModelFileError.self) { try writer.write(to: path) }
        #expect(error?.subject == "tensor wrong")
      }
      #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == written)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["model.safetensors"])
    }
  }

  @Test func writersRefuseWhatTheFormatCannotHold() throws {
    func refusal(_ change: (inout SafetensorsWriter) -> Void) -> ModelFileError.Code? {
      var writer = SafetensorsWriter()
      change(&writer)
      return #expect(throws: ModelFileError.self) { try writer.bytes() }?.code
    }
    #expect(refusal { $0.addTensor("", shape: [1], type: .u8, bytes: [0]) } == .invalidTensor)
    #expect(refusal { $0.addTensor("__metadata__", shape: [1], type: .u8, bytes: [0]) } == .invalidTensor)
    #expect(refusal { $0.addTensor("w", shape: [3], type: .f4, bytes: [0, 0]) } == .invalidTensor)
    #expect(refusal { $0.addTensor("w", shape: [-1], type: .u8, bytes: []) } == .invalidTensor)
    #expect(refusal { $0.addTensor("w", shape: [1 << 40, 1 << 40], type: .u8, bytes: []) } == .invalidTensor)
    #expect(
      refusal {
        $0.addTensor("w", shape: [1], type: .u8, bytes: [0])
        $0.addTensor("w", shape: [1], type: .u8, bytes: [0])
      } == .duplicate)
  }

  private func write(_ text: String, _ path: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
  }

  private func part(_ name: String, _ value: UInt8) -> SafetensorsWriter {
    var writer = SafetensorsWriter(metadata: ["part": name])
    writer.addTensor(name, shape: [2], type: .u8, bytes: [value, value])
    return writer
  }

  @Test func foldersAndIndexesOpenTheWholeModel() throws {
    try withFolder { folder in
      let index = folder + "/model.safetensors.index.json"
      #expect(failure(folder)?.code == .notFound)
      try part("alone", 3).write(to: folder + "/model.safetensors")
      #expect(try SafetensorsFile(path: folder).tensors.map(\.name) == ["alone"])

      try part("a", 1).write(to: folder + "/one.safetensors")
      try part("b", 2).write(to: folder + "/two.safetensors")
      try write(
        #"{"metadata":{"total_size":4},"weight_map":{"b":"two.safetensors","a":"one.safetensors"}}"#, index)
      for path in [folder, index] {
        let file = try SafetensorsFile(path: path)
        #expect(file.tensors.map(\.name) == ["b", "a"])
        #expect(file.tensor(named: "a").map { file.withBytes(of: $0) { Array($0) } } == [1, 1])
        #expect(file.tensor(named: "b").map { file.withBytes(of: $0) { Array($0) } } == [2, 2])
      }
    }
  }

  @Test func indexesThatLieAreRefused() throws {
    try withFolder { folder in
      let index = folder + "/model.safetensors.index.json"
      try part("a", 1).write(to: folder + "/one.safetensors")
      try part("b", 2).write(to: folder + "/two.safetensors")
      try part("b", 2).write(to: folder + "/again.safetensors")
      func message(_ text: String) throws -> String {
        try write(text, index)
        return failure(folder)?.description ?? "opened"
      }
      #expect(try message("{").contains("the index is not JSON"))
      #expect(try message("[]").contains("key weight_map: is no object"))
      #expect(try message(#"{"weight_map":{}}"#).contains("key weight_map"))
      #expect(try message(#"{"weight_map":{"a":1}}"#).contains("tensor a: its file is not the name"))
      for name in ["", ".", "..", "../one.safetensors", "/etc/passwd", "\\u0000"] {
        #expect(try message(#"{"weight_map":{"a":"\#(name)"}}"#).contains("tensor a: its file is not the name"))
      }
      #expect(try message(#"{"weight_map":{"a":"gone.safetensors"}}"#).contains("gone.safetensors: cannot open"))
      #expect(try message(#"{"weight_map":{"c":"one.safetensors"}}"#).contains("tensor c: is not in"))
      #expect(
        try message(#"{"weight_map":{"a":"one.safetensors","b":"one.safetensors"}}"#).contains("tensor b: is not in"))
      #expect(try message(#"{"weight_map":{"a":"one.safetensors","a":"two.safetensors"}}"#).contains("occurs twice"))
      var both = part("a", 1)
      both.addTensor("extra", shape: [1], type: .u8, bytes: [0])
      try both.write(to: folder + "/one.safetensors")
      #expect(try message(#"{"weight_map":{"a":"one.safetensors"}}"#).contains("tensor extra: is in "))
    }
  }

  @Test func whatIsNoModelIsRefusedByKind() throws {
    try withFolder { folder in
      #expect(failure(folder + "/absent.safetensors")?.code == .notFound)
      #expect(failure(folder + "/absent.index.json")?.code == .notFound)
      try write("some notes\n", folder + "/notes.safetensors")
      #expect(failure(folder + "/notes.safetensors")?.code == .notSafetensors)
      #expect(failure("/dev/null")?.code == .notRegularFile)
      try FileManager.default.createDirectory(
        atPath: folder + "/model.safetensors", withIntermediateDirectories: false)
      #expect(failure(folder)?.code == .isDirectory)
    }
  }
}
