import PumiceOperators

extension ForwardPass {
  /// Records all layers, and gives the vectors of the tokens that come out of them, [count, width]: what logits are made
  /// from.
  func recordStates(tokens: B.Tensor, positions: B.Tensor) throws -> B.Tensor {
    try recordLayers(tokens: tokens, positions: positions)
    let a = activations
    guard let norm = weights.outputNorm else { return a.residual }
    try normalize(
      a.residual, adding: a.delta, norm, rows: count * norm.count, epsilon: configuration.streamEpsilon, to: a.normed)
    return a.normed
  }

  /// Takes the norm of the stream and what attention gave in place of the latter.
  func normalizeSum(_ norm: NormWeights<B.Tensor>) throws {
    let c = configuration, a = activations
    try program.record(
      ScaledSum(rows: count, width: c.embeddingLength, addend: .tensor),
      ["x": a.residual, "z": a.delta, "y": a.normed])
    try normalize(a.normed, norm, rows: count, epsilon: c.normEpsilon, to: a.delta)
  }
}
