import PumiceOperators

extension Architecture {
  static let phi = [
    Architecture(
      name: "phi2", norm: .layer, residual: .parallel, feedForward: .plain(.geluTanh),
      names: TensorNames(feedForwardNorm: nil)),
    // The windows that files state were not trained with.
    Architecture(name: "phi3", rotary: Rotary(.halves, factors: .shortAndLong)),
  ]
}
