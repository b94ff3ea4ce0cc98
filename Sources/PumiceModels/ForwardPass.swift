import PumiceKernels
import PumiceOperators
import PumiceTensors

/// Which logits a pass leaves.
enum LogitsWanted {
  case none
  /// Those of the last token.
  case last
  /// Those of every token.
  case all
}

/// The forward pass of a decoder, as a program of any backend.
///
/// The residual stream is kept in units of the residual scale r: with z = x / r, x ← x + r·f(norm(x)) is z ← z + f(norm(z)),
/// where the norm's ε is divided by r². So only the embeddings need a factor.
struct ForwardPass<B: Backend> {
  let configuration: ModelConfiguration
  let weights: ModelWeights<B>
  let activations: Activations<B>
  let layout: CacheLayout
  let cache: KVCache<B>
  let state: RecurrentState<B>
  let tileLists: TileLists<B>
  let backend: B
  let program: B.Program
  /// Tokens in this pass, and a bound on the cells of the cache that they see.
  let count: Int
  let keys: Int

  /// Records the pass over `tokens` at `positions` (both [count]), whose keys and values go to `cells` ([count, kvHeads]).
  func record(tokens: B.Tensor, positions: B.Tensor, cells: B.Tensor, wanting wanted: LogitsWanted) throws {
    try embed(tokens, positions)
    // Whether a block's output waits to be added to the residual stream.
    var waits = false
    for (index, layer) in weights.layers.enumerated() {
      var reader = BlockReader(pass: self, input: layer.attentionInput, addsResidual: waits)
      if let weights = layer.attention {
        try attention(weights, index, &reader, positions, cells, norm: layer.postAttentionNorm)
      }
      if let weights = layer.latentAttention {
        try attend(weights, index, &reader, positions, cells, norm: layer.postAttentionNorm)
      }
      if let weights = layer.recurrence {
        try recur(weights, index, &reader, norm: layer.postAttentionNorm, adding: layer.attention != nil)
      }
      if let weights = layer.deltaNet { try recur(weights, index, &reader, norm: layer.postAttentionNorm) }
      let blocks = configuration.layers[index].blocks
      waits = waits || blocks.attention || blocks.recurrence
      guard let up = layer.up, let down = layer.down else { continue }
      if case .shared = layer.feedForwardInput {
      } else {
        // What attention gave is added first, unless both blocks read the same stream.
        reader = BlockReader(pass: self, input: layer.feedForwardInput, addsResidual: waits && !layer.isParallel)
      }
      try feedForward(layer, up, down, &reader)
      waits = true
    }
    if wanted != .none { try head(wanted) }
  }

  private func embed(_ tokens: B.Tensor, _ positions: B.Tensor) throws {
    let c = configuration, a = activations
    func gather(_ table: Linear<B.Tensor>, _ rows: B.Tensor, to y: B.Tensor) throws {
      try program.record(
        EmbeddingGather(tokens: count, vocabulary: table.outputs, width: table.inputs, format: table.format),
        ["table": table.weight, "tokens": rows, "y": y])
    }
    try gather(weights.tokenEmbedding, tokens, to: weights.embeddingNorm == nil ? a.residual : a.normed)
    if let norm = weights.embeddingNorm {
      try normalize(a.normed, norm, rows: count, epsilon: c.normEpsilon, to: a.residual)
    }
    var sum = ScaledSum(
      rows: count, width: c.embeddingLength, scale: c.embeddingScale / c.residualScale,
      addendScale: 1 / c.residualScale, inPlace: true)
    if let table = weights.positionEmbedding {
      try gather(table, positions, to: a.delta)
      sum.addend = .tensor
      try program.record(sum, ["x": a.residual, "z": a.delta])
    } else if sum.scale != 1 {
      try program.record(sum, ["x": a.residual])
    }
  }

  private func attention(
    _ layer: AttentionWeights<B.Tensor>, _ index: Int, _ reader: inout BlockReader<B>, _ positions: B.Tensor,
    _ cells: B.Tensor, norm: NormWeights<B.Tensor>?
  ) throws {
    let c = configuration, a = activations
    if c.architecture.attentionGate == .inQuery {
      try reader.project(layer.query, to: a.gatedQuery)
      let both = HeadCopy.Part(heads: c.headCount, headSize: 2 * c.headSize)
      for (part, target) in [a.query, a.attentionGate].enumerated() {
        var source = both
        source.offset = part * c.headSize
        try program.record(
          HeadCopy(
            tokens: count, length: c.headSize, from: source,
            to: HeadCopy.Part(heads: c.headCount, headSize: c.headSize)), ["x": a.gatedQuery, "y": target])
      }
    } else {
      try reader.project(layer.query, to: a.query)
    }
    try reader.project(layer.key, to: a.key)
    try reader.project(layer.value, to: a.value)
    if let gate = layer.gate { try reader.project(gate, to: a.attentionGate) }
    if let clamp = c.projectionClamp {
      for (x, width) in [
        (a.query, c.headCount * c.headSize), (a.key, c.kvHeadCount * c.headSize),
        (a.value, c.kvHeadCount * c.valueSize),
      ] {
        try program.record(
          ScaledSum(rows: count, width: width, range: .clamp(clamp), inPlace: true), ["x": x])
      }
    }
    let query = try place(
      a.query, layer.queryNorm, heads: c.headCount, positions, layer.frequencies, normed: a.normedQuery)
    let key = try place(
      a.key, layer.keyNorm, heads: c.kvHeadCount, positions, layer.frequencies, normed: a.normedKey)
    try append(key, a.value, index, positions, cells)
    try attend(query, index, positions, sinks: layer.sinks)
    try output(layer.output, gated(a.attended), norm: norm)
  }

  /// Keeps the keys and values of the pass.
  func append(
    _ keys: B.Tensor, _ values: B.Tensor, _ index: Int, _ positions: B.Tensor, _ cells: B.Tensor
  ) throws {
    let c = configuration
    guard let cache = cache.layers[index] else { preconditionFailure("layer \(index) attends and has no cache") }
    try program.record(
      KVAppend(
        tokens: count, kvHeads: c.kvHeadCount, keySize: c.headSize, valueSize: c.valueSize, capacity: layout.capacity,
        keyFormat: layout.keyFormats[index], valueFormat: layout.valueFormats[index]),
      [
        "keys": keys, "values": values, "positions": positions, "cells": cells, "key_cache": cache.keys,
        "value_cache": cache.values, "key_positions": cache.positions,
      ])
  }

  func attend(_ query: B.Tensor, _ index: Int, _ positions: B.Tensor, sinks: B.Tensor?) throws {
    let c = configuration, a = activations
    let op = Attention(
      tokens: count, heads: c.headCount, kvHeads: c.kvHeadCount, keySize: c.headSize, valueSize: c.valueSize,
      capacity: layout.capacity, keys: keys, keyFormat: layout.keyFormats[index],
      valueFormat: layout.valueFormats[index], scale: c.layers[index].attentionScale, mask: layout.masks[index],
      modifications: c.scoreModifications, hasSinks: sinks != nil)
    guard let cache = cache.layers[index], let tiles = tileLists.layers[index] else {
      preconditionFailure("layer \(index) attends and has no cache")
    }
    var places = [
      "positions": positions, "key_positions": cache.positions, "lengths": tileLists.lengths,
      "totals": tileLists.totals,
      "mask": tiles.mask,
    ]
    if tiles.isFirst {
      try program.record(
        op.tiles, places.merging(["counts": tiles.counts, "list": tiles.list]) { first, _ in first })
    }
    places.merge([
      "q": query, "k": cache.keys, "v": cache.values, "tile_counts": tiles.counts,
      "tile_list": tiles.list, "y": a.attended,
    ]) { first, _ in first }
    places["sinks"] = sinks
    places["score"] = weights.scoreNumbers
    try program.record(op, places)
  }

  /// What the gate lets through of what attention gives; gives where that is.
  private func gated(_ attended: B.Tensor) throws -> B.Tensor {
    let c = configuration, a = activations
    switch c.architecture.attentionGate {
    case .none: return attended
    case .perElement, .inQuery:
      try program.record(
        Activation(.sigmoid, count: count * c.headCount * c.valueSize, gated: true),
        ["gate": a.attentionGate, "up": attended, "y": a.gatedAttention])
      return a.gatedAttention
    case .perHead:
      try program.record(
        Activation(.sigmoid, count: count * c.headCount, gated: false),
        ["x": a.attentionGate, "y": a.gatedAttention])
      try program.record(
        ScaledSum(rows: count * c.headCount, width: c.valueSize, rowGain: true, inPlace: true),
        ["x": attended, "row_gain": a.gatedAttention])
      return attended
    }
  }

  private func feedForward(
    _ layer: Layer<B.Tensor>, _ up: Projection<B.Tensor>, _ down: Linear<B.Tensor>, _ reader: inout BlockReader<B>
  ) throws {
    let c = configuration, a = activations
    let length = count * c.feedForwardLength
    if let gate = layer.gate { try reader.project(gate, to: a.gate) }
    try reader.project(up, to: a.up)
    switch c.architecture.feedForward {
    case .gated(let function):
      try program.record(
        Activation(function, count: length, gated: true), ["gate": a.gate, "up": a.up, "y": a.activated])
    case .plain(let function):
      try program.record(Activation(function, count: length, gated: false), ["x": a.up, "y": a.activated])
    }
    if let gain = layer.activationGain {
      try program.record(
        ScaledSum(rows: count, width: c.feedForwardLength, gain: true, inPlace: true),
        ["x": a.activated, "gain": gain])
    }
    try output(down, a.activated, norm: layer.postFeedForwardNorm, adding: layer.isParallel)
  }

  /// The last norm and the product with the vocabulary, for the rows that are wanted.
  private func head(_ wanted: LogitsWanted) throws {
    let c = configuration, a = activations
    let rows = wanted == .all ? count : 1
    let first = (count - rows) * c.embeddingLength
    let shape: Shape = [rows, c.embeddingLength]
    try normalize(
      backend.part(of: a.residual, from: first, shape), adding: backend.part(of: a.delta, from: first, shape),
      weights.outputNorm, rows: rows, epsilon: c.streamEpsilon, to: a.normed)
    try multiply(weights.output, a.normed, rows: rows, to: a.logits)
    if let cap = c.logitCap {
      try program.record(
        ScaledSum(rows: rows, width: c.vocabularySize, range: .softCap(cap), inPlace: true), ["x": a.logits])
    }
  }

  // MARK: Parts

  /// Normalizes and rotates queries or keys; gives where they are then.
  private func place(
    _ x: B.Tensor, _ norm: NormWeights<B.Tensor>?, heads: Int, _ positions: B.Tensor, _ frequencies: B.Tensor?,
    normed: B.Tensor
  ) throws -> B.Tensor {
    let c = configuration
    func rotate(_ x: B.Tensor) throws {
      guard let frequencies else { return }
      try program.record(
        RoPE(
          tokens: count, heads: heads, headSize: c.headSize, rotaryDimensions: c.rotaryDimensions,
          pairing: c.ropePairing),
        ["x": x, "positions": positions, "frequencies": frequencies])
    }
    guard let norm else {
      try rotate(x)
      return x
    }
    let isAfter = c.architecture.headNorm?.isAfterRotary == true
    if isAfter { try rotate(x) }
    try normalize(x, norm, rows: count * heads * c.headSize / norm.width, epsilon: c.normEpsilon, to: normed)
    if !isAfter { try rotate(normed) }
    return normed
  }

  func normalize(
    _ x: B.Tensor, adding addend: B.Tensor? = nil, _ norm: NormWeights<B.Tensor>, rows: Int, epsilon: Float,
    to y: B.Tensor
  ) throws {
    var arguments = ["x": x, "gain": norm.gain, "y": y]
    arguments["addend"] = addend
    switch norm.norm {
    case .rms, .plainRMS:
      let op = RMSNorm(
        rows: rows, width: norm.width, epsilon: epsilon, addsResidual: addend != nil, gains: norm.count)
      try program.record(op, arguments)
    case .layer, .plainLayer:
      arguments["bias"] = norm.bias
      let op = LayerNorm(
        rows: rows, width: norm.width, epsilon: epsilon, bias: norm.bias != nil, addsResidual: addend != nil,
        gains: norm.count)
      try program.record(op, arguments)
    }
  }

  /// A block's output: what will be added to the residual stream, or is added to what another block gave.
  func output(
    _ linear: Linear<B.Tensor>, _ x: B.Tensor, norm: NormWeights<B.Tensor>?, adding: Bool = false
  ) throws {
    let c = configuration, a = activations
    if let norm {
      try multiply(linear, x, to: a.normed)
      let epsilon = c.architecture.postNormEpsilon ?? c.normEpsilon
      return try normalize(a.normed, norm, rows: count, epsilon: epsilon, to: a.delta)
    }
    guard adding, linear.scale != 1 else { return try multiply(linear, x, to: a.delta, adding: adding) }
    try multiply(linear, x, to: a.normed)
    try program.record(
      ScaledSum(rows: count, width: c.embeddingLength, addend: .tensor, inPlace: true),
      ["x": a.delta, "z": a.normed])
  }

  func multiply(
    _ linear: Linear<B.Tensor>, _ x: B.Tensor, rows: Int? = nil, to y: B.Tensor, adding: Bool = false
  ) throws {
    let isScaled = linear.scale != 1
    let op = MatMul(
      m: linear.outputs, n: rows ?? count, k: linear.inputs, weight: linear.format,
      bias: linear.bias != nil && !isScaled, accumulates: adding)
    var arguments = ["weight": linear.weight, "x": x, "y": y]
    if !isScaled { arguments["bias"] = linear.bias }
    try program.record(op, arguments)
    guard isScaled else { return }
    var sum = ScaledSum(rows: rows ?? count, width: linear.outputs, scale: linear.scale, inPlace: true)
    arguments = ["x": y]
    if let bias = linear.bias {
      sum.addend = .row
      arguments["z"] = bias
    }
    try program.record(sum, arguments)
  }
}

/// Gives a block's projections what they read: the residual stream, normalized once or once for every gain that they ask
/// for, or as it is.
struct BlockReader<B: Backend> {
  let pass: ForwardPass<B>
  let input: BlockInput<B.Tensor>
  /// Whether the last block's output must still be added to the residual stream.
  var addsResidual: Bool
  private var current: Int?

  init(pass: ForwardPass<B>, input: BlockInput<B.Tensor>, addsResidual: Bool) {
    self.pass = pass
    self.input = input
    self.addsResidual = addsResidual
  }

  mutating func project(_ projection: Projection<B.Tensor>, to y: B.Tensor) throws {
    let a = pass.activations
    guard case .normalized(let norms) = input else {
      if addsResidual { try pass.addDelta() }
      addsResidual = false
      return try pass.multiply(projection.linear, a.residual, to: y)
    }
    if current != projection.norm {
      try pass.normalize(
        a.residual, adding: addsResidual ? a.delta : nil, norms[projection.norm], rows: pass.count,
        epsilon: pass.configuration.streamEpsilon, to: a.normed)
      addsResidual = false
      current = projection.norm
    }
    try pass.multiply(projection.linear, a.normed, to: y)
  }
}

extension ForwardPass {
  /// Adds a block's output to the residual stream where no norm does.
  fileprivate func addDelta() throws {
    try program.record(
      ScaledSum(rows: count, width: configuration.embeddingLength, addend: .tensor, inPlace: true),
      ["x": activations.residual, "z": activations.delta])
  }
}

extension ModelConfiguration {
  /// ε of the norms of the residual stream in units of the residual scale.
  fileprivate var streamEpsilon: Float { normEpsilon / (residualScale * residualScale) }
}
