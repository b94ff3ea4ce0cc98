import PumiceOperators

extension Architecture {
  /// Those for images and speech as well: of text, the coordinates of a position are all the same.
  static let qwen = [
    Architecture(name: "qwen", feedForwardDivisor: 2),
    Architecture(name: "qwen2"),
    Architecture(name: "qwen2vl", unused: ["output.bias"]),
    Architecture(name: "qwen3", headNorm: HeadNorm(), scales: Scales(feedForwardProducts: true), unused: ["cls"]),
    Architecture(name: "qwen3vl", headNorm: HeadNorm(), unused: ["cls"]),
    Architecture(name: "qwen3tts", headNorm: HeadNorm(), unused: ["cls"]),
  ]
}
