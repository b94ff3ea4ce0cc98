import Foundation
import PumiceModelFiles
import PumiceModels
import PumiceTensors
import Testing

/// What is refused, by name, and what is left out or changed.
extension FolderFamilyTests {
  @Test(
    arguments: [
      ("llama", "\"model_type\":\"llama\"", "\"model_type\":\"llamas\"", "model_type"),
      ("llama", "\"hidden_act\":\"silu\"", "\"hidden_act\":\"snake\"", "snake"),
      ("llama", "\"hidden_size\":32", "\"hidden_size\":32,\"num_local_experts\":8", "num_local_experts"),
      ("llama", "\"hidden_size\":32", "\"hidden_size\":32,\"attn_logit_softcapping\":30.0", "attn_logit_softcapping"),
      ("llama linear", "\"rope_type\":\"linear\"", "\"rope_type\":\"spiral\"", "spiral"),
      ("falcon 7b", "\"alibi\":false", "\"alibi\":true", "alibi"),
      ("bloom", "\"n_head\":4", "\"n_head\":3", "num_attention_heads"),
      ("olmo3", "\"sliding_attention\",", "\"chunked_attention\",", "layer_types"),
      ("olmoe", "\"clip_qkv\":null", "\"clip_qkv\":0.5", "clip_qkv"),
      ("gpt_oss", "\"swiglu_limit\":7", "\"swiglu_limit\":8", "swiglu_limit"),
      ("deepseek_v2 yarn", "\"mscale_all_dim\":0.707", "\"mscale_all_dim\":1.5", "mscale"),
      ("deepseek_v2", "\"n_group\":null", "\"n_group\":2,\"topk_method\":\"group_limited_greedy\"", "topk_method"),
      ("deepseek_v3", "\"rope_interleave\":true", "\"rope_interleave\":false", "rope_interleave"),
      ("deepseek_v3", "\"n_routed_experts\":8", "\"scoring_func\":\"max\",\"n_routed_experts\":8", "scoring_func"),
      ("dbrx", "\"moe_normalize_expert_weights\":1", "\"moe_normalize_expert_weights\":2", "moe_normalize"),
      ("hunyuan_v1_moe", "\"head_dim\":8", "\"head_dim\":8,\"use_cla\":true", "use_cla"),
      ("hunyuan_v1_moe", "\"moe_topk\":2", "\"moe_topk\":[2,1]", "moe_topk"),
      ("llama4", "\"no_rope_layers\":[1,1,1,0]", "\"no_rope_layers\":[1,0,1,0]", "no_rope_layers"),
      ("mamba2", "\"time_step_limit\":[0", "\"time_step_limit\":[0.5", "time_step_limit"),
      ("falcon_h1 multiplied", "\"mamba_norm_before_gate\":false", "\"mamba_norm_before_gate\":true", "norm_before"),
      ("nemotron_h experts", "\"moe_latent_size\":null", "\"moe_latent_size\":16", "moe_latent_size"),
      ("qwen3_next", "\"linear_attention\",", "\"chunked_attention\",", "layer_types"),
      ("lfm2", "\"block_ffn_dim_multiplier\":1", "\"block_ffn_dim_multiplier\":1e30", "block_ffn_dim_multiplier"),
      ("falcon_h1 multiplied", "\"key_multiplier\":1.5", "\"key_multiplier\":1e300", "key_multiplier"),
      ("minicpm3", "\"scale_emb\":12", "\"scale_emb\":1e300", "scale_emb"),
      ("qwen3_next", "\"linear_num_key_heads\":2", "\"linear_num_key_heads\":3", "groups"),
      ("jamba", "\"num_attention_heads\"", "\"num_heads\"", "num_attention_heads"),
    ] as [(String, String, String, String)])
  func whatCannotBeRunIsRefusedByName(name: String, part: String, other: String, named: String) throws {
    let model = try #require(try Self.models.get()[name])
    let config = model.configs[0]
    #expect(config.contains(part))
    try Self.withFolder(model, config: config.replacingOccurrences(of: part, with: other)) { folder in
      let error = #expect(throws: ModelFileError.self) { try FolderAsGGUF(folder: folder, for: .running) }
      #expect(error.map { "\($0)".contains(named) } == true, "\(String(describing: error))")
    }
  }

  /// Layers that predict tokens further ahead are left out, and others are not.
  @Test(arguments: [("deepseek_v3", 1), ("glm4_moe", 1), ("deepseek_v3", 0)])
  func layersBehindTheLastAreLeftOut(name: String, count: Int) throws {
    var model = try #require(try Self.models.get()[name])
    model.tensors.append(Model.Tensor("model.layers.2.eh_proj.weight", [32, 64], .weights))
    let config = model.configs[0].replacingOccurrences(
      of: "\"num_nextn_predict_layers\":1", with: "\"num_nextn_predict_layers\":\(count)")
    try Self.withFolder(model, config: config) { folder in
      guard count == 0 else {
        let file = try FolderAsGGUF(folder: folder, for: .running)
        #expect(file.tensors.allSatisfy { !$0.name.hasPrefix("blk.2.") })
        return
      }
      let error = #expect(throws: ModelFileError.self) { try FolderAsGGUF(folder: folder, for: .running) }
      #expect(error.map { "\($0)".contains("eh_proj") } == true)
    }
  }

  /// Baichuan 2 makes the rows of the output's matrix as long as 1, as no Baichuan 1 does; transformers has no code of either.
  @Test func outputsOfBaichuan2AreNormalized() throws {
    var model = try #require(try Self.models.get()["llama linear"])
    let vocabulary = 125_696
    for (index, tensor) in model.tensors.enumerated() where !tensor.name.contains("layers") && tensor.shape.count == 2 {
      model.tensors[index].shape = [vocabulary, 32]
    }
    for layer in 0..<2 {
      let prefix = "model.layers.\(layer).self_attn."
      model.tensors.removeAll { ["q", "k", "v"].map { "\(prefix)\($0)_proj.weight" }.contains($0.name) }
      model.tensors.append(Model.Tensor("\(prefix)W_pack.weight", [96, 32], .weights))
    }
    let config = try #require(model.configs.first)
      .replacingOccurrences(of: "\"model_type\":\"llama\"", with: "\"model_type\":\"baichuan\"")
      .replacingOccurrences(of: "\"num_key_value_heads\":2", with: "\"num_key_value_heads\":4")
      .replacingOccurrences(of: "\"vocab_size\":48", with: "\"vocab_size\":\(vocabulary)")
    func weights(_ config: String) throws -> [Float] {
      try Self.withFolder(model, config: config) { folder in
        let file = try FolderAsGGUF(folder: folder, for: .running)
        let tensor = try #require(file.tensor(named: "output.weight"))
        return file.withBytes(of: tensor) { [Float]($0.bindMemory(to: Float.self)) }
      }
    }
    let found = try weights(config)
    let plain = try weights(config.replacingOccurrences(of: "\(vocabulary)", with: "\(vocabulary + 64)"))
    for row in stride(from: 0, to: vocabulary, by: 997) {
      let values = plain[32 * row..<32 * row + 32].map(Double.init)
      let length = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
      #expect(Array(found[32 * row..<32 * row + 32]) == values.map { Float($0 / length) })
    }
  }

  /// Published configurations have a word that JSON does not have.
  @Test func stepsWithoutBoundAreRun() throws {
    let model = try #require(try Self.models.get()["mamba2"]), config = model.configs[0]
    let bound = "{\"__float__\":\"Infinity\"}"
    #expect(config.contains(bound))
    try Self.withFolder(model, config: config.replacingOccurrences(of: bound, with: "Infinity")) { folder in
      let error = try Self.error(try FolderAsGGUF(folder: folder, for: .running), model, on: .reference)
      #expect(error <= 1e-13)
    }
  }

  @Test(
    arguments: [
      ("gpt_oss mxfp4", [4, 16, 1, 16], "_scales"), ("dbrx", [62, 32], "mlp.w1"),
      ("granitemoe", [4, 33, 32], "input_linear"), ("qwen3_moe", [16, 32], "ffn_gate_exps"),
    ] as [(String, [Int], String)])
  func expertsOfAWrongShapeAreNamed(name: String, shape: [Int], named: String) throws {
    var model = try #require(try Self.models.get()[name])
    if named == "ffn_gate_exps" {
      model.tensors.removeAll { $0.name.hasSuffix("layers.0.mlp.experts.2.gate_proj.weight") }
    } else {
      let changed = named == "_scales" ? "_blocks" : named
      let index = try #require(model.tensors.firstIndex { $0.name.contains(changed) })
      model.tensors[index].shape = shape
    }
    try Self.withFolder(model, config: model.configs[0]) { folder in
      let error = #expect(throws: ModelFileError.self) { try FolderAsGGUF(folder: folder, for: .running) }
      #expect(error?.code == .invalidTensor)
      #expect(error.map { "\($0)".contains(named) } == true, "\(String(describing: error))")
    }
  }

  @Test func aTensorWithoutAPlaceIsRefusedByName() throws {
    var model = try #require(try Self.models.get()["llama"])
    model.tensors[3].name = "model.layers.0.self_attn.z_proj.weight"
    try Self.withFolder(model, config: model.configs[0]) { folder in
      let error = #expect(throws: ModelFileError.self) { try FolderAsGGUF(folder: folder, for: .running) }
      #expect(error.map { "\($0)".contains("z_proj") } == true)
    }
  }
}
