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
  /// What the tokens' queries are multiplied by, [count]; nil for nothing.
  let temperatures: B.Tensor?
  let backend: B
  let program: B.Program
  /// Tokens in this pass, and a bound on the length of the text with them.
  let count: Int
  let length: Int
  /// Sequences that the tokens belong to, each with the same number of them.
  var sequences = 1

  /// Records the pass over `tokens` at `positions` (both [count]).
  func record(tokens: B.Tensor, positions: B.Tensor, wanting wanted: LogitsWanted) throws {
    try recordLayers(tokens: tokens, positions: positions)
    if wanted != .none { try head(wanted) }
  }

  /// Records the layers. What the last one gives lies in the residual stream, and what is to be added to it in `delta`, if
  /// there is an output norm.
  func recordLayers(tokens: B.Tensor, positions: B.Tensor) throws {
    let c = configuration, a = activations
    try embed(tokens, positions)
    // Whether a block's output waits to be added to the residual stream.
    var waits = false
    for (index, layer) in weights.layers.enumerated() {
      var reader = BlockReader(pass: self, input: layer.attentionInput, addsResidual: waits)
      if let weights = layer.attention {
        try attention(weights, index, &reader, positions, norm: layer.postAttentionNorm)
      }
      if let weights = layer.latentAttention {
        try attend(weights, index, &reader, positions, norm: layer.postAttentionNorm)
      }
      if let weights = layer.recurrence {
        try recur(weights, index, &reader, norm: layer.postAttentionNorm, adding: layer.attention != nil)
      }
      if let weights = layer.deltaNet { try recur(weights, index, &reader, norm: layer.postAttentionNorm) }
      if let norm = layer.sumNorm { try normalizeSum(norm) }
      waits = waits || configuration.layers[index].attends || configuration.layers[index].recurs
      if layer.network == nil, layer.mixture == nil { continue }
      if case .shared = layer.feedForwardInput {
      } else {
        // What attention gave is added first, unless both blocks read the same stream.
        reader = BlockReader(pass: self, input: layer.feedForwardInput, addsResidual: waits && !layer.isParallel)
      }
      try feedForward(layer, index, &reader)
      waits = true
      if let norm = layer.layerOutputNorm {
        // The network has read the stream from there.
        try normalize(a.normed, adding: a.delta, norm, rows: count, epsilon: c.normEpsilon, to: a.residual)
        waits = false
      }
    }
  }

  private func embed(_ tokens: B.Tensor, _ positions: B.Tensor) throws {
    let c = configuration, a = activations
    func gather(_ table: Linear<B.Tensor>, _ rows: B.Tensor, to y: B.Tensor) throws {
      try program.record(
        EmbeddingGather(tokens: count, vocabulary: table.outputs, width: table.inputs, format: table.format),
        ["table": table.weight, "tokens": rows, "y": y])
    }
    // The norm is one of the sum of all embeddings.
    let stream = weights.embeddingNorm == nil ? a.residual : a.normed
    let isNormalized = weights.embeddingNorm != nil
    let scale = c.embeddingScale / c.residualScale
    try gather(weights.tokenEmbedding, tokens, to: stream)
    var sum = ScaledSum(
      rows: count, width: c.embeddingLength, scale: isNormalized ? 1 : scale,
      addendScale: isNormalized ? 1 : 1 / c.residualScale, inPlace: true)
    if let table = weights.positionEmbedding {
      try gather(table, positions, to: a.delta)
      sum.addend = .tensor
      try program.record(sum, ["x": stream, "z": a.delta])
    } else if sum.scale != 1 {
      try program.record(sum, ["x": stream])
    }
    if let row = weights.tokenType {
      sum.addend = .row
      sum.scale = 1
      try program.record(sum, ["x": stream, "z": row])
    }
    guard let norm = weights.embeddingNorm else { return }
    try normalize(stream, norm, rows: count, epsilon: c.normEpsilon, to: a.residual)
    if scale != 1 {
      try program.record(
        ScaledSum(rows: count, width: c.embeddingLength, scale: scale, inPlace: true), ["x": a.residual])
    }
  }

  private func attention(
    _ layer: AttentionWeights<B.Tensor>, _ index: Int, _ reader: inout BlockReader<B>, _ positions: B.Tensor,
    norm: NormWeights<B.Tensor>?
  ) throws {
    let c = configuration, a = activations
    let heads = c.layers[index].headCount, kvHeads = c.layers[index].kvHeadCount
    if c.architecture.attentionGate == .inQuery {
      try reader.project(layer.query, to: a.gatedQuery)
      for (part, target) in [a.query, a.attentionGate].enumerated() {
        try program.record(
          HeadCopy(
            tokens: count, length: c.headSize,
            from: HeadCopy.Part(heads: heads, headSize: 2 * c.headSize, offset: part * c.headSize),
            to: HeadCopy.Part(heads: heads, headSize: c.headSize)), ["x": a.gatedQuery, "y": target])
      }
    } else {
      try reader.project(layer.query, to: a.query)
    }
    try reader.project(layer.key, to: a.key)
    try reader.project(layer.value, to: a.value)
    if let gate = layer.gate { try reader.project(gate, to: a.attentionGate) }
    if let clamp = c.projectionClamp {
      for (x, width) in [
        (a.query, heads * c.headSize), (a.key, kvHeads * c.headSize), (a.value, kvHeads * c.valueSize),
      ] {
        try program.record(
          ScaledSum(rows: count, width: width, range: .clamp(clamp), inPlace: true), ["x": x])
      }
    }
    let query = try place(
      a.query, layer.queryNorm, heads: heads, positions, layer.rotary, normed: a.normedQuery)
    let key = try place(a.key, layer.keyNorm, heads: kvHeads, positions, layer.rotary, normed: a.normedKey)
    try temper(query, index)
    try append(key, a.value, index, positions)
    try attend(query, index, positions, sinks: layer.sinks)
    try output(layer.output, gated(a.attended, layer, heads: heads), norm: norm)
  }

  /// Multiplies queries by the temperatures of their positions, in layers that have them.
  func temper(_ query: B.Tensor, _ index: Int) throws {
    let c = configuration
    guard let temperatures, c.layers[index].hasTemperature else { return }
    try program.record(
      ScaledSum(rows: count, width: c.layers[index].headCount * c.headSize, rowGain: true, inPlace: true),
      ["x": query, "row_gain": temperatures])
  }

  /// Keeps the keys and values of the pass.
  func append(_ keys: B.Tensor, _ values: B.Tensor, _ index: Int, _ positions: B.Tensor) throws {
    let c = configuration, kvHeads = c.layers[index].kvHeadCount
    guard let part = layout.layers[index], let stored = cache.layers[index] else {
      preconditionFailure("layer \(index) attends and has no cache")
    }
    for (run, tensors) in zip(part.runs, stored.runs) {
      try program.record(
        KVAppend(
          sequences: sequences, tokens: count / sequences, kvHeads: kvHeads, part: run.part, keySize: c.headSize,
          valueSize: c.valueSize, capacity: layout.cellMap(of: part).capacity, keyFormat: run.keyFormat,
          valueFormat: run.valueFormat),
        [
          "keys": keys, "values": values, "positions": positions, "cells": tileLists.places[part.cellMap].cells,
          "key_cache": tensors.keys, "value_cache": tensors.values, "key_positions": stored.positions,
        ])
    }
  }

  func attend(_ query: B.Tensor, _ index: Int, _ positions: B.Tensor, sinks: B.Tensor?) throws {
    let c = configuration, a = activations
    guard let layer = layout.layers[index], let stored = cache.layers[index], let tiles = tileLists.layers[index] else {
      preconditionFailure("layer \(index) attends and has no cache")
    }
    let map = layout.cellMap(of: layer)
    var places = [
      "positions": positions, "key_positions": stored.positions, "lengths": tileLists.places[layer.cellMap].lengths,
      "totals": tileLists.totals, "mask": tiles.mask,
    ]
    func attention(_ run: CacheLayout.Run) -> Attention {
      Attention(
        sequences: sequences, tokens: count / sequences, heads: c.layers[index].headCount,
        kvHeads: c.layers[index].kvHeadCount, part: run.part, keySize: c.headSize, valueSize: c.valueSize,
        capacity: map.capacity, keys: map.cellsInUse(by: length), keyFormat: run.keyFormat,
        valueFormat: run.valueFormat, scale: c.layers[index].attentionScale, mask: layer.mask,
        modifications: c.scoreModifications, hasSinks: sinks != nil)
    }
    if tiles.isFirst {
      try program.record(
        attention(layer.runs[0]).tiles,
        places.merging(["counts": tiles.counts, "list": tiles.list]) { first, _ in first })
    }
    places.merge(["q": query, "tile_counts": tiles.counts, "tile_list": tiles.list, "y": a.attended]) { first, _ in
      first
    }
    places["sinks"] = sinks
    places["score"] = weights.scoreNumbers
    for (run, tensors) in zip(layer.runs, stored.runs) {
      places["k"] = tensors.keys
      places["v"] = tensors.values
      try program.record(attention(run), places)
    }
  }

  /// What the gate lets through of what attention gives; gives where that is.
  private func gated(
    _ attended: B.Tensor, _ layer: AttentionWeights<B.Tensor>, heads: Int
  ) throws -> B.Tensor {
    let c = configuration, a = activations, function = c.architecture.attentionGateFunction
    let outputs = c.architecture.attentionGate == .inQuery ? heads * c.valueSize : layer.gate?.linear.outputs
    guard let outputs else { return attended }
    guard outputs != heads * c.valueSize else {
      try program.record(
        Activation(function, count: count * heads * c.valueSize, gated: true),
        ["gate": a.attentionGate, "up": attended, "y": a.gatedAttention])
      return a.gatedAttention
    }
    try program.record(
      Activation(function, count: count * heads, gated: false), ["x": a.attentionGate, "y": a.gatedAttention])
    try program.record(
      ScaledSum(rows: count * heads, width: c.valueSize, rowGain: true, inPlace: true),
      ["x": attended, "row_gain": a.gatedAttention])
    return attended
  }

  /// The last norm and the product with the vocabulary, for the rows that are wanted.
  private func head(_ wanted: LogitsWanted) throws {
    guard let norm = weights.outputNorm, let output = weights.output else {
      preconditionFailure("logits of a model that was loaded for something else")
    }
    let c = configuration, a = activations
    let rows = wanted == .all ? count : 1
    let first = (count - rows) * c.embeddingLength
    let shape: Shape = [rows, c.embeddingLength]
    try normalize(
      backend.part(of: a.residual, from: first, shape), adding: backend.part(of: a.delta, from: first, shape),
      norm, rows: rows * norm.count, epsilon: c.streamEpsilon, to: a.normed)
    try multiply(output, a.normed, rows: rows, to: a.logits)
    if let cap = c.logitCap {
      try program.record(
        ScaledSum(rows: rows, width: c.vocabularySize, range: .softCap(cap), inPlace: true), ["x": a.logits])
    }
  }

  // MARK: Parts

  /// Normalizes and rotates queries or keys; gives where they are then.
  private func place(
    _ x: B.Tensor, _ norm: NormWeights<B.Tensor>?, heads: Int, _ positions: B.Tensor,
    _ rotary: (scheme: RotaryScheme, frequencies: B.Tensor)?, normed: B.Tensor
  ) throws -> B.Tensor {
    let c = configuration
    func rotate(_ x: B.Tensor) throws {
      guard let (scheme, frequencies) = rotary else { return }
      try program.record(
        RoPE(
          tokens: count, heads: heads, headSize: c.headSize, rotaryDimensions: scheme.dimensions,
          pairing: c.ropePairing, magnitude: scheme.magnitude),
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

  /// - Parameter addend: is added to x first, in place.
  func normalize(
    _ x: B.Tensor, adding addend: B.Tensor? = nil, _ norm: NormWeights<B.Tensor>, rows: Int, epsilon: Float,
    to y: B.Tensor
  ) throws {
    var arguments = ["x": x, "gain": norm.gain, "y": y]
    arguments["addend"] = addend
    switch norm.norm {
    case .rms, .plainRMS, .rmsAndBias:
      let op = RMSNorm(
        rows: rows, width: norm.width, epsilon: epsilon, addsResidual: addend != nil, gains: norm.count)
      try program.record(op, arguments)
      guard let bias = norm.bias else { break }
      try program.record(
        ScaledSum(rows: rows, width: norm.width, addend: .row, inPlace: true), ["x": y, "z": bias])
    case .layer, .plainLayer, .byKey:
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
    if adding, norm == nil { return try multiply(linear, x, to: activations.delta, adding: true) }
    try multiply(linear, x, to: norm == nil ? activations.delta : activations.normed)
    try normalizeOutput(norm)
  }

  /// Normalizes a block's output, if it is to be.
  func normalizeOutput(_ norm: NormWeights<B.Tensor>?) throws {
    guard let norm else { return }
    let epsilon = configuration.architecture.postNormEpsilon ?? configuration.normEpsilon
    try normalize(activations.normed, norm, rows: count * norm.count, epsilon: epsilon, to: activations.delta)
  }

  /// A product that is added to what is there, or takes its place.
  func multiply(_ linear: Linear<B.Tensor>, _ x: B.Tensor, to y: B.Tensor, adding: Bool) throws {
    guard adding, linear.scale != 1 else { return try multiply(linear, x, rows: nil, to: y, accumulates: adding) }
    try multiply(linear, x, to: activations.normed)
    try program.record(
      ScaledSum(rows: count, width: linear.outputs, addend: .tensor, inPlace: true),
      ["x": y, "z": activations.normed])
  }

  func multiply(
    _ linear: Linear<B.Tensor>, _ x: B.Tensor, rows: Int? = nil, to y: B.Tensor, accumulates: Bool = false
  ) throws {
    let isScaled = linear.scale != 1
    let op = MatMul(
      m: linear.outputs, n: rows ?? count, k: linear.inputs, weight: linear.format,
      bias: linear.bias != nil && !isScaled, accumulates: accumulates)
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
  private let input: BlockInput<B.Tensor>
  /// Whether the last block's output must still be added to the residual stream.
  private var addsResidual: Bool
  private var current: Int?

  init(pass: ForwardPass<B>, input: BlockInput<B.Tensor>, addsResidual: Bool) {
    self.pass = pass
    self.input = input
    self.addsResidual = addsResidual
  }

  mutating func project(_ projection: Projection<B.Tensor>, to y: B.Tensor) throws {
    try pass.multiply(projection.linear, read(norm: projection.norm), to: y)
  }

  /// What the block reads with one of its norms; it stays there until another is asked for.
  mutating func read(norm index: Int) throws -> B.Tensor {
    let a = pass.activations
    guard case .normalized(let norms) = input else {
      if addsResidual { try pass.addDelta() }
      addsResidual = false
      return a.residual
    }
    if current != index {
      try pass.normalize(
        a.residual, adding: addsResidual ? a.delta : nil, norms[index], rows: pass.count * norms[index].count,
        epsilon: pass.configuration.streamEpsilon, to: a.normed)
      addsResidual = false
      current = index
    }
    return a.normed
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
  var streamEpsilon: Float { normEpsilon / (residualScale * residualScale) }
}
