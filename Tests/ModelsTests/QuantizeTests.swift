import Foundation
import PumiceModelFiles
import PumiceModels
import PumiceQuantization
import PumiceReference
import PumiceTensors
import Testing

@Suite struct QuantizeTests {
  /// A path that nothing is at, for the length of `body`.
  static func withPath<R>(_ name: String, _ body: (String) throws -> R) throws -> R {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("pumice-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try body(folder.appendingPathComponent(name).path)
  }

  private static func quantized(
    _ file: GGUFFile, _ request: QuantizationPlan.Request, importance: ImportanceMatrix? = nil
  ) throws -> GGUFFile {
    try withPath("out.gguf") { path in
      let quantizer = try ModelQuantizer(file, QuantizationPlan(file, request), importance: importance)
      var shares: [Double] = []
      try quantizer.write(to: path) { _, share in shares.append(share) }
      #expect(zip(shares, shares.dropFirst()).allSatisfy { $0 <= $1 } && shares.last == 1)
      let result = try GGUFFile(path: path)
      #expect(result.tensors.reduce(0) { $0 + $1.byteCount } == quantizer.byteCount)
      return result
    }
  }

  /// Σ w (x − y)² / Σ w x²
  private static func error(
    _ name: String, _ file: GGUFFile, _ other: GGUFFile, weights: ((Int) -> Double) = { _ in 1 }
  ) throws -> Double {
    func values(_ file: GGUFFile) throws -> [Double] {
      let tensor = try file.requiredTensor(named: name), format = try file.format(of: tensor)
      return file.withBytes(of: tensor) { format.decode($0, tensor.shape) }
    }
    let x = try values(file), y = try values(other)
    let columns = try file.requiredTensor(named: name).shape.rowLength
    var error = 0.0, energy = 0.0
    for i in x.indices {
      error += weights(i % columns) * (x[i] - y[i]) * (x[i] - y[i])
      energy += weights(i % columns) * x[i] * x[i]
    }
    return error / energy
  }

  @Test func weightsChangeTheirTypeAndNothingElseChanges() throws {
    let file = try DemoModel.open()
    let result = try Self.quantized(file, .init(.block(.q4_K), tokenEmbedding: .block(.q6_K)))
    #expect(result.tensors.map(\.name) == file.tensors.map(\.name))
    for (tensor, old) in zip(result.tensors, file.tensors) {
      #expect(tensor.shape == old.shape)
      if tensor.shape.rank == 1 {
        #expect(result.withBytes(of: tensor, Array.init) == file.withBytes(of: old, Array.init))
      } else {
        #expect(tensor.type == (tensor.name == "token_embd.weight" ? .q6_K : .q4_K))
        #expect(try Self.error(tensor.name, file, result) < 0.01)
      }
    }
    for (key, value) in file.metadata where !["general.file_type", "general.quantization_version"].contains(key) {
      #expect(result.metadata[key] == value)
    }
    #expect(try result.integer("general.file_type") == 14)
  }

  /// Pieces and tasks leave no seams: every row is as if it were encoded alone.
  @Test func rowsAreEncodedOneByOne() throws {
    let file = try DemoModel.open(), result = try Self.quantized(file, .init(.block(.q5_1)))
    let tensor = try file.requiredTensor(named: "token_embd.weight"), format = try file.format(of: tensor)
    let bytes = result.withBytes(of: try result.requiredTensor(named: tensor.name), Array.init)
    let rowBytes = bytes.count / tensor.shape.rows
    for row in [0, 1, 255, 256, 257, tensor.shape.rows - 1] {
      let values = format.decode(rows: [row], of: file.withBytes(of: tensor, Array.init), tensor.shape).map {
        Float($0)
      }
      let encoder = try RowEncoder(.block(.q5_1), columns: tensor.shape.rowLength)
      #expect(try encoder.encode(values) == Array(bytes[row * rowBytes..<(row + 1) * rowBytes]))
    }
  }

  @Test func rowsThatNoBlockDividesFallBackAndSaySo() throws {
    let file = try Fixture.f32.open()
    let narrow = try #require(file.tensors.first { $0.shape.rank == 2 && $0.shape.rowLength % 256 != 0 })
    #expect(narrow.shape.rowLength % 32 == 0)
    for (format, other) in [(BlockFormat.q4_K, GGMLType.q5_0), (.q6_K, .q8_0), (.q2_K, .iq4_nl), (.tq2_0, .q4_0)] {
      let plan = try QuantizationPlan(file, .init(.block(format)))
      let entry = try #require(plan.entries.first { $0.tensor.name == narrow.name })
      #expect(entry.type == other && entry.remark?.contains("\(narrow.shape.rowLength)") == true)
    }
  }

  @Test func badWeightsAreNamedAndLeaveNoFile() throws {
    let name = "blk.0.ffn_up.weight"
    for bad in [Float.nan, -.infinity] {
      var writer = try Fixture.f32.writer { $0.name != name }
      let tensor = try Fixture.f32.open().requiredTensor(named: name)
      var values = [Float](repeating: 0.5, count: tensor.shape.count)
      values[tensor.shape.rowLength * 2 + 3] = bad
      writer.addTensor(name, shape: tensor.shape, floats: values)
      let file = try GGUFFile(bytes: writer.bytes())
      try Self.withPath("out.gguf") { path in
        let quantizer = try ModelQuantizer(file, QuantizationPlan(file, .init(.q4_0)))
        let error = #expect(throws: QuantizationError.self) { try quantizer.write(to: path) { _, _ in } }
        #expect(error?.tensor == name && error?.code == .notFinite)
        #expect(error?.description.contains("row 2, column 3") == true)
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
      }
    }
  }

  @Test func typesWithoutEncoderAreRefused() throws {
    let file = try Fixture.f32.open()
    for format in [TensorFormat.i32, .block(.iq2_xs), try #require(TensorFormat(name: "g4:64"))] {
      let error = #expect(throws: QuantizationError.self) { try QuantizationPlan(file, .init(format)) }
      #expect(error?.code == .unsupportedFormat && error?.detail.contains("q4_k") == true)
    }
  }

  // MARK: Importance

  private static func importance(
    _ file: GGUFFile, kind: String = "imatrix", counts: Float = 2, extra: Int = 0, _ value: (Int) -> Float
  ) throws -> GGUFFile {
    var writer = GGUFWriter()
    writer.metadata["general.type"] = .string(kind)
    writer.metadata["imatrix.chunk_count"] = .uint32(7)
    for tensor in file.tensors where tensor.shape.rank == 2 {
      let columns = tensor.shape.rowLength + extra
      writer.addTensor("\(tensor.name).in_sum2", shape: [columns], floats: (0..<columns).map { 2 * value($0) })
      writer.addTensor("\(tensor.name).counts", shape: [1], floats: [counts])
    }
    return try GGUFFile(bytes: writer.bytes())
  }

  @Test func importanceWeightsTheErrors() throws {
    let file = try DemoModel.open(), name = "blk.1.ffn_down.weight"
    let value: (Int) -> Float = { $0 % 3 == 0 ? 20 : 0.1 }
    let matrix = try ImportanceMatrix(try Self.importance(file, value))
    #expect(matrix.count == file.tensors.filter { $0.shape.rank == 2 }.count && matrix.chunks == 7)
    let plain = try Self.quantized(file, .init(.block(.q2_K)))
    let weighted = try Self.quantized(file, .init(.block(.q2_K)), importance: matrix)
    let errors = try [plain, weighted].map { try Self.error(name, file, $0) { Double(value($0)) } }
    #expect(errors[1] < 0.7 * errors[0])
    #expect(weighted.metadata["quantize.imatrix.chunks_count"] == .uint32(7))
    // Inputs that were never seen say nothing.
    let unseen = try ImportanceMatrix(try Self.importance(file, counts: 0, value))
    let same = try Self.quantized(file, .init(.block(.q2_K)), importance: unseen)
    #expect(try Self.error(name, plain, same) == 0)
  }

  @Test func brokenImportanceIsNamed() throws {
    let file = try Fixture.f32.open()
    #expect(throws: ModelFileError.self) { try ImportanceMatrix(file) }
    #expect(throws: ModelFileError.self) { try ImportanceMatrix(try Self.importance(file) { $0 == 1 ? .nan : 1 }) }
    #expect(throws: ModelFileError.self) { try ImportanceMatrix(try Self.importance(file) { $0 == 1 ? -1 : 1 }) }
    #expect(throws: ModelFileError.self) { try ImportanceMatrix(try Self.importance(file, kind: "model") { _ in 1 }) }
    let other = try ImportanceMatrix(try Self.importance(file, extra: 32) { _ in 1 })
    let plan = try QuantizationPlan(file, .init(.q4_0))
    let error = #expect(throws: ModelFileError.self) { try ModelQuantizer(file, plan, importance: other) }
    #expect(error?.subject?.hasSuffix(".in_sum2") == true)
  }

  // MARK: Budget

  @Test func aBudgetIsKeptAndWellSpent() throws {
    let file = try DemoModel.open()
    let allocation = try QuantizationPlan.allocation(file, budget: 4.5) { _, _ in }
    #expect(allocation.bitsPerWeight <= 4.5 && allocation.bitsPerWeight > 4.2)
    let mixed = try Self.quantized(file, .init(.f16, chosen: allocation.formats))
    let uniform = try Self.quantized(file, .init(.block(.q4_K)))
    let names = file.tensors.filter { $0.shape.rank == 2 }.map(\.name)
    func total(_ other: GGUFFile) throws -> Double {
      try names.reduce(0) { sum, name in
        let tensor = try file.requiredTensor(named: name), format = try file.format(of: tensor)
        let energy = file.withBytes(of: tensor) { format.decode($0, tensor.shape) }.reduce(0) { $0 + $1 * $1 }
        return sum + energy * (try Self.error(name, file, other))
      }
    }
    #expect(try total(mixed) < total(uniform))
    #expect(mixed.tensors.reduce(0) { $0 + $1.byteCount } <= uniform.tensors.reduce(0) { $0 + $1.byteCount })
    #expect(throws: QuantizationError.self) { try QuantizationPlan.allocation(file, budget: 2) { _, _ in } }
  }
}
