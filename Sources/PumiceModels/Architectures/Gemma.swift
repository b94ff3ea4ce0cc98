import PumiceOperators

extension Architecture {
  /// Gemma 1 to 3. Files hold the gains of norms with 1 added.
  static let gemma = [
    Architecture(name: "gemma", feedForward: .gated(.geluTanh), scales: Scales(embedding: .rootOfWidth)),
    Architecture(
      name: "gemma2", attentionScale: .shareOfWidth(layers: 46), caps: Caps(scores: true, logits: true),
      windows: Windows(period: 2, size: 4096, base: .key), feedForward: .gated(.geluTanh),
      scales: Scales(embedding: .rootOfWidth), names: .normsAround),
    Architecture(
      name: "gemma3", headNorm: HeadNorm(), attentionScale: .shareOfWidth(layers: 62), caps: Caps(logits: true),
      windows: Windows(period: 6, base: .unscaled), feedForward: .gated(.geluTanh),
      scales: Scales(embedding: .rootOfWidth), names: .normsAround),
  ]
}
