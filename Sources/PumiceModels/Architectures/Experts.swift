import PumiceOperators

extension Architecture {
  /// Families whose feed-forward networks are mixtures of experts in all models.
  static let withExperts = likeMixtral + likeDeepSeek + withWindowsAndExperts

  /// With experts in all layers, chosen by the softmax of the router.
  private static let likeMixtral = [
    Architecture(name: "qwen2moe", experts: Experts(normalization: .never, shared: .gated)),
    Architecture(
      name: "qwen3moe", headNorm: HeadNorm(), experts: Experts(), scales: Scales(feedForwardProducts: true)),
    Architecture(name: "qwen3vlmoe", headNorm: HeadNorm(), experts: Experts()),
    Architecture(name: "rnd1", headNorm: HeadNorm(), experts: Experts()),
    Architecture(name: "llada-moe", headNorm: HeadNorm(), experts: Experts(normalization: .never)),
    Architecture(name: "olmoe", headNorm: HeadNorm(), experts: Experts(normalization: .never)),
    Architecture(
      name: "dbrx", norm: .layer, clampsProjections: true, experts: Experts(),
      names: TensorNames(feedForwardNorm: "attn_output_norm")),
    Architecture(
      name: "phimoe", norm: .rmsAndBias, rotary: Rotary(.halves, factors: .shortAndLong), experts: Experts()),
    Architecture(
      name: "hunyuan-moe", headNorm: HeadNorm(isAfterRotary: true), experts: Experts(shared: .required)),
    // A network runs after attention, and experts beside both.
    Architecture(
      name: "arctic", rotary: Rotary(.adjacent), experts: Experts(input: .ownNorm, dense: .required)),
    Architecture(
      name: "grok", attentionScale: .outputKeyOr(0.088_388_35),
      caps: Caps(scores: true, scoresWithoutKey: 30, logits: true),
      feedForward: .gated(.geluTanh), experts: Experts(dense: .optional, combinedScale: Float(0.5).squareRoot()),
      scales: Scales(embedding: .keyOr("embedding_scale", 78.383_67), logits: .keyOr("logit_scale", 0.577_350_3)),
      names: TensorNames(postAttentionNorm: "attn_output_norm", postFeedForwardNorm: "layer_output_norm")),
  ]

  /// With some layers without experts, an expert that every token uses, and other scores (DeepSeek).
  private static let likeDeepSeek = [
    Architecture(
      name: "deepseek", rotary: Rotary(.adjacent),
      experts: Experts(normalization: .never, shared: .required)),
    Architecture(
      name: "bailingmoe", rotary: Rotary(.adjacent), experts: Experts(normalization: .key, shared: .required)),
    Architecture(name: "bailingmoe2", headNorm: HeadNorm(), experts: withBias(shared: .required)),
    Architecture(name: "dots1", headNorm: HeadNorm(), experts: withBias(shared: .required)),
    Architecture(
      name: "glm4moe", headNorm: HeadNorm(isOptional: true), experts: withBias(shared: .optional),
      names: TensorNames(feedForwardNorm: "post_attention_norm")),
    Architecture(
      name: "ernie4_5-moe", rotary: Rotary(.adjacent),
      experts: Experts(hasSelectionBias: true, shared: .optional), unused: ["attn_output.bias"]),
    Architecture(
      name: "minimax-m2", headNorm: HeadNorm(),
      experts: Experts(scoring: .key(.sigmoid), hasSelectionBias: true)),
    Architecture(
      name: "hy_v3", headNorm: HeadNorm(), experts: withBias(shared: .optional, dense: .unused),
      scales: Scales(feedForwardProducts: true)),
  ]

  /// With windows in some layers.
  private static let withWindowsAndExperts = [
    // Its YaRN is not rounded where it was trained, though llama.cpp does it.
    Architecture(
      name: "gpt-oss", rotary: Rotary(.halves, roundsBlend: false), windows: Windows(period: 2, base: .key),
      hasSinks: true,
      feedForward: .gated(.geluQuick),
      experts: Experts(scoring: .of(.softmaxOfChosen), normalization: .never, limit: .gatesAddingOne(7)),
      names: TensorNames(feedForwardNorm: "post_attention_norm")),
    Architecture(
      name: "llama4",
      headNorm: HeadNorm(norm: .plainRMS, isAfterRotary: true, isRotatedOnly: true, absentWithExperts: 128),
      rotary: Rotary(.adjacent, layers: .allButEvery(4), factors: .one),
      temperature: .unrotated(length: 8192, scale: 0.1, offset: 1),
      windows: Windows(period: 4, isChunked: true, size: 8192, base: .key),
      experts: Experts(scoring: .of(.sigmoid), normalization: .never, weighsInput: true, shared: .required)),
    Architecture(
      name: "smallthinker", rotary: Rotary(.halves, layers: .windowed),
      windows: Windows(period: 4, fullFirst: true, base: .key), feedForward: .gated(.relu),
      experts: Experts(scoring: .key(.softmax), routerInput: .stream)),
    Architecture(
      name: "afmoe", headNorm: HeadNorm(), rotary: Rotary(.halves, layers: .windowed),
      windows: Windows(period: 4, base: .key), attentionGate: .perElement, experts: withBias(shared: .optional),
      scales: Scales(embedding: .rootOfWidth),
      names: .normsAround, unused: ["attn_gate.scale"]),
    Architecture(
      name: "exaone-moe", headNorm: HeadNorm(), rotary: Rotary(.halves, layers: .windowed, factors: .one),
      windows: Windows(period: 4), experts: withBias(shared: .required)),
    Architecture(
      name: "cohere2moe", norm: .byKey, rotary: Rotary(.adjacent, layers: .windowedOrLeadingDense),
      windows: Windows(period: 4, fullFirst: true), residual: .parallel,
      experts: Experts(
        scoring: .key(.sigmoid), normalization: .key, shared: .optional, combinedScale: 0.5),
      scales: Scales(logits: .key("logit_scale"), feedForwardProducts: true), names: TensorNames(feedForwardNorm: nil)),
    Architecture(
      name: "mimo2", windows: Windows(period: 1, base: .key), hasSinks: true, sinksAreOptional: true,
      experts: Experts(scoring: .of(.sigmoid), hasSelectionBias: true, dense: .unused),
      scales: Scales(attention: .key("attention.value_scale")),
      unused: ["attn_q", "attn_k", "attn_v"].reduce(into: []) { $0.formUnion([$1 + ".bias", $1 + ".scale"]) }),
    Architecture(
      name: "mellum", headNorm: HeadNorm(), windows: Windows(period: 4, base: .keyUnscaled), experts: Experts(),
      scales: Scales(feedForwardProducts: true)),
    // Of the gates for each head or element, the softplus multiplies.
    Architecture(
      name: "laguna", headNorm: HeadNorm(), windows: Windows(period: 4, fullFirst: true, base: .keyUnscaled),
      attentionGate: .byShape, attentionGateFunction: .softplus, experts: withBias(shared: .optional),
      unused: ["attn_gate.scale"]),
    Architecture(
      name: "maple", headNorm: HeadNorm(), rotary: Rotary(.halves, layers: .windowed),
      windows: Windows(period: 1, base: .key), experts: Experts(limit: .gates(7))),
    Architecture(
      name: "maion-coder", headNorm: HeadNorm(), rotary: Rotary(.halves, layers: .windowed),
      windows: Windows(period: 1), experts: Experts(isLatent: true), names: .normsAround),
  ]

  /// Scores by a key, a logistic function if there is none, and a bias for the choice (DeepSeek-V3).
  private static func withBias(shared: Experts.Shared, dense: Experts.Dense = .absent) -> Experts {
    Experts(
      scoring: .key(.sigmoid), normalization: .key, hasSelectionBias: true, shared: shared, dense: dense)
  }
}
