import PumiceOperators

extension Architecture {
  static let olmo = [
    Architecture(name: "olmo", norm: .plainLayer, rotary: Rotary(.adjacent), clampsProjections: true),
    // OLMo 2 and 3; the latter has windows.
    Architecture(name: "olmo2", headNorm: HeadNorm(), windows: Windows(period: 4), names: .normsAfter),
  ]
}
