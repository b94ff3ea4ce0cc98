public import PumiceModelFiles
import PumiceReference
import PumiceTensors
import PumiceTokenizers

/// A GGUF file of the Llama architecture, shown as the Hugging Face folder that its model would be: names, the order of
/// rows, `config.json`, `tokenizer.json`.
///
/// Tensors in GGUF's block formats are shown in F32, each decoded when its bytes are asked for.
public struct GGUFAsFolder: SafetensorsTensors {
  private let file: GGUFFile
  private let rows: HeadRows
  public let tensors: [SafetensorsTensor]
  /// By the names of `tensors`.
  private let sources: [String: GGUFTensor]
  /// `config.json`, without anything about quantization.
  public let configuration: String
  /// Files beside the weights by name, with their contents.
  public let companions: [String: String]

  public var path: String { file.path }

  /// - Throws: `unknownArchitecture` for other architectures, `unsupportedModel` for what a folder of the Llama
  ///   architecture cannot hold: scales of products, a table of rotary factors that is not Llama 3's, a part of the
  ///   biases; a `TokenizerError`; and what is wrong with the file.
  public init(_ file: GGUFFile) throws {
    let model = try ModelConfiguration(file)
    guard model.architecture.name == Architecture.llama.name else {
      throw file.error(
        .unknownArchitecture, subject: "key general.architecture",
        "a folder cannot be written of “\(model.architecture.name)”, only of llama")
    }
    _ = try ModelTensors(file, model)
    self.file = file
    rows = HeadRows(headSize: model.headSize)
    guard model.rotaryDimensions == model.headSize else {
      throw file.error(
        .unsupportedModel, subject: "key \(model.architecture.name).rope.dimension_count",
        "folders cannot hold heads of \(model.headSize) of which \(model.rotaryDimensions) are turned")
    }
    guard model.yarn == nil, model.ropeMagnitude == 1 else {
      throw file.error(
        .unsupportedModel, subject: "key \(model.architecture.name).rope.scaling.type",
        "folders are written without scaling or with that of Llama 3 or linear scaling")
    }
    guard model.layers.allSatisfy({ $0 == model.layers[0] }) else {
      throw file.error(.unsupportedModel, "folders are written of models whose layers are all alike")
    }
    var tensors: [SafetensorsTensor] = [], sources: [String: GGUFTensor] = [:]
    var scaling = model.ropeScale == 1 ? RopeScaling.none : .linear(factor: 1 / model.ropeScale)
    for tensor in file.tensors {
      if tensor.name == model.architecture.names.ropeFactors + ".weight" {
        let values = file.withBytes(of: tensor) { tensor.format!.decode($0).map(Float.init) }
        guard model.ropeScale == 1, let found = RopeScaling(factors: values, base: model.ropeBase) else {
          throw file.error(
            .unsupportedModel, subject: "tensor \(tensor.name)", "its factors are not those of Llama 3's rope_scaling")
        }
        scaling = found
        continue
      }
      guard let name = FolderNames.folderName(tensor.name) else {
        throw file.error(.unsupportedModel, subject: "tensor \(tensor.name)", "folders have no place for it")
      }
      let type: SafetensorsType =
        switch tensor.type {
        case .f16: .f16
        case .bf16: .bf16
        default: .f32
        }
      guard let shown = SafetensorsTensor(name: name, shape: tensor.shape, type: type) else {
        throw file.error(.invalidTensor, subject: "tensor \(tensor.name)", "is too large for \(type)")
      }
      tensors.append(shown)
      sources[name] = tensor
    }
    self.tensors = tensors
    self.sources = sources
    let biases = try Self.biases(file, model)
    var companions: [String: String] = [:]
    var special: [(String, Int32)] = []
    if file.metadata["tokenizer.ggml.model"] != nil {
      let tokenizer = try Tokenizers.load(from: file)
      special = [("bos_token_id", tokenizer.bosToken), ("eos_token_id", tokenizer.eosToken)].compactMap { name, id in
        id.map { (name, $0) }
      }
      companions = try TokenizerJSON.files(of: file)
    }
    self.companions = companions
    configuration = Self.configuration(
      model, scaling, isTied: sources["lm_head.weight"] == nil, biases: biases, special: special)
  }

  /// Which kinds of layers have biases; folders say it for all of a kind.
  private static func biases(
    _ file: GGUFFile, _ model: ModelConfiguration
  ) throws(ModelFileError) -> (attention: Bool, feedForward: Bool) {
    let names = model.architecture.names
    func all(_ parts: [String]) throws(ModelFileError) -> Bool {
      let wanted = (0..<model.layerCount).flatMap { layer in parts.map { names.inLayer(layer, $0) + ".bias" } }
      let found = wanted.filter { file.tensor(named: $0) != nil }
      guard found.isEmpty || found.count == wanted.count else {
        throw file.error(
          .unsupportedModel, subject: "tensor \(found[0])", "folders have biases for all layers of a kind or for none")
      }
      return !found.isEmpty
    }
    return (
      try all([names.query, names.key, names.value, names.attentionOutput]),
      try all([names.gate, names.up, names.down])
    )
  }

  private static func configuration(
    _ model: ModelConfiguration, _ scaling: RopeScaling, isTied: Bool, biases: (attention: Bool, feedForward: Bool),
    special: [(String, Int32)]
  ) -> String {
    let members: [(String, String)] =
      [
        ("architectures", "[\"LlamaForCausalLM\"]"), ("model_type", "\"llama\""), ("hidden_act", "\"silu\""),
        ("hidden_size", "\(model.embeddingLength)"), ("intermediate_size", "\(model.feedForwardLength)"),
        ("num_hidden_layers", "\(model.layerCount)"), ("num_attention_heads", "\(model.headCount)"),
        ("num_key_value_heads", "\(model.kvHeadCount)"), ("head_dim", "\(model.headSize)"),
        ("max_position_embeddings", "\(model.contextLength)"), ("rms_norm_eps", "\(model.normEpsilon)"),
        ("rope_theta", "\(model.ropeBase)"), ("rope_scaling", scaling.configuration),
        ("vocab_size", "\(model.vocabularySize)"), ("tie_word_embeddings", "\(isTied)"),
        ("attention_bias", "\(biases.attention)"), ("mlp_bias", "\(biases.feedForward)"),
        ("torch_dtype", "\"float16\""),
      ] + special.map { ($0, "\($1)") }
    return "{\n" + members.map { "  \"\($0)\": \($1)" }.joined(separator: ",\n") + "\n}\n"
  }

  public func withBytes<R>(
    of tensor: SafetensorsTensor, _ body: (UnsafeRawBufferPointer) throws -> R
  ) rethrows -> R {
    let source = sources[tensor.name]!
    let stem = source.name.split(separator: ".").dropLast().last
    let isReordered = stem == "attn_q" || stem == "attn_k"
    if !isReordered, source.type.format == tensor.format { return try file.withBytes(of: source, body) }
    var bytes = file.withBytes(of: source) { bytes in
      source.type.format == tensor.format
        ? [UInt8](bytes) : floatBytes(source.format!.decode(bytes, source.shape))
    }
    if isReordered {
      // A bias has a row of one element for each row of its weight.
      let count = source.shape[0]
      bytes = bytes.withUnsafeBytes { [rows] in
        FolderRows(count: count) { rows.ggufRow($0) }.bytes(of: $0, size: $0.count / count)
      }
    }
    return try bytes.withUnsafeBytes(body)
  }
}

/// Numbers as F32 stores them.
func floatBytes(_ values: [Double]) -> [UInt8] {
  values.map { Float($0).bitPattern.littleEndian }.withUnsafeBytes { [UInt8]($0) }
}
