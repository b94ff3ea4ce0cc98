import Foundation
import PumiceModelFiles
import PumiceTensors
import Testing

@Suite struct FileSystemTests {
  /// Runs `body` with an empty folder that is removed afterwards.
  private func withFolder(_ body: (String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("pumice-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try body(folder.path)
  }

  private func code(_ path: String) -> ModelFileError.Code? {
    do throws(ModelFileError) {
      _ = try GGUFFile(path: path)
      return nil
    } catch {
      #expect(error.description.hasPrefix(error.file + ": "))
      return error.code
    }
  }

  @Test func whatIsNoModelIsRefusedByKind() throws {
    try withFolder { folder in
      #expect(code(folder) == .isDirectory)
      #expect(code(folder + "/absent.gguf") == .notFound)
      try Data().write(to: URL(fileURLWithPath: folder + "/empty"))
      #expect(code(folder + "/empty") == .notGGUF)
      #expect(code(folder + "/empty/below") == .notFound)
      try Data("some notes\n".utf8).write(to: URL(fileURLWithPath: folder + "/notes.txt"))
      #expect(code(folder + "/notes.txt") == .notGGUF)
      #expect(mkfifo(folder + "/pipe", 0o600) == 0)
      #expect(code(folder + "/pipe") == .notRegularFile)
      #expect(code("/dev/null") == .notRegularFile)
    }
  }

  @Test func aMappedFileIsReadAsOneInMemory() throws {
    try withFolder { folder in
      let path = folder + "/model.gguf"
      try sampleWriter().write(to: path)
      let mapped = try GGUFFile(path: path)
      #expect(try Array(Data(contentsOf: URL(fileURLWithPath: path))) == sampleWriter().bytes())
      let blocks = try mapped.requiredTensor(named: "blocks")
      #expect(mapped.withBytes(of: blocks) { Array($0) } == [UInt8](repeating: 7, count: 68))
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["model.gguf"])
    }
  }

  @Test func aWriterThatFailsLeavesTheOldFile() throws {
    try withFolder { folder in
      let path = folder + "/model.gguf"
      try Data("old".utf8).write(to: URL(fileURLWithPath: path))
      for count in [3, 5] {
        var writer = sampleWriter()
        writer.addTensor("wrong", shape: [1], type: .f32, bytes: [UInt8](repeating: 0, count: count))
        let error = #expect(throws: ModelFileError.self) { try writer.write(to: path) }
        #expect(error?.subject == "tensor wrong")
      }
      #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data("old".utf8))
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["model.gguf"])
      #expect(throws: ModelFileError.self) { try sampleWriter().write(to: folder + "/absent/model.gguf") }
    }
  }

  @Test func writersRefuseWhatTheFormatCannotHold() throws {
    func refusal(_ change: (inout GGUFWriter) -> Void) -> ModelFileError.Code? {
      var writer = GGUFWriter()
      change(&writer)
      return #expect(throws: ModelFileError.self) { try writer.bytes() }?.code
    }
    #expect(refusal { $0.addTensor("w", shape: [33], type: .q8_0, bytes: []) } == .invalidTensor)
    #expect(refusal { $0.addTensor("w", shape: [1, 1, 1, 1, 1], floats: [0]) } == .invalidTensor)
    #expect(refusal { $0.addTensor("w", shape: [0], floats: []) } == .invalidTensor)
    #expect(refusal { $0.addTensor("w", shape: [1 << 40, 1 << 40], floats: []) } == .invalidTensor)
    #expect(refusal { $0.addTensor("", shape: [1], floats: [0]) } == .invalidTensor)
    #expect(refusal { $0.metadata[""] = .bool(true) } == .invalidMetadata)
    #expect(
      refusal {
        $0.addTensor("w", shape: [1], floats: [0])
        $0.addTensor("w", shape: [1], floats: [0])
      } == .duplicate)
  }
}

@Suite struct SplitModelTests {
  /// One part with one tensor, named after its number.
  private func part(_ index: Int, of count: Int, total: Int, tensor: String? = nil) -> GGUFWriter {
    var writer = GGUFWriter()
    writer.metadata["general.architecture"] = .string("part \(index)")
    writer.metadata["split.no"] = .uint16(UInt16(index))
    writer.metadata["split.count"] = .uint16(UInt16(count))
    writer.metadata["split.tensors.count"] = .int32(Int32(total))
    writer.addTensor(tensor ?? "w\(index)", shape: [2], floats: [Float(index), 0])
    return writer
  }

  private func withModel(parts: [GGUFWriter], _ body: ([String]) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("pumice-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let paths = parts.indices.map { "\(folder.path)/m-0000\($0 + 1)-of-0000\(parts.count).gguf" }
    for (path, part) in zip(paths, parts) { try part.write(to: path) }
    try body(paths)
  }

  private func failure(_ path: String) -> ModelFileError? {
    do throws(ModelFileError) {
      _ = try GGUFFile(path: path)
      return nil
    } catch { return error }
  }

  @Test func anyPartOpensTheWholeModel() throws {
    try withModel(parts: (0..<3).map { part($0, of: 3, total: 3) }) { paths in
      for path in paths {
        let file = try GGUFFile(path: path)
        #expect(file.tensors.map(\.name) == ["w0", "w1", "w2"])
        #expect(try file.string("general.architecture") == "part 0")
        for tensor in file.tensors {
          let first = file.withBytes(of: tensor) { $0.loadUnaligned(as: Float.self) }
          #expect(first == Float(tensor.fileIndex))
        }
      }
    }
  }

  @Test func missingAndContradictoryPartsAreNamed() throws {
    try withModel(parts: (0..<3).map { part($0, of: 3, total: 3) }) { paths in
      try FileManager.default.removeItem(atPath: paths[1])
      #expect(failure(paths[0])?.code == .notFound)
      #expect(failure(paths[0])?.file == paths[1])
    }
    try withModel(parts: (0..<2).map { part($0, of: 2, total: 5) }) { paths in
      #expect(failure(paths[0])?.description.hasSuffix("key split.tensors.count: is 5, expected 2") == true)
    }
    try withModel(parts: [part(0, of: 2, total: 2), part(0, of: 2, total: 2)]) { paths in
      #expect(failure(paths[0])?.description == "\(paths[1]): key split.no: is 0, expected 1")
    }
    try withModel(parts: [part(0, of: 2, total: 2), part(1, of: 3, total: 2)]) { paths in
      #expect(failure(paths[0])?.description == "\(paths[1]): key split.count: is 3, expected 2")
    }
    try withModel(parts: [part(0, of: 2, total: 2), part(1, of: 2, total: 2, tensor: "w0")]) { paths in
      #expect(failure(paths[0])?.code == .duplicate)
      #expect(failure(paths[0])?.file == paths[1])
    }
  }

  @Test func aPartUnderAnotherNameIsRefused() throws {
    try withModel(parts: (0..<2).map { part($0, of: 2, total: 2) }) { paths in
      let renamed = (paths[0] as NSString).deletingLastPathComponent + "/model.gguf"
      try FileManager.default.moveItem(atPath: paths[0], toPath: renamed)
      #expect(failure(renamed)?.code == .splitMismatch)
    }
  }
}
