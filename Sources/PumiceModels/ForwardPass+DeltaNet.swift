import PumiceOperators

extension ForwardPass {
  /// A gated delta net.
  func recur(
    _ weights: DeltaNetWeights<B.Tensor>, _ index: Int, _ reader: inout BlockReader<B>, norm: NormWeights<B.Tensor>?
  ) throws {
    guard let c = configuration.recurrence, let a = activations.deltaNet, let memory = state.layers[index],
      let states = memory.state
    else { preconditionFailure("layer \(index) has weights of a delta net that it does not have") }
    try reader.project(weights.query, to: a.query)
    try reader.project(weights.key, to: a.key)
    try reader.project(weights.value, to: a.value)
    switch weights.steps {
    case .apart(let step, let share):
      try project(step, &reader, low: a.low, to: a.step)
      try reader.project(share, to: a.share)
    case .together(let both):
      try reader.project(both, to: a.together)
      let ratio = c.headCount / c.groupCount
      for (part, target) in [a.share, a.step].enumerated() {
        try program.record(
          HeadCopy(
            tokens: count, length: ratio,
            from: HeadCopy.Part(heads: c.groupCount, headSize: 2 * ratio, offset: part * ratio),
            to: HeadCopy.Part(heads: c.groupCount, headSize: ratio)),
          ["x": a.together, "y": target])
      }
    }
    let steps = c.kind == .kimiDelta ? c.headCount * c.stateSize : c.headCount
    try program.record(
      ScaledSum(rows: count, width: steps, addend: .row, inPlace: true), ["x": a.step, "z": weights.stepBias])
    try project(weights.gate, &reader, low: a.low, to: a.gate)
    for (place, (x, y)) in [(a.query, a.convolvedQuery), (a.key, a.convolvedKey), (a.value, a.convolvedValue)]
      .enumerated()
    {
      try convolve(weights.convolutions[place], x, memory.convolutions[place], silu: true, to: y)
    }
    // Shorter vectors than ε do not get that long.
    let rows = count * c.groupCount
    let added = configuration.architecture.recurrence?.lengthEpsilon
    let epsilon = (added ?? configuration.normEpsilon * configuration.normEpsilon) / Float(c.stateSize)
    try normalize(a.convolvedQuery, weights.queryNorm, rows: rows, epsilon: epsilon, to: a.query)
    try normalize(a.convolvedKey, weights.keyNorm, rows: rows, epsilon: epsilon, to: a.key)
    try program.record(
      GatedDeltaNet(
        tokens: count, heads: c.headCount, headSize: c.headSize, keyHeads: c.groupCount, keySize: c.stateSize,
        decayPerKey: c.kind == .kimiDelta, tilesKeys: c.kind == .deltaNetTiled),
      [
        "q": a.query, "k": a.key, "v": a.convolvedValue, "dt": a.step, "a": weights.decay, "beta": a.share,
        "state": states, "y": a.value,
      ])
    try normalize(
      a.value, weights.norm, rows: count * c.headCount, epsilon: configuration.normEpsilon, to: a.output)
    try program.record(
      Activation(c.kind == .kimiDelta ? .sigmoid : .silu, count: count * c.innerSize, gated: true),
      ["gate": a.gate, "up": a.output, "y": a.gated])
    try output(weights.output, a.gated, norm: norm)
  }

  private func project(
    _ product: DeltaNetWeights<B.Tensor>.Product, _ reader: inout BlockReader<B>, low: B.Tensor, to y: B.Tensor
  ) throws {
    guard let second = product.second else { return try reader.project(product.first, to: y) }
    try reader.project(product.first, to: low)
    try multiply(second, low, to: y)
  }
}
