import PumiceOperators

extension Architecture {
  static let qwen = [
    Architecture("qwen", scales: Scales(feedForwardProducts: false)),
    Architecture("qwen2", scales: Scales(feedForwardProducts: false)),
    Architecture("qwen3", headNorm: .rms, unused: ["cls"]),
  ]
}
