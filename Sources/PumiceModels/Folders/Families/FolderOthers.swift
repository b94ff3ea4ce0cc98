import PumiceModelFiles
import PumiceOperators

extension FolderFamily {
  /// Gated feed-forward networks with layer norms, and others.
  static let others = [
    FolderFamily(
      types: ["stablelm"], architecture: "stablelm",
      inner: Names.llama.with([
        "self_attn.q_layernorm.norms.#": "attn_q_norm", "self_attn.k_layernorm.norms.#": "attn_k_norm",
      ]), epsilon: 1e-5, keys: [FolderKey("", reading: ["qk_layernorm"]) { _ in nil }]),
    FolderFamily(
      types: ["jais2"], architecture: "jais2", epsilon: 1e-5, activation: FolderActivation(standard: "relu2")),
    FolderFamily(types: ["orion"], architecture: "orion", epsilon: 1e-5),
    FolderFamily(
      types: ["nemotron"], architecture: "nemotron", addsOneToGains: true, epsilon: 1e-5,
      activation: FolderActivation(standard: "relu2")),
    FolderFamily(
      types: ["cohere"], architecture: "command-r", isTied: true, epsilon: 1e-5,
      keys: [.number("logit_scale", "logit_scale"), FolderKey("", reading: ["use_qk_norm"]) { _ in nil }]),
    FolderFamily(
      types: ["cohere2"], architecture: "cohere2", isTied: true, epsilon: 1e-5, windows: .byArchitecture,
      keys: [.number("logit_scale", "logit_scale")]),
  ]
}
