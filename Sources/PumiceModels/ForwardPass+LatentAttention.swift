import PumiceOperators

extension ForwardPass {
  /// Attention over latents. Where the cache keeps them, queries are brought to the latents' space instead of latents to
  /// the space of keys, and what attention gives is brought from there to that of values; both are linear.
  func attend(
    _ weights: LatentWeights<B.Tensor>, _ index: Int, _ reader: inout BlockReader<B>, _ positions: B.Tensor,
    norm: NormWeights<B.Tensor>?
  ) throws {
    guard let c = configuration.latent, let a = activations.latent else {
      preconditionFailure("layer \(index) has weights of latent attention that the model does not have")
    }
    let heads = configuration.headCount
    let epsilon = configuration.architecture.latentAttention?.epsilon ?? configuration.normEpsilon
    switch weights.query {
    case .direct(let projection): try reader.project(projection, to: a.rawQuery)
    case .latent(let down, let norm, let up):
      try reader.project(down, to: a.rawQueryLatent)
      try normalize(a.rawQueryLatent, norm, rows: count, epsilon: epsilon, to: a.queryLatent)
      try multiply(up, a.queryLatent, to: a.rawQuery)
    }
    try reader.project(weights.latent, to: a.rawLatent)
    try reader.project(weights.rotatedKey, to: a.rotatedKey)
    try normalize(a.rawLatent, weights.latentNorm, rows: count, epsilon: epsilon, to: a.latent)
    try rotate(
      a.rawQuery, heads: heads, headSize: c.querySize, offset: c.plainSize, positions, weights.rotary)
    try rotate(a.rotatedKey, heads: 1, headSize: c.rotatedSize, offset: 0, positions, weights.rotary)
    switch weights.expansion {
    case .heads(let linear):
      try multiply(linear, a.latent, to: a.expanded)
      let both = HeadCopy.Part(heads: heads, headSize: c.plainSize + c.valueSize)
      try copy(c.plainSize, a.expanded, both, to: activations.key, part(heads, c.querySize))
      try copy(
        c.rotatedSize, a.rotatedKey, part(1, c.rotatedSize), to: activations.key,
        part(heads, c.querySize, c.plainSize))
      try copy(
        c.valueSize, a.expanded, part(heads, both.headSize, c.plainSize), to: activations.value,
        part(heads, c.valueSize))
      try temper(a.rawQuery, index)
      try append(activations.key, activations.value, index, positions)
      try attend(a.rawQuery, index, positions, sinks: nil)
      try output(weights.output, activations.attended, norm: norm)
    case .absorbed(let key, let value):
      let size = c.rank + c.rotatedSize
      try copy(c.plainSize, a.rawQuery, part(heads, c.querySize), to: a.plainQuery, part(heads, c.plainSize))
      try multiplyHeads(key, a.plainQuery, to: a.absorbedQuery)
      try copy(c.rank, a.absorbedQuery, part(heads, c.rank), to: activations.query, part(heads, size))
      try copy(
        c.rotatedSize, a.rawQuery, part(heads, c.querySize, c.plainSize), to: activations.query,
        part(heads, size, c.rank))
      try copy(c.rank, a.latent, part(1, c.rank), to: activations.key, part(1, size))
      try copy(c.rotatedSize, a.rotatedKey, part(1, c.rotatedSize), to: activations.key, part(1, size, c.rank))
      try temper(activations.query, index)
      try append(activations.key, a.latent, index, positions)
      try attend(activations.query, index, positions, sinks: nil)
      try multiplyHeads(value, activations.attended, to: a.values)
      try output(weights.output, a.values, norm: norm)
    }
  }

  private func part(_ heads: Int, _ size: Int, _ offset: Int = 0) -> HeadCopy.Part {
    HeadCopy.Part(heads: heads, headSize: size, offset: offset)
  }

  private func copy(
    _ length: Int, _ x: B.Tensor, _ source: HeadCopy.Part, to y: B.Tensor, _ target: HeadCopy.Part
  ) throws {
    if length == 0 { return }
    try program.record(HeadCopy(tokens: count, length: length, from: source, to: target), ["x": x, "y": y])
  }

  private func rotate(
    _ x: B.Tensor, heads: Int, headSize: Int, offset: Int, _ positions: B.Tensor,
    _ rotary: (scheme: RotaryScheme, frequencies: B.Tensor)?
  ) throws {
    guard let rotary else { return }
    try program.record(
      RoPE(
        tokens: count, heads: heads, headSize: headSize, rotaryDimensions: rotary.scheme.dimensions,
        pairing: configuration.ropePairing, offset: offset, magnitude: rotary.scheme.magnitude),
      ["x": x, "positions": positions, "frequencies": rotary.frequencies])
  }

  /// Every head times a matrix of its own.
  private func multiplyHeads(_ linear: Linear<B.Tensor>, _ x: B.Tensor, to y: B.Tensor) throws {
    guard let a = activations.latent else { return }
    let heads = configuration.headCount
    try program.record(
      ExpertMatMul(
        experts: heads, m: linear.outputs / heads, k: linear.inputs, tokens: count, slots: heads,
        weight: linear.format, inputPerSlot: true),
      ["weight": linear.weight, "x": x, "experts": a.heads, "y": y])
  }
}
