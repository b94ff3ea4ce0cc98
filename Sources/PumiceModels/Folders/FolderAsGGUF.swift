import Foundation
public import PumiceModelFiles
import PumiceReference
import PumiceTensors
import PumiceTokenizers

/// A Hugging Face folder of the Llama architecture, shown as the GGUF file that its model would be: names, the order of
/// rows, metadata, tokenizer.
///
/// Layers that are quantized (MLX's, GPTQ's and AWQ's layouts, Pumice's extension) are shown in F32, each decoded when its
/// bytes are asked for.
public struct FolderAsGGUF: GGUFSource {
  private let file: SafetensorsFile
  private let rows: HeadRows
  public let path: String
  public let metadata: GGUFMetadata
  public let tensors: [GGUFTensor]
  private let positions: [String: Int]
  private let sources: [String: Source]

  private enum Source {
    case plain(SafetensorsTensor)
    case layer(LinearTensors, TensorFormat)
    /// Llama 3's rotary factors, which folders have as parameters.
    case values([Float])
  }

  /// - Throws: `unknownArchitecture` for folders of other models than Llama's, `unsupportedModel` for what GGUF's Llama
  ///   cannot hold, `unsupportedQuantization`, and what is wrong with the files.
  public init(folder: String) throws {
    let file = try SafetensorsFile(path: folder)
    let config = try FolderConfiguration(folder: folder)
    let quantization = try QuantizationConfig(path: folder)
    var tensors: [GGUFTensor] = [], sources: [String: Source] = [:]
    func add(_ name: String, _ shape: Shape, _ type: GGMLType, _ source: Source) throws {
      guard sources[name] == nil, let tensor = GGUFTensor(name: name, shape: shape, type: type) else {
        throw ModelFileError(
          file: folder, code: .invalidTensor, subject: "tensor \(name)",
          detail: "\(shape) elements of \(type) cannot be shown, or are there twice")
      }
      tensors.append(tensor)
      sources[name] = source
    }
    if let factors = config.scaling.factors(rotaryDimensions: config.headSize, base: config.ropeBase) {
      try add("rope_freqs.weight", [factors.count], .f32, .values(factors))
    }
    var layers: Set<String> = []
    for tensor in file.tensors {
      guard let (layer, part) = Self.split(tensor.name) else { throw Self.homeless(file, tensor) }
      // Recomputed by every program.
      if part == "inv_freq" { continue }
      // A copy of the embedding that some programs write.
      if config.isTied, layer == "lm_head" { continue }
      let isNumbers =
        ["weight", "bias"].contains(part) && tensor.format?.isPlain == true
      if isNumbers {
        guard let name = FolderNames.ggufName(tensor.name), let type = tensor.format.flatMap(GGMLType.init) else {
          throw Self.homeless(file, tensor)
        }
        try add(name, tensor.shape, tensor.shape.rank == 1 ? .f32 : type, .plain(tensor))
        continue
      }
      guard layers.insert(layer).inserted else { continue }
      guard let name = FolderNames.ggufName("\(layer).weight") else { throw Self.homeless(file, tensor) }
      let linear = try file.linear(named: layer, quantization: quantization)
      guard let format = linear.format else {
        throw file.error(.unsupportedQuantization, tensor, "its layout cannot be computed with")
      }
      try add(name, [linear.outputs, linear.inputs], .f32, .layer(linear, format))
    }
    self.file = file
    self.tensors = tensors.sorted { Self.order($0.name).lexicographicallyPrecedes(Self.order($1.name)) }
    positions = Dictionary(uniqueKeysWithValues: self.tensors.enumerated().map { ($1.name, $0) })
    self.sources = sources
    path = folder
    rows = HeadRows(headSize: config.headSize)
    var metadata = config.metadata
    let embedding = tensors.first { $0.name == "token_embd.weight" }
    for (key, value) in try TokenizerJSON.metadata(
      folder: folder, tokens: embedding?.shape[0] ?? 0, bos: config.bosToken, eos: config.eosTokens)
    {
      metadata[key] = value
    }
    self.metadata = metadata
    // The same checks as before a model runs: all tensors, in the shapes that the configuration says.
    _ = try ModelTensors(self, try ModelConfiguration(self))
  }

  private static func homeless(_ file: SafetensorsFile, _ tensor: SafetensorsTensor) -> ModelFileError {
    file.error(.unsupportedModel, tensor, "GGUF's Llama has no place for it")
  }

  /// The name of a layer and of a part of it.
  private static func split(_ name: String) -> (layer: String, part: String)? {
    guard let dot = name.lastIndex(of: ".") else { return nil }
    return (String(name[..<dot]), String(name[name.index(after: dot)...]))
  }

  /// Layers by number, what is outside of them first.
  private static func order(_ name: String) -> [String] {
    let parts = name.split(separator: ".").map(String.init)
    guard parts[0] == "blk", parts.count > 1 else { return [""] + parts }
    return ["blk", String(repeating: "0", count: max(0, 6 - parts[1].count)) + parts[1]] + parts.dropFirst(2)
  }

  public func tensor(named name: String) -> GGUFTensor? { positions[name].map { tensors[$0] } }

  public func withBytes<R>(of tensor: GGUFTensor, _ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    let stem = tensor.name.split(separator: ".").dropLast().last
    let isReordered = stem == "attn_q" || stem == "attn_k"
    var bytes: [UInt8]
    switch sources[tensor.name]! {
    case .plain(let source):
      if !isReordered, source.format == tensor.format { return try file.withBytes(of: source, body) }
      bytes = file.withBytes(of: source) { bytes in
        source.format == tensor.format ? [UInt8](bytes) : floatBytes(source.format!.decode(bytes))
      }
    case .layer(let layer, let format): bytes = floatBytes(file.values(of: layer, format))
    case .values(let values): bytes = floatBytes(values.map(Double.init))
    }
    if isReordered {
      bytes = bytes.withUnsafeBytes { HeadRows.reordered($0, rows: tensor.shape[0], by: rows.folderRow) }
    }
    return try bytes.withUnsafeBytes(body)
  }
}

extension SafetensorsFile {
  /// The weight of a layer, row after row.
  ///
  /// - Parameter format: the layer's.
  func values(of layer: LinearTensors, _ format: TensorFormat) -> [Double] {
    let shape: Shape = [layer.outputs, layer.inputs]
    guard let sections = format.sectioned?.sections(rows: layer.outputs, columns: layer.inputs) else {
      return withBytes(of: layer.parts[0]) { format.decode($0, shape) }
    }
    var bytes = [UInt8](repeating: 0, count: sections.byteCount)
    for (part, offset) in zip(layer.parts, sections.offsets) {
      withBytes(of: part) { bytes.replaceSubrange(offset..<offset + $0.count, with: $0) }
    }
    return format.decode(bytes, shape)
  }
}
