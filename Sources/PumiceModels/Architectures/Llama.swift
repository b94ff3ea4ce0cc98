import PumiceOperators

extension Architecture {
  /// Llama 1 to 3, Mistral, and all that share their layers (Touvron et al. 2023). GGUF files hold the query and key
  /// weights permuted so that adjacent elements form a pair.
  public static let llama = Architecture(
    name: "llama", rotary: Rotary(.adjacent, factors: .one), experts: Experts(),
    scales: Scales(feedForwardProducts: true))

  /// Families of which each differs from Llama in a part or two.
  static let likeLlama = [
    Architecture(
      name: "mistral3", rotary: Rotary(.adjacent, factors: .one), temperature: .key, experts: Experts(),
      scales: Scales(feedForwardProducts: true)),
    // Llama with layers left out, chosen by search (Nemotron).
    Architecture(name: "deci", rotary: Rotary(.adjacent, factors: .one)),
    Architecture(name: "arcee", rotary: Rotary(.adjacent, factors: .one), feedForward: .plain(.reluSquared)),
    // 7B has rotary embeddings, 13B penalties for distance.
    Architecture(name: "baichuan", rotary: Rotary(.adjacent, layers: .inModels(layers: 32)), alibi: .withLayers(40, 8)),
    Architecture(name: "xverse", rotary: Rotary(.adjacent)),
    Architecture(name: "internlm2", rotary: Rotary(.adjacent)),
    Architecture(name: "exaone", rotary: Rotary(.halves, factors: .one)),
    Architecture(
      name: "exaone4", headNorm: HeadNorm(), rotary: Rotary(.halves, layers: .windowed, factors: .one),
      windows: Windows(period: 4, layers: 64), names: .normsAfter),
    Architecture(name: "smollm3", rotary: Rotary(.adjacent, layers: .allButEvery(4))),
    Architecture(name: "ernie4_5", rotary: Rotary(.adjacent), ignoresExpertCount: true, unused: ["attn_output.bias"]),
    Architecture(name: "chatglm", rotary: Rotary(.adjacent)),
    Architecture(name: "glm4", rotary: Rotary(.adjacent, sections: .halves), names: .normsAround),
    Architecture(name: "seed_oss", names: TensorNames(feedForwardNorm: "post_attention_norm")),
    Architecture(name: "pangu-embedded", unused: ["rope_freqs"]),
    Architecture(
      name: "nanbeige", rotary: Rotary(.adjacent, factors: .one),
      scales: Scales(feedForwardProducts: true)),
    Architecture(name: "paddleocr", ignoresExpertCount: true),
    Architecture(
      name: "spark2_5", windows: Windows(period: 4, base: .key), attentionGate: .perHead,
      feedForward: .gated(.geluTanh), unused: ["attn_gate.scale"]),
    Architecture(name: "maincoder", headNorm: HeadNorm(isAfterRotary: true), rotary: Rotary(.adjacent)),
    Architecture(name: "hunyuan-dense", headNorm: HeadNorm(isAfterRotary: true)),
    Architecture(name: "hunyuan_vl", headNorm: HeadNorm(isAfterRotary: true)),
    Architecture(name: "openelm", headNorm: HeadNorm(), unused: ["attn_qkv.scale"]),
    Architecture(name: "plamo", residual: .parallel, names: TensorNames(feedForwardNorm: nil)),
    Architecture(
      name: "plamo3", headNorm: HeadNorm(), windows: Windows(period: 8, base: .key), names: .normsAround,
      unused: ["attn_qkv.scale"]),
    Architecture(
      name: "llada", rotary: Rotary(.adjacent),
      unused: ["rope_freqs", "attn_output.bias", "ffn_gate.bias", "ffn_up.bias", "ffn_down.bias"]),
    Architecture(name: "dream", unused: ["output.bias"]),
    // The part that reads text; that for images has tensors of its own.
    Architecture(
      name: "cogvlm",
      unused: ["rope_freqs", "attn_qkv.scale", "vis_attn_qkv", "vis_attn_output", "vis_gate", "vis_up", "vis_down"]),
    // Gates are log₂(1 + 2ˣ). The values of models with experts are mixtures too, which are not known here.
    Architecture(
      name: "k2-horizon", headNorm: HeadNorm(isOptional: true), attentionGate: .byShape,
      attentionGateFunction: .softplus, attentionGateSharpness: 0.693_147_2, hasNormGroups: true),
    Architecture(
      name: "muse-glimmer", headNorm: HeadNorm(), rotary: Rotary(.adjacent, layers: .windowed),
      caps: Caps(logits: true), windows: Windows(period: 4, base: .key), attentionGate: .perElement,
      embeddingNorm: .plainRMS, postNormEpsilon: 1e-8, scales: Scales(logits: .key("logit_scale")), names: .normsAround,
      unused: ["attn_gate.scale"]),
  ]
}
