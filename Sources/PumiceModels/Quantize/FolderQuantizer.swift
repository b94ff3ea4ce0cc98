import Foundation
public import PumiceModelFiles
import PumiceQuantization
import PumiceReference
import PumiceTensors

/// Writes a Hugging Face folder with its weights as codes with scales for groups, in MLX's layout, or in Pumice's extension.
///
/// Each quantized layer NAME has `NAME.weight` (the codes, U32 [outputs, inputs · bits / 32], lowest bit first),
/// `NAME.scales` and `NAME.biases` ([outputs, groups]); the value of code q is scale · q + bias. `config.json` gets
/// `quantization`. What MLX does not have is marked there by `pumice_version` 1: see `MLXQuantization` and
/// `TensorFormat.sectionTensors`.
///
/// With a rank, the linear layers are split as LoftQ does: what is quantized is the weight less a low-rank pair, which an
/// adapter beside the weights holds (`FolderAdapters`).
public struct FolderQuantizer {
  /// What makes codes out of weights, besides the formats.
  public struct Options: Sendable {
    /// The weights of errors.
    public var importance: ImportanceMatrix?
    /// Of LoftQ's pairs; nil for none.
    public var rank: Int?
    /// Rounds of LoftQ.
    public var rounds: Int
    /// Bytes of tensors in one file.
    public var shardBytes: Int

    public init(importance: ImportanceMatrix? = nil, rank: Int? = nil, rounds: Int = 5, shardBytes: Int = 4 << 30) {
      self.importance = importance
      self.rank = rank
      self.rounds = rounds
      self.shardBytes = shardBytes
    }
  }

  private let file: any SafetensorsTensors
  public let plan: FolderPlan
  private let options: Options
  /// `config.json`.
  private let config: String
  /// What else the folder gets: files that are copied, and texts.
  private let copies: [String]
  private let texts: [String: String]

  /// Of a folder.
  ///
  /// - Parameter folder: with `config.json` and the weights.
  /// - Throws: `invalidMetadata` for a configuration that cannot be read or a model that is quantized already.
  public init(folder: String, _ file: SafetensorsFile, _ plan: FolderPlan, _ options: Options = Options()) throws {
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
    // The tokenizer and whatever else is no weight.
    let copies = try FileManager.default.contentsOfDirectory(atPath: folder).sorted().filter { name in
      [".json", ".jinja", ".txt", ".model"].contains { name.hasSuffix($0) }
        && name != "config.json" && !name.hasSuffix(".safetensors.index.json")
    }
    try self.init(
      file, plan, options, configuration: String(decoding: data, as: UTF8.self), isEmpty: object.isEmpty,
      copies: copies.map { "\(folder)/\($0)" }, texts: [:])
  }

  /// Of a GGUF file.
  ///
  /// - Throws: `invalidTensor` when the importance matrix does not fit the model.
  public init(_ file: GGUFAsFolder, _ plan: FolderPlan, _ options: Options = Options()) throws {
    try self.init(
      file, plan, options, configuration: file.configuration, isEmpty: false, copies: [], texts: file.companions)
  }

  private init(
    _ file: any SafetensorsTensors, _ plan: FolderPlan, _ options: Options, configuration: String, isEmpty: Bool,
    copies: [String], texts: [String: String]
  ) throws {
    self.file = file
    self.plan = plan
    self.options = options
    self.copies = copies
    self.texts = texts
    // The rest of the text stays as it is.
    let start = configuration.firstIndex(of: "{")!
    let members = "\"quantization\": \(plan.configuration),\n  \"quantization_config\": \(plan.configuration)"
    config = "{\n  \(members)\(isEmpty ? "" : ",")" + configuration[configuration.index(after: start)...]
    for entry in plan.entries where entry.format != nil {
      _ = try options.importance?.columns(ofFolderWeight: entry.tensor.name, entry.tensor.shape)
    }
  }

  /// The weights that are encoded without what the importance matrix knows, because it knows nothing about them.
  public var unknownToImportance: [String] {
    guard let importance = options.importance else { return [] }
    return plan.entries.filter { $0.format != nil && !importance.knows(folderWeight: $0.tensor.name) }.map(
      \.tensor.name)
  }

  /// Writes the folder, which must be new or empty. Until all of it is there it has another name, beside its own.
  ///
  /// - Parameter progress: is told the tensor and the share of all elements that are done; what it throws ends the work.
  /// - Throws: `QuantizationError` with the tensor's name, and what writing throws.
  public func write(to output: String, progress: @escaping (_ tensor: String, _ share: Double) throws -> Void) throws {
    let manager = FileManager.default
    var isFolder: ObjCBool = false
    let exists = manager.fileExists(atPath: output, isDirectory: &isFolder)
    if exists, try !isFolder.boolValue || !manager.contentsOfDirectory(atPath: output).isEmpty {
      throw ModelFileError(
        file: output, code: .inputOutput,
        detail: "\(isFolder.boolValue ? "the folder is not empty" : "is a file"); choose another name")
    }
    var name = output
    while name.count > 1, name.hasSuffix("/") { name.removeLast() }
    let temporary = "\(name).\(ProcessInfo.processInfo.processIdentifier).partial"
    do {
      try manager.createDirectory(atPath: temporary, withIntermediateDirectories: true)
      do {
        try fill(temporary, progress)
        if exists { try manager.removeItem(atPath: name) }
        try manager.moveItem(atPath: temporary, toPath: name)
      } catch {
        try? manager.removeItem(atPath: temporary)
        throw error
      }
    } catch let error as CocoaError {
      throw ModelFileError(file: output, code: .inputOutput, detail: error.localizedDescription)
    }
  }

  private func fill(_ output: String, _ progress: @escaping (_ tensor: String, _ share: Double) throws -> Void) throws {
    let total = Double(file.tensors.reduce(0) { $0 + $1.shape.count }), counter = Counter()
    let shards = shards(), adapters = options.rank.map { FolderAdapters(rank: $0) }
    for (index, shard) in shards.enumerated() {
      var writer = SafetensorsWriter(metadata: ["format": "mlx"])
      for entry in shard {
        add(entry, to: &writer, adapters) {
          counter.elements += entry.tensor.shape.count
          try progress(entry.tensor.name, Double(counter.elements) / total)
        }
      }
      try writer.write(to: "\(output)/\(Self.name(index, of: shards.count))")
    }
    if shards.count > 1 { try writeIndex(shards, to: output) }
    try adapters?.write(to: output)
    for (name, text) in texts.sorted(by: { $0.key < $1.key }) { try writeText(text, to: "\(output)/\(name)") }
    try writeText(config, to: "\(output)/config.json")
    for path in copies {
      let source = URL(fileURLWithPath: path)
      try FileManager.default.copyItem(
        at: source.resolvingSymlinksInPath(), to: URL(fileURLWithPath: "\(output)/\(source.lastPathComponent)"))
    }
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
      if bytes > 0, bytes + size > options.shardBytes {
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

  private func add(
    _ entry: FolderPlan.Entry, to writer: inout SafetensorsWriter, _ adapters: FolderAdapters?,
    done: @escaping () throws -> Void
  ) {
    let tensor = entry.tensor
    guard let format = entry.format else {
      writer.addTensor(tensor.name, shape: tensor.shape, type: tensor.type) { sink in
        try file.withBytes(of: tensor, sink)
        try done()
      }
      return
    }
    let rest = Rest()
    for (index, part) in plan.parts(entry).enumerated() {
      writer.addTensor("\(entry.layer).\(part.suffix)", shape: part.shape, type: part.type) { sink in
        // The words of codes come first.
        if rest.sections.isEmpty { rest.sections = try encode(entry, format, adapters) }
        try rest.sections[index].withUnsafeBytes(sink)
        rest.sections[index] = []
        if index == 0 { try done() }
      }
    }
  }

  private func encode(
    _ entry: FolderPlan.Entry, _ format: TensorFormat, _ adapters: FolderAdapters?
  ) throws -> [[UInt8]] {
    let tensor = entry.tensor, columns = tensor.shape.rowLength
    do {
      let weights = try options.importance?.columns(ofFolderWeight: tensor.name, tensor.shape)
      let encoder = try SectionEncoder(
        format, columns: columns, importance: weights, isBalanced: plan.isBalanced)
      var sections: [[UInt8]]
      if let adapters, adapters.wants(entry.layer, tensor.shape) {
        let split = try split(file.elements(of: tensor), encoder, weights, rank: adapters.rank)
        adapters.add(entry.layer, left: split.left, right: split.right)
        sections = split.quantized
      } else {
        sections = try encoder.encode(file.elements(of: tensor))
      }
      guard plan.stored(format) != format, case .group(let group) = format else { return sections }
      sections.append(try offsets(of: group, scales: sections[1]))
      return sections
    } catch let error as QuantizationError {
      throw error.about(tensor.name)
    }
  }

  /// The weight as a quantized one plus a low-rank pair.
  private func split(
    _ values: [Float], _ encoder: SectionEncoder, _ weights: [Float]?, rank: Int
  ) throws -> LowRankSplit<[[UInt8]]> {
    let columns = encoder.columns, rows = values.count / columns
    let sections = encoder.format.sectioned!.sections(rows: rows, columns: columns)!
    // None is so small that its root could not be divided by.
    let mean = weights.map { $0.reduce(0.0) { $0 + Double($1) } / Double(columns) }
    return try LowRankSplit(
      Matrix(rows: rows, columns: columns, values.map(Double.init)), rank: rank, rule: .rounds(options.rounds),
      columnWeights: weights.map { $0.map { max(Double($0) / mean!, 1e-6).squareRoot() } },
      quantizer: .init(
        encode: { try encoder.encode($0.values.map { Float($0) }) },
        decode: { parts in
          var bytes = [UInt8](repeating: 0, count: sections.byteCount)
          for (part, offset) in zip(parts, sections.offsets) {
            bytes.replaceSubrange(offset..<offset + part.count, with: part)
          }
          return Matrix(rows: rows, columns: columns, encoder.format.decode(bytes, [rows, columns]))
        }))
  }

  /// The offsets that give symmetric codes the same values: −2^(bits − 1) · scale, exact in binary.
  private func offsets(of group: GroupFormat, scales: [UInt8]) throws(QuantizationError) -> [UInt8] {
    let number: TensorFormat =
      switch group.scale {
      case .f16: .f16
      case .bf16: .bf16
      case .f32: .f32
      }
    let offsets = number.decode(scales).map { Float(-$0) * Float(group.zero) }
    do throws(QuantizationError) {
      return try RowEncoder(number, columns: offsets.count).encode(offsets)
    } catch {
      throw QuantizationError(.tooLarge, "the offsets of symmetric codes are beyond \(number)")
    }
  }

  private func writeIndex(_ shards: [[FolderPlan.Entry]], to output: String) throws {
    var map: [String: String] = [:]
    for (index, shard) in shards.enumerated() {
      let name = Self.name(index, of: shards.count)
      for entry in shard {
        map[entry.tensor.name] = name
        for part in plan.parts(entry) { map["\(entry.layer).\(part.suffix)"] = name }
      }
    }
    let index: [String: Any] = ["metadata": ["total_size": plan.byteCount], "weight_map": map]
    let data = try JSONSerialization.data(withJSONObject: index, options: [.prettyPrinted, .sortedKeys])
    try writeText(String(decoding: data, as: UTF8.self), to: "\(output)/model.safetensors.index.json")
  }
}

extension SafetensorsTensors {
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
