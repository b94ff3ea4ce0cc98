import PumiceOperators

extension ForwardPass {
  /// A recurrent block, whose output goes where attention's goes, or is added to it.
  func recur(
    _ weights: RecurrentWeights<B.Tensor>, _ index: Int, _ reader: inout BlockReader<B>,
    norm: NormWeights<B.Tensor>?, adding: Bool
  ) throws {
    guard let c = configuration.recurrence, let a = activations.recurrent, let memory = state.layers[index] else {
      preconditionFailure("layer \(index) has weights of a recurrent block that it does not have")
    }
    if weights.isInterleaved {
      try reader.project(weights.input, to: a.interleaved)
      for (part, target) in [a.gate, a.input].enumerated() {
        try program.record(
          HeadCopy(
            tokens: count, length: c.headSize,
            from: HeadCopy.Part(heads: c.headCount, headSize: 2 * c.headSize, offset: part * c.headSize),
            to: HeadCopy.Part(heads: c.headCount, headSize: c.headSize)),
          ["x": a.interleaved, "y": target])
      }
    } else {
      try reader.project(weights.input, to: a.input)
      if let gate = weights.gate { try reader.project(gate, to: a.gate) }
    }
    let length = count * c.innerSize
    switch weights.kind {
    case .convolution(let factor):
      try reader.project(factor, to: a.rawB)
      try program.record(
        Activation(.identity, count: length, gated: true), ["gate": a.rawB, "up": a.input, "y": a.convolved])
      try convolve(weights.convolution, a.convolved, memory.convolutions[0], silu: false, to: a.scanned)
    case .fromStream(let scan, let step, let b, let c, let bConvolution, let cConvolution):
      try reader.project(b, to: a.rawB)
      try reader.project(c, to: a.rawC)
      try reader.project(step, to: a.step)
      try convolve(weights.convolution, a.input, memory.convolutions[0], silu: true, to: a.convolved)
      try convolve(bConvolution, a.rawB, memory.convolutions[1], silu: true, to: a.b)
      try convolve(cConvolution, a.rawC, memory.convolutions[2], silu: true, to: a.c)
      try self.scan(scan, memory.state, b: a.b, c: a.c)
    case .fromInput(let scan, let step, let b, let c, let stepOutput):
      try convolve(weights.convolution, a.input, memory.convolutions[0], silu: true, to: a.convolved)
      let low = try project(step, a.convolved, to: a.rawStep, normed: a.normedStep)
      let b = try project(b, a.convolved, to: a.rawB, normed: a.b)
      let c = try project(c, a.convolved, to: a.rawC, normed: a.c)
      try multiply(stepOutput, low, to: a.step)
      try self.scan(scan, memory.state, b: b, c: c)
    }
    let gating: Activation.Function = c.kind == .shortConvolution ? .identity : .silu
    try program.record(
      Activation(gating, count: length, gated: true), ["gate": a.gate, "up": a.scanned, "y": a.convolved])
    var result = a.convolved
    if let groups = weights.norm {
      try normalize(
        a.convolved, groups, rows: length / groups.width, epsilon: configuration.normEpsilon, to: a.scanned)
      result = a.scanned
    }
    try output(weights.output, result, norm: norm, adding: adding)
  }

  func convolve(
    _ weights: ConvolutionWeights<B.Tensor>, _ x: B.Tensor, _ state: B.Tensor, silu: Bool, to y: B.Tensor
  ) throws {
    guard let c = configuration.recurrence else { return }
    var arguments = ["x": x, "weight": weights.weight, "state": state, "y": y]
    arguments["bias"] = weights.bias
    try program.record(
      CausalConvolution(
        tokens: count, channels: weights.channels, taps: c.taps, bias: weights.bias != nil, silu: silu), arguments)
  }

  private func scan(
    _ weights: RecurrentWeights<B.Tensor>.Scan, _ state: B.Tensor?, b: B.Tensor, c: B.Tensor
  ) throws {
    guard let size = configuration.recurrence, let a = activations.recurrent, let state else { return }
    try program.record(
      SelectiveScan(
        tokens: count, heads: size.headCount, headSize: size.headSize, groups: size.groupCount,
        stateSize: size.stateSize, decayPerState: size.kind == .mamba),
      [
        "x": a.convolved, "dt": a.step, "a": weights.decay, "b": b, "c": c, "skip": weights.skip, "state": state,
        "y": a.scanned,
      ])
  }

  /// Gives where the result is, normalized where the projection has a norm.
  private func project(
    _ projection: RecurrentWeights<B.Tensor>.Normed, _ x: B.Tensor, to y: B.Tensor, normed: B.Tensor
  ) throws -> B.Tensor {
    try multiply(projection.linear, x, to: y)
    guard let norm = projection.norm else { return y }
    let epsilon = configuration.architecture.recurrence?.stepEpsilon ?? configuration.normEpsilon
    try normalize(y, norm, rows: count, epsilon: epsilon, to: normed)
    return normed
  }
}
