import Foundation
public import PumiceModelFiles
import PumiceQuantization
import PumiceReference
import PumiceTensors

/// Writes a Hugging Face folder with its weights as codes with scales for groups, in MLX's layout.
///
/// Each quantized layer NAME has `NAME.weight` (the codes, U32 [outputs, inputs · bits / 32], lowest bit first),
/// `NAME.scales` and `NAME.biases` ([outputs, groups]); the value of code q is scale · q + bias. `config.json` gets
/// `quantization`. Where MLX has no such width or group, `pumice_version` 1 marks Pumice's extension: 1 to 8 bits, groups of
/// any multiple of 32 or whole rows (−1), and symmetric codes without biases.
public struct FolderQuantizer {
  private let file: SafetensorsFile
  private let folder: String
  public let plan: FolderPlan
  private let config: String

  /// Bytes of tensors in one file.
  private static let shardBytes = 4 << 30

  /// - Parameter folder: with `config.json` and the weights.
  /// - Throws: `invalidMetadata` for a configuration that cannot be read or a model that is quantized already.
  public init(folder: String, _ file: SafetensorsFile, _ plan: FolderPlan) throws {
    self.file = file
    self.folder = folder
    self.plan = plan
    let path = "\(folder)/config.json"
    guard let data = FileManager.default.contents(atPath: path) else {
      throw ModelFileError(file: path, code: .notFound, detail: "cannot be read")
    }
    guard let object = try? JSONSerialization.jsonObject(with: data) as? [String: Any] else {
      throw ModelFileError(file: path, code: .invalidMetadata, detail: "is not a JSON object")
    }
    for key in ["quantization", "quantization_config"] where object[key].map({ !($0 is NSNull) }) ?? false {
      throw ModelFileError(
        file: path, code: .invalidMetadata, subject: "key \(key)", detail: "the model is quantized already")
    }
    // The rest of the text stays as it is.
    let text = String(decoding: data, as: UTF8.self)
    let start = text.firstIndex(of: "{")!
    let members = "\"quantization\": \(plan.configuration),\n  \"quantization_config\": \(plan.configuration)"
    config = "{\n  \(members)\(object.isEmpty ? "" : ",")" + text[text.index(after: start)...]
  }

  /// Writes the folder, which must be new or empty.
  ///
  /// - Parameter progress: is told the tensor and the share of all elements that are done; what it throws ends the work.
  /// - Throws: `QuantizationError` with the tensor's name, and what writing throws.
  public func write(to output: String, progress: @escaping (_ tensor: String, _ share: Double) throws -> Void) throws {
    let manager = FileManager.default
    do {
      try manager.createDirectory(atPath: output, withIntermediateDirectories: true)
      guard try manager.contentsOfDirectory(atPath: output).isEmpty else {
        throw ModelFileError(file: output, code: .inputOutput, detail: "the folder is not empty; choose another name")
      }
    } catch let error as ModelFileError {
      throw error
    } catch {
      throw ModelFileError(file: output, code: .inputOutput, detail: error.localizedDescription)
    }
    let total = Double(file.tensors.reduce(0) { $0 + $1.shape.count }), counter = Counter()
    let shards = shards()
    for (index, shard) in shards.enumerated() {
      var writer = SafetensorsWriter(metadata: ["format": "mlx"])
      for entry in shard {
        add(entry, to: &writer) {
          counter.elements += entry.tensor.shape.count
          try progress(entry.tensor.name, Double(counter.elements) / total)
        }
      }
      try writer.write(to: "\(output)/\(Self.name(index, of: shards.count))")
    }
    if shards.count > 1 { try writeIndex(shards, to: output) }
    try write(config, to: "\(output)/config.json")
    try copyOthers(to: output)
  }

  /// How many elements are done.
  private final class Counter {
    var elements = 0
  }

  /// What a tensor's codes leave until their turn comes to be written.
  private final class Rest {
    var sections: [[UInt8]] = []
  }

  private func shards() -> [[FolderPlan.Entry]] {
    var shards: [[FolderPlan.Entry]] = [[]], bytes = 0
    for entry in plan.entries {
      let size = plan.byteCount(entry)
      if bytes > 0, bytes + size > Self.shardBytes {
        shards.append([])
        bytes = 0
      }
      shards[shards.count - 1].append(entry)
      bytes += size
    }
    return shards
  }

  private static func name(_ index: Int, of count: Int) -> String {
    func padded(_ number: Int) -> String { String(repeating: "0", count: max(0, 5 - "\(number)".count)) + "\(number)" }
    return count == 1 ? "model.safetensors" : "model-\(padded(index + 1))-of-\(padded(count)).safetensors"
  }

  private func add(_ entry: FolderPlan.Entry, to writer: inout SafetensorsWriter, done: @escaping () throws -> Void) {
    let tensor = entry.tensor
    guard let format = entry.format else {
      writer.addTensor(tensor.name, shape: tensor.shape, type: tensor.type) { sink in
        try file.withBytes(of: tensor, sink)
        try done()
      }
      return
    }
    let rows = tensor.shape.rows, columns = tensor.shape.rowLength
    let numbers: Shape = [rows, format.groups(columns: columns)]
    let numberType: SafetensorsType =
      switch format.scale {
      case .f16: .f16
      case .bf16: .bf16
      case .f32: .f32
      }
    let rest = Rest()
    writer.addTensor(tensor.name, shape: [rows, columns / 32 * format.bits], type: .u32) { sink in
      var sections = try encode(tensor, format)
      if plan.hasOffsets(format), format.offset == .symmetric {
        sections = try withOffsets(sections, format, tensor.name)
      }
      try sections[0].withUnsafeBytes(sink)
      rest.sections = sections
      rest.sections[0] = []
      try done()
    }
    writer.addTensor("\(entry.layer).scales", shape: numbers, type: numberType) { sink in
      try rest.sections[1].withUnsafeBytes(sink)
      rest.sections[1] = []
    }
    guard plan.hasOffsets(format) else { return }
    writer.addTensor("\(entry.layer).biases", shape: numbers, type: numberType) { sink in
      try rest.sections[2].withUnsafeBytes(sink)
      rest.sections[2] = []
    }
  }

  private func encode(_ tensor: SafetensorsTensor, _ format: GroupFormat) throws -> [[UInt8]] {
    do throws(QuantizationError) {
      let encoder = try SectionEncoder(.group(format), columns: tensor.shape.rowLength)
      return try encoder.encode(file.elements(of: tensor))
    } catch {
      throw error.about(tensor.name)
    }
  }

  /// The sections of symmetric codes with the offsets that give the same values: −2^(bits − 1) · scale, exact in binary.
  private func withOffsets(_ sections: [[UInt8]], _ format: GroupFormat, _ name: String) throws -> [[UInt8]] {
    let number: TensorFormat =
      switch format.scale {
      case .f16: .f16
      case .bf16: .bf16
      case .f32: .f32
      }
    let offsets = number.decode(sections[1]).map { Float(-$0) * Float(format.zero) }
    let bytes: [UInt8]
    do throws(QuantizationError) {
      bytes = try RowEncoder(number, columns: offsets.count).encode(offsets)
    } catch {
      throw QuantizationError(.tooLarge, tensor: name, "the offsets of symmetric codes are beyond \(number)")
    }
    return sections + [bytes]
  }

  private func writeIndex(_ shards: [[FolderPlan.Entry]], to output: String) throws {
    var map: [String: String] = [:]
    for (index, shard) in shards.enumerated() {
      let name = Self.name(index, of: shards.count)
      for entry in shard {
        map[entry.tensor.name] = name
        guard let format = entry.format else { continue }
        map["\(entry.layer).scales"] = name
        if plan.hasOffsets(format) { map["\(entry.layer).biases"] = name }
      }
    }
    let index: [String: Any] = ["metadata": ["total_size": plan.byteCount], "weight_map": map]
    let data = try JSONSerialization.data(withJSONObject: index, options: [.prettyPrinted, .sortedKeys])
    try write(String(decoding: data, as: UTF8.self), to: "\(output)/model.safetensors.index.json")
  }

  /// The tokenizer and whatever else is no weight.
  private func copyOthers(to output: String) throws {
    let manager = FileManager.default
    for name in try manager.contentsOfDirectory(atPath: folder).sorted() {
      let isKnown = [".json", ".jinja", ".txt", ".model"].contains { name.hasSuffix($0) }
      guard isKnown, name != "config.json", !name.hasSuffix(".safetensors.index.json") else { continue }
      try manager.copyItem(
        at: URL(fileURLWithPath: "\(folder)/\(name)").resolvingSymlinksInPath(),
        to: URL(fileURLWithPath: "\(output)/\(name)"))
    }
  }

  private func write(_ text: String, to path: String) throws {
    do { try Data(text.utf8).write(to: URL(fileURLWithPath: path), options: .atomic) } catch {
      throw ModelFileError(file: path, code: .inputOutput, detail: error.localizedDescription)
    }
  }
}

extension SafetensorsFile {
  /// The elements of a tensor of plain numbers.
  func elements(of tensor: SafetensorsTensor) -> [Float] {
    guard let format = tensor.format else { preconditionFailure("\(tensor.name) is \(tensor.type)") }
    var values: [Float] = []
    values.reserveCapacity(tensor.shape.count)
    withBytes(of: tensor) { bytes in
      // Pieces bound the memory for numbers of twice the width.
      let step = 1 << 20
      for start in stride(from: 0, to: bytes.count, by: step) {
        let piece = format.decode(UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + step, bytes.count)]))
        for value in piece { values.append(Float(value)) }
      }
    }
    return values
  }
}
