import Foundation
import PumiceModelFiles
import PumiceTokenizers

extension FuzzedReader {
  /// Writes inputs that reach deep: whole files, of which mutations are made.
  func writeSeeds(to folder: URL) throws {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    for (index, seed) in try seeds().enumerated() {
      try Data(seed).write(to: folder.appendingPathComponent("seed-\(index)"))
    }
  }

  private func seeds() throws -> [[UInt8]] {
    switch self {
    case .gguf: try vocabularies().map { try TinyModel.file(tokens: $0.tokens, tokenizer: $0.metadata) }
    case .safetensors: [try TinyModel.folderTensors().bytes()]
    case .config: Self.configurations.map { [UInt8](TinyModel.configuration($0.more, of: $0.type).utf8) }
    case .tokenizer:
      try vocabularies().compactMap { vocabulary in
        let file = try GGUFFile(bytes: TinyModel.file(tokens: vocabulary.tokens, tokenizer: vocabulary.metadata))
        return try? TokenizerJSON.files(of: file)["tokenizer.json"].map { [UInt8]($0.utf8) }
      } + Self.pipelines()
    // Templates come from the folder of fixtures.
    case .template: [[UInt8]("{% for m in messages %}{{ m.role ~ ': ' ~ m['content'] | trim }}{% endfor %}".utf8)]
    }
  }

  /// What `config.json` may say of quantization and of positions.
  private static let configurations: [(type: String, more: String)] =
    [
      "", #", "quantization": {"bits": 4, "group_size": 64, "model.embed_tokens": false}"#,
      #", "quantization": {"bits": 3, "group_size": 32, "mode": "symmetric", "pumice_version": 1}"#,
      #", "quantization_config": {"quant_method": "gptq", "bits": 4, "group_size": 128, "desc_act": true, "sym": true}"#,
      #", "quantization_config": {"quant_method": "awq", "bits": 4, "group_size": 128, "zero_point": true}"#,
      #", "rope_scaling": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "#
        + #""original_max_position_embeddings": 32}"#, #", "rope_scaling": {"type": "linear", "factor": 2.0}"#,
      #", "rope_scaling": {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16, "beta_fast": 32}"#,
    ].map { ("llama", $0) } + [
      ("qwen3", #", "layer_types": ["full_attention"], "sliding_window": 8, "use_sliding_window": true"#),
      ("gemma2", #", "query_pre_attn_scalar": 8, "final_logit_softcapping": 30.0, "attn_logit_softcapping": 50.0"#),
      (
        "phi3",
        #", "rope_scaling": {"type": "longrope", "short_factor": [1, 1, 1, 1], "long_factor": [1.5, 2, 3, 4]}, "#
          + #""original_max_position_embeddings": 32"#
      ),
    ]

  /// Every kind of model, normalizer and pre-tokenizer that the tests of tokenizers have.
  private static func pipelines() throws -> [[UInt8]] {
    let data = try Data(contentsOf: URL(fileURLWithPath: "Tests/Fixtures/Tokenizers/pipelines.json"))
    let fixture = try JSONSerialization.jsonObject(with: data) as? [String: Any]
    return try (fixture?["pipelines"] as? [[String: Any]] ?? []).compactMap { $0["tokenizer"] }.map { tokenizer in
      [UInt8](try JSONSerialization.data(withJSONObject: tokenizer, options: [.withoutEscapingSlashes]))
    }
  }

  private typealias SmallVocabulary = (tokens: Int, metadata: [(String, GGUFValue)])

  /// One of each kind.
  private func vocabularies() throws -> [SmallVocabulary] {
    func vocabulary(_ model: String, _ tokens: [String], _ more: [(String, GGUFValue)]) -> SmallVocabulary {
      let types = tokens.map { Int32($0.hasPrefix("<0x") ? 6 : $0.hasPrefix("<") || $0.hasPrefix("[") ? 3 : 1) }
      let metadata: [(String, GGUFValue)] =
        [
          ("tokenizer.ggml.model", .string(model)), ("tokenizer.ggml.tokens", .array(.string(tokens))),
          ("tokenizer.ggml.token_type", .array(.int32(types))), ("tokenizer.ggml.bos_token_id", .uint32(1)),
          ("tokenizer.ggml.eos_token_id", .uint32(2)),
        ] + more
      return (tokens.count, metadata)
    }
    let bytes = (0...255).map { String(format: "<0x%02X>", $0) }
    let pieces = ["▁", "a", "e", "n", "o", "▁a", "on", "▁on", "▁once"]
    let wordPieces = ["[PAD]", "[CLS]", "[SEP]", "[UNK]", "▁once", "▁up", "on", "▁a", "ing", "▁,", "▁."]
    let printable = Array(33...126) + Array(161...172) + Array(174...255)
    let others = (0...255).filter { !printable.contains($0) }
    let letters = (0...255).map { byte in
      String(Unicode.Scalar(UInt32(others.firstIndex(of: byte).map { 256 + $0 } ?? byte))!)
    }
    return [
      vocabulary(
        "llama", ["<unk>", "<s>", "</s>"] + bytes + pieces,
        [("tokenizer.ggml.scores", .array(.float32((0..<259 + pieces.count).map { -Float($0) })))]),
      vocabulary(
        "gpt2", letters + ["on", "Ġt", "Ġth", "<|end|>"],
        [
          ("tokenizer.ggml.pre", .string("qwen2")),
          ("tokenizer.ggml.merges", .array(.string(["o n", "Ġ t", "Ġt h"]))),
        ]),
      vocabulary(
        "t5", ["<pad>", "</s>", "<unk>"] + pieces,
        [
          ("tokenizer.ggml.scores", .array(.float32((0..<3 + pieces.count).map { -Float($0) }))),
          ("tokenizer.ggml.unknown_token_id", .uint32(2)),
        ]),
      vocabulary("bert", wordPieces, [("tokenizer.ggml.unknown_token_id", .uint32(3))]),
    ]
  }
}
