import PumiceOperators

extension Architecture {
  /// State-space models, and families that mix their layers with attention.
  static let recurrent = [
    Architecture(
      name: "mamba", rotary: nil, recurrence: Recurrence(kind: .mamba, layers: .alone)),
    Architecture(
      name: "mamba2", rotary: nil, recurrence: Recurrence(kind: .mamba2, layers: .alone)),
    Architecture(
      name: "jamba", rotary: nil, recurrence: Recurrence(kind: .mamba, layers: .withoutHeads),
      experts: Experts(normalization: .never)),
    Architecture(
      name: "falcon-h1", recurrence: Recurrence(kind: .mamba2, layers: .besideAttention),
      unused: ["rope_freqs", "attn_output.bias"]),
    Architecture(
      name: "granitehybrid", rotary: Rotary(.adjacent, layers: .byKey, factors: .one), attentionScale: .key,
      recurrence: Recurrence(kind: .mamba2, layers: .withoutHeads), experts: Experts(shared: .optional),
      scales: graniteScales),
    // Each layer is one block, and has one norm.
    Architecture(
      name: "nemotron_h", rotary: nil, recurrence: Recurrence(kind: .mamba2, layers: .onePerLayer),
      feedForward: .plain(.reluSquared), scales: Scales(feedForwardProducts: true),
      names: TensorNames(feedForwardNorm: "attn_norm")),
    Architecture(
      name: "nemotron_h_moe", rotary: nil, recurrence: Recurrence(kind: .mamba2, layers: .onePerLayer),
      feedForward: .plain(.reluSquared),
      experts: Experts(scoring: .of(.sigmoid), normalization: .key, hasSelectionBias: true, shared: .required),
      scales: Scales(feedForwardProducts: true), names: TensorNames(feedForwardNorm: "attn_norm")),
    Architecture(
      name: "plamo2", headNorm: HeadNorm(), recurrence: Recurrence(kind: .plamo2, layers: .withoutHeads),
      names: .normsAround, unused: ["attn_qkv.scale", "ssm_in.scale", "ssm_out.scale"]),
    Architecture(
      name: "lfm2", headNorm: HeadNorm(), windows: Windows(period: 0, isStated: false),
      recurrence: Recurrence(kind: .shortConvolution, layers: .withoutHeads),
      names: TensorNames(outputNorm: "token_embd_norm")),
    Architecture(
      name: "lfm2moe", headNorm: HeadNorm(), recurrence: Recurrence(kind: .shortConvolution, layers: .withoutHeads),
      experts: Experts(scoring: .key(.softmax), hasSelectionBias: true),
      names: TensorNames(outputNorm: "token_embd_norm")),
    Architecture(
      name: "qwen3next", headNorm: HeadNorm(), attentionGate: .inQuery,
      recurrence: Recurrence(kind: .deltaNet, layers: .byInterval), experts: Experts(shared: .gated),
      scales: Scales(feedForwardProducts: true),
      names: TensorNames(feedForwardNorm: "post_attention_norm"),
      unused: ["cls", "ssm_in", "ssm_out.scale", "attn_qkv.scale", "attn_gate.scale"]),
    Architecture(
      name: "qwen35moe", headNorm: HeadNorm(), attentionGate: .inQuery,
      recurrence: Recurrence(kind: .deltaNetTiled, layers: .byInterval), experts: Experts(shared: .gated),
      scales: Scales(feedForwardProducts: true), names: TensorNames(feedForwardNorm: "post_attention_norm"),
      unused: ["cls"]),
    Architecture(
      name: "kimi-linear", rotary: nil, latentAttention: LatentAttention(),
      recurrence: Recurrence(kind: .kimiDelta, layers: .withoutHeads),
      experts: Experts(scoring: .key(.sigmoid), hasSelectionBias: true, shared: .optional),
      unused: [
        "attn_q.scale", "attn_k.scale", "attn_v.scale", "attn_q.bias", "attn_k.bias", "attn_v.bias", "ssm_beta.scale",
        "ffn_gate_exps.scale", "ffn_up_exps.scale", "ffn_down_exps.scale",
      ]),
    Architecture(
      name: "qwen35", headNorm: HeadNorm(), attentionGate: .inQuery,
      recurrence: Recurrence(kind: .deltaNetTiled, layers: .byInterval), scales: Scales(feedForwardProducts: true),
      names: TensorNames(feedForwardNorm: "post_attention_norm"), unused: ["cls"]),
  ]
}
