import PumiceModelFiles
import PumiceModels
import PumiceOperators
import PumiceTensors

/// A tiny model with random weights of any family, with all that the family's layers have. The same on every machine.
struct FamilyModel {
  let architecture: Architecture
  let variant: Variant
  let width = 32
  let heads = 4
  private let size = 8
  let length = 48

  /// What some models of a family have and others do not.
  enum Variant: String {
    case standard
    /// In families that are mostly without.
    case experts
    /// Scaled rotary frequencies.
    case yarn
    /// Layers with other numbers of heads, and longer networks, than others.
    case lists
  }

  private func queryHeads(_ layer: Int) -> Int { variant == .lists && layer == 1 ? 2 : 4 }
  private func keyHeads(_ layer: Int) -> Int {
    // OLMoE's norms of keys are as wide as those of queries; llama.cpp reads dots1 with as many heads of either alone.
    let hasAll = ["olmoe", "dots1"].contains(architecture.name) || isEncoder && !hasGroups
    return hasAll ? queryHeads(layer) : queryHeads(layer) / 2
  }
  private var hasGroups: Bool { ["eurobert", "gemma-embedding", "llama-embed"].contains(architecture.name) }
  private func networkLength(_ layer: Int) -> Int {
    architecture.name == "arctic" ? width : variant == .lists && layer == 1 ? 32 : length
  }
  static let vocabulary = 48
  static let context = 64
  /// Whether the cache is to keep latents, where the family has them: files may be made for either.
  var absorbsLatents: Bool
  private var random: UInt32

  /// What the golden logits are called.
  var name: String { architecture.name + (variant == .standard ? "" : "+\(variant.rawValue)") }

  init(_ architecture: Architecture, _ variant: Variant = .standard) {
    self.architecture = architecture
    self.variant = variant
    absorbsLatents = architecture.latentAttention != nil && !["minicpm3", "plm"].contains(architecture.name)
    random = architecture.name.utf8.reduce(12345) { $0 &* 31 &+ UInt32($1) }
  }

  /// Enough of them for every pattern.
  private var layers: Int {
    if architecture.name == "baichuan" { return 32 }
    if let blocks { return blocks.count }
    if case .allButEvery(let n)? = architecture.rotary?.layers { return n }
    if architecture.experts != nil, architecture.windows?.period == 1 { return 4 }
    return architecture.windows == nil ? 2 : max(3, architecture.windows!.period)
  }

  // MARK: What files of the family have

  private var isEncoder: Bool { architecture.encoder != nil }
  private var isFused: Bool {
    [
      "qwen", "phi3", "gpt2", "starcoder", "gptneox", "falcon", "bloom", "mpt", "jais", "openelm", "chatglm", "plamo3",
      "cogvlm", "dbrx", "bailingmoe2", "plamo2", "nomic-bert", "jina-bert-v3", "modern-bert", "neo-bert",
    ].contains(architecture.name)
  }
  private var hasFusedGate: Bool {
    [
      "phi3", "chatglm", "glm4", "plamo2", "plamo3", "jina-bert-v2", "modern-bert", "neo-bert",
    ].contains(architecture.name)
  }
  private var isTied: Bool { ["gemma", "gemma2", "command-r", "cohere2", "openelm"].contains(architecture.name) }
  private var hasBiases: Bool {
    [
      "bloom", "gpt2", "gptneox", "starcoder", "starcoder2", "codeshell", "phi2", "jais", "jais2", "nemotron", "phimoe",
      "gpt-oss", "bert", "jina-bert-v2", "jina-bert-v3",
    ].contains(architecture.name)
  }
  private var hasAttentionOutputBias: Bool { hasBiases || architecture.name == "pangu-embedded" }
  /// Of these only larger models have them.
  private var hasNoHeadNorm: Bool { ["command-r", "mpt"].contains(architecture.name) }
  private var normsHaveBias: Bool { !["command-r", "cohere2", "dbrx", "modern-bert"].contains(architecture.name) }

  private var metadata: GGUFMetadata {
    var metadata = GGUFMetadata()
    let name = architecture.name
    metadata["general.architecture"] = .string(name)
    metadata["tokenizer.ggml.model"] = .string("none")
    for (key, value) in [
      ("vocab_size", Self.vocabulary), ("context_length", Self.context), ("embedding_length", width),
      ("block_count", layers), ("feed_forward_length", length * architecture.feedForwardDivisor),
      ("attention.head_count", queryHeads(0)), ("attention.head_count_kv", keyHeads(0)), ("attention.key_length", size),
      ("attention.value_length", size), ("rope.dimension_count", size),
    ] { metadata["\(name).\(key)"] = .uint32(UInt32(value)) }
    for (key, value) in [
      ("attention.layer_norm_epsilon", 1e-5), ("attention.layer_norm_rms_epsilon", 1e-6), ("rope.freq_base", 500),
      ("rope.freq_base_swa", 100), ("attn_logit_softcapping", 2), ("final_logit_softcapping", 3),
      ("attention.max_alibi_bias", 8), ("attention.clamp_kqv", 0.5), ("logit_scale", 0.75), ("residual_scale", 0.5),
      ("embedding_scale", 3), ("attention.scale", 0.4), ("attention.output_scale", 0.4), ("attention.value_scale", 0.7),
    ] as [(String, Float)] { metadata["\(name).\(key)"] = .float32(value) }
    if let windows = architecture.windows {
      metadata["\(name).attention.sliding_window"] = .uint32(5)
      let pattern = (0..<layers).map {
        windows.period < 2 ? $0 % 2 == 0 : $0 % windows.period != (windows.fullFirst ? 0 : windows.period - 1)
      }
      metadata["\(name).attention.sliding_window_pattern"] = .array(.bool(pattern))
    }
    if variant == .lists {
      for (key, value) in [
        ("feed_forward_length", networkLength), ("attention.head_count", queryHeads),
        ("attention.head_count_kv", keyHeads),
      ] { metadata["\(name).\(key)"] = .array(.uint32((0..<layers).map { UInt32(value($0)) })) }
    }
    if variant == .yarn {
      metadata["\(name).rope.scaling.type"] = .string("yarn")
      metadata["\(name).rope.scaling.factor"] = .float32(4)
      metadata["\(name).rope.scaling.original_context_length"] = .uint32(16)
      metadata["\(name).rope.scaling.attn_factor"] = .float32(1.25)
      metadata["\(name).attention.temperature_scale"] = .float32(0.5)
    }
    addExperts(to: &metadata)
    if architecture.hasNormGroups { metadata["\(name).attention.group_norm_groups"] = .uint32(4) }
    if case .parallelByKey = architecture.residual { metadata["\(name).use_parallel_residual"] = .bool(true) }
    if isEncoder { metadata["tokenizer.ggml.token_type_count"] = .uint32(2) }
    if architecture.encoder?.hasDense == true {
      for (key, value) in [("dense_2", (width, length)), ("dense_3", (length, width))] {
        metadata["\(name).\(key)_feat_in"] = .uint32(UInt32(value.0))
        metadata["\(name).\(key)_feat_out"] = .uint32(UInt32(value.1))
      }
    }
    if isEncoder || ["dream", "llada", "llada-moe", "rnd1"].contains(name) {
      metadata["\(name).attention.causal"] = .bool(false)
    }
    if name.hasSuffix("vl") || ["qwen3tts", "paddleocr", "qwen3vlmoe", "qwen35", "qwen35moe"].contains(name) {
      metadata["\(name).rope.dimension_sections"] = .array(.int32([2, 1, 1, 0]))
    }
    addRecurrence(to: &metadata, kvHeads: keyHeads(0))
    addLatents(to: &metadata)
    return metadata
  }

  // MARK: The file

  mutating func writer() -> GGUFWriter {
    var writer = GGUFWriter(metadata: metadata)
    let names = architecture.names
    matrix(names.tokenEmbedding, Self.vocabulary, width, &writer)
    if architecture.positionEmbedding != .none { matrix(names.positionEmbedding, Self.context, width, &writer) }
    if architecture.embeddingNorm == .weights { norm(names.embeddingNorm, architecture.norm, [width], &writer) }
    if architecture.encoder?.hasTokenTypes == true { matrix(names.tokenTypes, 2, width, &writer) }
    if architecture.encoder?.hasOutputNorm != false { norm(names.outputNorm, architecture.norm, [width], &writer) }
    if architecture.encoder?.hasDense == true {
      matrix(names.dense[0], length, width, &writer)
      matrix(names.dense[1], width, length, &writer)
    }
    if !isTied, !isEncoder {
      linear(names.output, Self.vocabulary, width, bias: ["phi2", "phimoe"].contains(architecture.name), &writer)
    }
    for layer in 0..<layers { self.layer(layer, &writer) }
    return writer
  }

  private mutating func layer(_ index: Int, _ writer: inout GGUFWriter) {
    let prefix = "blk.\(index).", names = architecture.names, hasExperts = hasExperts(index)
    let blocks = blocks?[index] ?? [.attention, .feedForward]
    func streamNorm(_ name: String?, _ model: inout FamilyModel, _ writer: inout GGUFWriter) {
      if let name { model.norm(prefix + name, model.architecture.norm, [model.width], &writer) }
    }
    if !(index == 0 && architecture.encoder?.firstNormIsOptional == true) {
      for name in names.attentionNorms { streamNorm(name, &self, &writer) }
    }
    if blocks.contains(.recurrence) { recurrence(prefix, &writer) }
    if blocks.contains(.attention) {
      if architecture.latentAttention == nil { attention(index, &writer) } else { latentAttention(prefix, &writer) }
    }
    if blocks != [.feedForward] { streamNorm(names.postAttentionNorm, &self, &writer) }
    guard blocks.contains(.feedForward) else { return }
    if let name = names.feedForwardNorm, !names.attentionNorms.contains(name) { streamNorm(name, &self, &writer) }
    streamNorm(names.secondNorm, &self, &writer)
    if hasExperts { experts(prefix, &writer) }
    if !hasExperts || [.optional, .required].contains(architecture.experts!.dense) {
      network(prefix, length: networkLength(index), &writer)
    }
    streamNorm(names.postFeedForwardNorm, &self, &writer)
    streamNorm(names.layerOutputNorm, &self, &writer)
  }

  private mutating func network(_ prefix: String, length: Int, _ writer: inout GGUFWriter) {
    let names = architecture.names
    switch architecture.feedForward {
    case .gated where !hasFusedGate, .gatedOrPlain where !hasFusedGate:
      linear(prefix + names.gate, length, width, bias: hasBiases, &writer)
      linear(prefix + names.up, length, width, bias: hasBiases, &writer)
    case .gated, .gatedOrPlain: linear(prefix + names.up, 2 * length, width, bias: false, &writer)
    case .plain: linear(prefix + names.up, length, width, bias: hasBiases, &writer)
    }
    linear(prefix + names.down, width, length, bias: hasBiases, &writer)
  }

  private mutating func attention(_ index: Int, _ writer: inout GGUFWriter) {
    let prefix = "blk.\(index).", names = architecture.names
    let heads = queryHeads(index), kvHeads = keyHeads(index)
    if isFused {
      linear(prefix + names.fused, (heads + 2 * kvHeads) * size, width, bias: hasBiases, &writer)
    } else {
      let gates = architecture.attentionGate == .inQuery ? heads * size : 0
      linear(prefix + names.query, heads * size + gates, width, bias: hasBiases, &writer)
      linear(prefix + names.key, kvHeads * size, width, bias: hasBiases, &writer)
      linear(prefix + names.value, kvHeads * size, width, bias: hasBiases, &writer)
    }
    switch architecture.attentionGate {
    case .none, .inQuery: break
    case .perElement: matrix(prefix + names.attentionGate, heads * size, width, &writer)
    case .perHead: matrix(prefix + names.attentionGate, heads, width, &writer)
    case .byShape:
      matrix(prefix + names.attentionGate, architecture.name == "laguna" ? heads : heads * size, width, &writer)
    }
    if let kind = architecture.headNorm, !hasNoHeadNorm {
      for (name, heads) in [(names.queryNorm, heads), (names.keyNorm, kvHeads)] {
        let shape: Shape =
          switch architecture.name {
          case "olmo2", "olmoe", "minimax-m2", "jina-bert-v2": [heads * size]
          case "stablelm", "k2-horizon", "plamo2": [heads, size]
          default: [size]
          }
        norm(prefix + name, kind.norm, shape, &writer)
      }
    }
    if architecture.hasSinks { vector(prefix + names.sinks + ".weight", [heads], around: 0, &writer) }
    linear(prefix + names.attentionOutput, width, heads * size, bias: hasAttentionOutputBias, &writer)
  }

  // MARK: Tensors

  /// A number in −1 ..< 1, a multiple of 2⁻²³.
  mutating func number() -> Float {
    random = random &* 1_664_525 &+ 1_013_904_223
    return Float(Int32(random >> 8) - 1 << 23) / Float(1 << 23)
  }

  mutating func norm(
    _ name: String, _ kind: Architecture.Norm, _ shape: Shape, _ writer: inout GGUFWriter
  ) {
    guard kind != .plainRMS && kind != .plainLayer else { return }
    let isBare = ["plamo2", "plamo3"].contains(architecture.name) && (name.contains("post_") || name.contains("ssm_"))
    let ending = isBare || (architecture.name == "falcon-h1" && name.hasSuffix("ffn_norm")) ? "" : ".weight"
    vector(name + ending, shape, around: 1, &writer)
    let isHead = name.hasSuffix("_q_norm") || name.hasSuffix("_k_norm")
    if kind == .layer || kind == .rmsAndBias, normsHaveBias, !isHead {
      vector(name + ".bias", shape, around: 0, &writer)
    }
  }

  mutating func linear(
    _ name: String, _ rows: Int, _ columns: Int, bias: Bool, _ writer: inout GGUFWriter
  ) {
    matrix(name, rows, columns, &writer)
    if bias { vector(name + ".bias", [rows], around: 0, &writer) }
  }

  mutating func matrix(_ name: String, _ rows: Int, _ columns: Int, _ writer: inout GGUFWriter) {
    let values = (0..<rows * columns).map { _ in number() * 0.25 }
    writer.addTensor(name + ".weight", shape: [rows, columns], floats: values)
  }

  mutating func vector(_ name: String, _ shape: Shape, around mean: Float, _ writer: inout GGUFWriter) {
    writer.addTensor(name, shape: shape, floats: (0..<shape.count).map { _ in mean + number() * 0.25 })
  }
}
