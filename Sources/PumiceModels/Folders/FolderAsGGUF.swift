import Foundation
public import PumiceModelFiles
import PumiceReference
public import PumiceTensors
import PumiceTokenizers

/// A Hugging Face folder shown as the GGUF file that its model would be: names, the order of rows, metadata, tokenizer.
///
/// How the families differ says `FolderFamily`.
public struct FolderAsGGUF: GGUFSource {
  /// What a folder is shown for.
  public enum Purpose: Sendable {
    /// To be run: weights in the formats and the order that the folder has them in.
    case running
    /// To be written to a GGUF file: layers that are quantized (MLX's, GPTQ's and AWQ's layouts, Pumice's extension) are shown
    /// in F32, each decoded when its bytes are asked for, and rows in GGUF's order.
    case conversion
  }

  private let file: SafetensorsFile
  public let path: String
  public let metadata: GGUFMetadata
  public let tensors: [GGUFTensor]
  /// The layers as the folder has them; nil for what GGUF's files of that architecture have.
  let architecture: Architecture?
  private let positions: [String: Int]
  private let sources: [String: FolderTensor]

  /// - Throws: `unknownArchitecture` for folders of a family that is not known, `unsupportedModel` for what its models cannot
  ///   be run with, or a GGUF file cannot hold, `unsupportedQuantization`, and what is wrong with the files.
  public init(folder: String, for purpose: Purpose = .conversion) throws {
    let config = try FolderConfiguration(folder: folder, isRun: purpose == .running)
    file = try SafetensorsFile(path: folder)
    path = folder
    architecture = purpose == .running ? config.architecture : nil
    let quantization = config.hasMXFP4 ? nil : try QuantizationConfig(path: folder)
    var reader = FolderTensors(file, config, quantization, isRun: purpose == .running)
    sources = try reader.read()
    var tensors: [GGUFTensor] = []
    for (name, source) in sources {
      guard let tensor = GGUFTensor(name: name, shape: source.shape, type: source.type) else {
        throw ModelFileError(
          file: folder, code: .invalidTensor, subject: "tensor \(name)",
          detail: "\(source.shape) elements of \(source.type) cannot be shown")
      }
      tensors.append(tensor)
    }
    self.tensors = tensors.sorted { Self.order($0.name).lexicographicallyPrecedes(Self.order($1.name)) }
    positions = Dictionary(uniqueKeysWithValues: self.tensors.enumerated().map { ($1.name, $0) })
    var metadata = config.metadata
    let rows = sources["token_embd.weight"]?.shape.dimensions[0] ?? 0
    metadata["\(config.family.architecture).vocab_size"] = .uint32(UInt32(clamping: rows))
    let tokenizer =
      purpose == .running
      ? try TokenizerJSON.runningMetadata(folder: folder, bos: config.bosToken, eos: config.eosTokens)
      : try TokenizerJSON.metadata(folder: folder, tokens: rows, bos: config.bosToken, eos: config.eosTokens)
    for (key, value) in tokenizer { metadata[key] = value }
    self.metadata = metadata
    // The same checks as before a model runs: all tensors, in the shapes that the configuration says.
    let model = try ModelConfiguration(self)
    _ = try ModelTensors(self, model)
    if purpose == .conversion { try checkLayers(of: model, as: config) }
  }

  /// Checks that GGUF's architecture has the layers of the folder.
  private func checkLayers(of model: ModelConfiguration, as config: FolderConfiguration) throws {
    let folder = try ModelConfiguration(self, config.architecture)
    for (index, (found, wanted)) in zip(model.layers, folder.layers).enumerated() {
      var (found, wanted) = (found, wanted)
      // A window as long as the context hides nothing.
      if let window = wanted.window, window >= model.contextLength { wanted.window = nil }
      if let window = found.window, window >= model.contextLength { found.window = nil }
      // Scales that were computed in another order.
      if abs(found.attentionScale - wanted.attentionScale) <= 1e-6 * wanted.attentionScale {
        found.attentionScale = wanted.attentionScale
      }
      guard found == wanted, model.scoreCap == folder.scoreCap else {
        throw error(
          .unsupportedModel, subject: "layer \(index)",
          "GGUF's \(config.family.architecture) cannot hold its window, its rotary positions, the scale of its scores or "
            + "its choice of experts")
      }
    }
    let same: [KeyPath<ModelConfiguration, Float>] = [\.embeddingScale, \.residualScale, \.logitScale]
    guard same.allSatisfy({ model[keyPath: $0] == folder[keyPath: $0] }),
      model.projectionClamp == folder.projectionClamp, model.architecture.headNorm == folder.architecture.headNorm,
      model.temperature == folder.temperature, model.logitCap == folder.logitCap,
      model.recurrence?.kind == folder.recurrence?.kind, model.ropePairing == config.pairingInGGUF
    else {
      throw error(
        .unsupportedModel,
        "GGUF's \(config.family.architecture) cannot hold its factors, its bounds or its norms of queries and keys")
    }
  }

  /// Layers by number, what is outside of them first.
  private static func order(_ name: String) -> [String] {
    let parts = name.split(separator: ".").map(String.init)
    guard parts[0] == "blk", parts.count > 1 else { return [""] + parts }
    return ["blk", String(repeating: "0", count: max(0, 6 - parts[1].count)) + parts[1]] + parts.dropFirst(2)
  }

  public func tensor(named name: String) -> GGUFTensor? { positions[name].map { tensors[$0] } }

  public func format(of tensor: GGUFTensor) -> TensorFormat { sources[tensor.name]!.format }

  /// Whether the bytes of a tensor lie in a file as they are shown.
  func isMapped(_ tensor: GGUFTensor) -> Bool { sources[tensor.name]!.isMapped }

  public func withBytes<R>(of tensor: GGUFTensor, _ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    try file.withBytes(of: sources[tensor.name]!, body)
  }

  public func withEnds(of tensor: GGUFTensor, atMost count: Int, _ body: (UnsafeRawBufferPointer) -> Void) {
    file.withEnds(of: sources[tensor.name]!, atMost: count, body)
  }
}
