import PumiceModelFiles
import PumiceOperators

extension FolderFamily {
  /// State-space models, and families that mix their layers with attention.
  static let recurrent = [
    FolderFamily(
      types: ["mamba"], architecture: "mamba", prefixes: ["backbone."], outer: Names.backbone, inner: Names.mamba,
      isTied: true, epsilon: 1e-5, context: 1 << 20, wanted: ["hidden_act": .string("silu")],
      recurrence: FolderRecurrence(sizes: mambaSizes)),
    FolderFamily(
      types: ["falcon_mamba"], architecture: "mamba", prefixes: ["backbone."], outer: Names.backbone,
      inner: Names.mamba, isTied: true, epsilon: 1e-5, context: 1 << 20, wanted: ["hidden_act": .string("silu")],
      keys: [FolderKey("ssm.dt_b_c_rms") { _ in .bool(true) }], recurrence: FolderRecurrence(sizes: mambaSizes),
      adapts: { (architecture: inout Architecture, settings: FolderSettings) throws(ModelFileError) in
        architecture.recurrence?.stepEpsilon = try settings.factor("mixer_rms_eps", or: 1e-6)
      }),
    // The norm after the gate is of each group, as the program that models were trained with has it.
    FolderFamily(
      types: ["mamba2"], architecture: "mamba2", prefixes: ["backbone."], outer: Names.backbone,
      inner: Names.mamba2("mixer").with(["norm": "attn_norm"]), epsilon: 1e-5, context: 1 << 20,
      wanted: ["hidden_act": .string("silu"), "rms_norm": .bool(true)], keys: [.stepLimit],
      recurrence: FolderRecurrence(sizes: { settings throws(ModelFileError) in
        let expansion = try settings.size("expand", default: 2)
        return FolderRecurrence.Sizes(
          inner: try settings.size("intermediate_size", default: expansion * settings.width),
          taps: try settings.size("conv_kernel", default: 4), states: try settings.size("state_size", default: 128),
          steps: try settings.size("num_heads"), groups: try settings.size("n_groups", default: 1))
      })),
    FolderFamily(
      types: ["jamba"], architecture: "jamba", outer: Names.outer.with(["final_layernorm": "output_norm"]),
      inner: Names.mambaLayer("mamba").with(Names.feedForward).with([
        "feed_forward.router": "ffn_gate_inp", "feed_forward.experts.#.gate_proj": "ffn_gate_exps",
        "feed_forward.experts.#.up_proj": "ffn_up_exps", "feed_forward.experts.#.down_proj": "ffn_down_exps",
        "feed_forward.experts.gate_up_proj": .experts(.gatesAndUps),
        "feed_forward.experts.down_proj": .experts(.downs), "mamba.dt_layernorm": "ssm_dt_norm",
        "mamba.b_layernorm": "ssm_b_norm", "mamba.c_layernorm": "ssm_c_norm",
      ]), experts: FolderExperts(length: ["intermediate_size"]),
      recurrence: FolderRecurrence(
        sizes: { settings throws(ModelFileError) in
          FolderRecurrence.Sizes(
            inner: try settings.size("mamba_expand", default: 2) * settings.width,
            taps: try settings.size("mamba_d_conv", default: 4),
            states: try settings.size("mamba_d_state", default: 16),
            steps: try settings.stepRank("mamba_dt_rank"), groups: 0)
        },
        layers: { settings throws(ModelFileError) in
          let period = try settings.size("attn_layer_period", default: 8)
          let offset = try settings.reader.optionalInteger("attn_layer_offset") ?? 4
          return (0..<settings.layerCount).map { $0 % period == offset ? .attention : .recurrence }
        })),
    FolderFamily(
      types: ["falcon_h1"], architecture: "falcon-h1", outer: Names.outer.with(["final_layernorm": "output_norm"]),
      inner: Names.llama.with(Names.mamba2("mamba").mapValues { .some($0) }).with(Names.feedForward), epsilon: 1e-5,
      keys: [.stepLimit, FolderKey("", reading: ["embedding_multiplier"]) { _ in nil }],
      recurrence: FolderRecurrence(sizes: headSizes("mamba_d_ssm")), productScales: falconScales, adapts: adaptFalcon),
    FolderFamily(
      types: ["granitemoehybrid"], architecture: "granitehybrid",
      inner: Names.graniteExperts.with(Names.mamba2("mamba").mapValues { .some($0) }), hasPairsInGGUF: true,
      keys: graniteKeys + [
        .stepLimit,
        FolderKey("rope.scaling.finetuned") { (settings: FolderSettings) throws(ModelFileError) in
          .bool(try settings.text("position_embedding_type") == "rope")
        },
      ], experts: FolderExperts(length: ["intermediate_size"]), recurrence: FolderRecurrence(sizes: headSizes(nil)),
      // Without experts the shared one is the network.
      varies: { (family: inout FolderFamily, settings: FolderSettings) throws(ModelFileError) in
        guard try settings.count("num_local_experts") == 0 else { return }
        family.inner["shared_mlp.input_linear"] = .halves("ffn_gate", "ffn_up")
        family.inner["shared_mlp.output_linear"] = "ffn_down"
        family.keys.append(.size("feed_forward_length", "shared_intermediate_size"))
      }),
    FolderFamily(
      types: ["nemotron_h"], architecture: "nemotron_h", prefixes: ["backbone.", "model."], outer: Names.backbone,
      inner: Names.nemotron, ignoredPrefixes: ["mtp."], epsilon: 1e-5,
      activation: FolderActivation(standard: "relu2", isFixed: true),
      wanted: [
        "mlp_hidden_act": .string("relu2"), "mamba_hidden_act": .string("silu"), "moe_latent_size": .null,
        "sliding_window": .null,
      ], keys: [.stepLimit], experts: FolderExperts(normalizes: true),
      recurrence: FolderRecurrence(sizes: { settings throws(ModelFileError) in
        let heads = try settings.size("mamba_num_heads"), size = try settings.size("mamba_head_dim")
        return FolderRecurrence.Sizes(
          inner: heads * size, taps: try settings.size("conv_kernel", default: 4),
          states: try settings.size("ssm_state_size"), steps: heads, groups: try settings.size("n_groups", default: 1))
      }),
      varies: { (family: inout FolderFamily, settings: FolderSettings) throws(ModelFileError) in
        let layers = try settings.recurrentLayers()
        if layers?.contains(.experts) == true {
          family.architecture = "nemotron_h_moe"
        } else {
          family.experts = nil
          family.keys.append(FolderKey("", reading: Array(FolderExperts.sources)) { _ in nil })
        }
      }),
    FolderFamily(
      types: ["lfm2"], architecture: "lfm2", outer: Names.lfmOuter, inner: Names.lfm, isTied: true, epsilon: 1e-5,
      keys: [lfmLength], recurrence: FolderRecurrence(sizes: convolution, layers: attentionInSome)),
    FolderFamily(
      types: ["lfm2_moe"], architecture: "lfm2moe", outer: Names.lfmOuter,
      inner: Names.lfm.with([
        "feed_forward.gate": "ffn_gate_inp", "feed_forward.expert_bias": .numbers("exp_probs_b.bias", .flat),
        "feed_forward.experts.#.w1": "ffn_gate_exps", "feed_forward.experts.#.w3": "ffn_up_exps",
        "feed_forward.experts.#.w2": "ffn_down_exps", "feed_forward.experts.gate_up_proj": .experts(.gatesAndUps),
        "feed_forward.experts.down_proj": .experts(.downs),
      ]), isTied: true, epsilon: 1e-5, experts: FolderExperts(scoring: .sigmoid, normalizes: true),
      recurrence: FolderRecurrence(sizes: convolution, layers: attentionInSome)),
    FolderFamily(
      types: ["qwen3_next"], architecture: "qwen3next",
      inner: Names.experts.with(Names.sharedExpert).with(Names.deltaNet).with([
        "linear_attn.in_proj_qkvz": .deltaHeadByHead, "linear_attn.in_proj_ba": "ssm_ba",
      ]), ignoredPrefixes: ["mtp."], addsOneToGains: true, experts: FolderExperts(normalizes: true),
      recurrence: FolderRecurrence(sizes: deltaSizes, layers: attentionAtIntervals), adapts: adaptDeltaNet),
    FolderFamily(
      types: ["qwen3_5_text"], architecture: "qwen35", prefixes: ["model.language_model.", "model."],
      inner: Names.llama.with(Names.deltaNet).with(Names.deltaParts), ignoredPrefixes: ["mtp."], addsOneToGains: true,
      wanted: ["attn_output_gate": .bool(true)],
      recurrence: FolderRecurrence(sizes: deltaSizes, layers: attentionAtIntervals), adapts: adaptDeltaNet),
    FolderFamily(
      types: ["qwen3_5_moe_text"], architecture: "qwen35moe", prefixes: ["model.language_model.", "model."],
      inner: Names.experts.with(Names.sharedExpert).with(Names.deltaNet).with(Names.deltaParts),
      ignoredPrefixes: ["mtp."], addsOneToGains: true, wanted: ["attn_output_gate": .bool(true)],
      experts: FolderExperts(), recurrence: FolderRecurrence(sizes: deltaSizes, layers: attentionAtIntervals),
      adapts: adaptDeltaNet),
  ]
}
