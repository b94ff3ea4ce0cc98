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

/// The tensors between operators, large enough for `rows` tokens.
struct Activations<B: Backend> {
  let residual: B.Tensor
  let normed: B.Tensor
  let delta: B.Tensor
  let query: B.Tensor
  let key: B.Tensor
  let value: B.Tensor
  let attended: B.Tensor
  let gate: B.Tensor
  let up: B.Tensor
  let activated: B.Tensor
  /// [logitRows, vocabulary]
  let logits: B.Tensor

  init(_ c: ModelConfiguration, rows: Int, logitRows: Int, on backend: B) throws {
    func make(_ rows: Int, _ width: Int, _ label: String) throws -> B.Tensor {
      try backend.makeTensor([rows, width], .f32, at: .device, label: label)
    }
    residual = try make(rows, c.embeddingLength, "residual stream")
    normed = try make(rows, c.embeddingLength, "normalized")
    delta = try make(rows, c.embeddingLength, "residual addend")
    query = try make(rows, c.headCount * c.headSize, "queries")
    key = try make(rows, c.kvHeadCount * c.headSize, "keys")
    value = try make(rows, c.kvHeadCount * c.headSize, "values")
    attended = try make(rows, c.headCount * c.headSize, "attention")
    gate = try make(rows, c.feedForwardLength, "gate")
    up = try make(rows, c.feedForwardLength, "up")
    activated = try make(rows, c.feedForwardLength, "activated")
    logits = try make(logitRows, c.vocabularySize, "logits")
  }
}

/// The forward pass of a decoder, as a program of any backend.
struct ForwardPass<B: Backend> {
  let configuration: ModelConfiguration
  let weights: ModelWeights<B>
  let activations: Activations<B>
  let layout: CacheLayout
  let cache: KVCache<B>
  let tileLists: TileLists<B>
  let backend: B
  let program: B.Program
  /// Tokens in this pass, and a bound on the cells of the cache that they see.
  let count: Int
  let keys: Int

  /// Records the pass over `tokens` at `positions` (both [count]), whose keys and values go to `cells` ([count, kvHeads]).
  func record(tokens: B.Tensor, positions: B.Tensor, cells: B.Tensor, wanting wanted: LogitsWanted) throws {
    let c = configuration, a = activations
    try program.record(
      EmbeddingGather(
        tokens: count, vocabulary: c.vocabularySize, width: c.embeddingLength, format: weights.tokenEmbedding.format),
      ["table": weights.tokenEmbedding.weight, "tokens": tokens, "y": a.residual])
    for (index, layer) in weights.layers.enumerated() {
      try attention(layer, index, positions, cells)
      try feedForward(layer)
    }
    if wanted != .none { try head(wanted) }
  }

  private func attention(
    _ layer: Layer<B.Tensor>, _ index: Int, _ positions: B.Tensor, _ cells: B.Tensor
  ) throws {
    let c = configuration, a = activations
    var norm = Normalizer(pass: self, gains: layer.attentionGains, addsResidual: index > 0)
    try norm.project(layer.query, to: a.query)
    try norm.project(layer.key, to: a.key)
    try norm.project(layer.value, to: a.value)
    try rotate(a.query, heads: c.headCount, positions)
    try rotate(a.key, heads: c.kvHeadCount, positions)
    try program.record(
      KVAppend(
        tokens: count, kvHeads: c.kvHeadCount, keySize: c.headSize, capacity: layout.capacity,
        keyFormat: layout.keyFormats[index], valueFormat: layout.valueFormats[index]),
      [
        "keys": a.key, "values": a.value, "positions": positions, "cells": cells, "key_cache": cache.keys[index],
        "value_cache": cache.values[index], "key_positions": cache.positions[index],
      ])
    let op = Attention(
      tokens: count, heads: c.headCount, kvHeads: c.kvHeadCount, keySize: c.headSize, capacity: layout.capacity,
      keys: keys, keyFormat: layout.keyFormats[index], valueFormat: layout.valueFormats[index],
      mask: layout.masks[index])
    let tiles = tileLists.layers[index]
    var places = [
      "positions": positions, "key_positions": cache.positions[index], "lengths": tileLists.lengths,
      "totals": tileLists.totals,
      "mask": tiles.mask,
    ]
    if tiles.isFirst {
      try program.record(
        op.tiles, places.merging(["counts": tiles.counts, "list": tiles.list]) { first, _ in first })
    }
    places.merge([
      "q": a.query, "k": cache.keys[index], "v": cache.values[index], "tile_counts": tiles.counts,
      "tile_list": tiles.list, "y": a.attended,
    ]) { first, _ in first }
    try program.record(op, places)
    try multiply(layer.attentionOutput, a.attended, to: a.delta)
  }

  private func feedForward(_ layer: Layer<B.Tensor>) throws {
    let a = activations
    var norm = Normalizer(pass: self, gains: layer.feedForwardGains, addsResidual: true)
    try norm.project(layer.gate, to: a.gate)
    try norm.project(layer.up, to: a.up)
    switch configuration.architecture.feedForward {
    case .swiGLU:
      try program.record(
        Activation(.silu, count: count * configuration.feedForwardLength, gated: true),
        ["gate": a.gate, "up": a.up, "y": a.activated])
    }
    try multiply(layer.down, a.activated, to: a.delta)
  }

  /// The last norm and the product with the vocabulary, for the rows that are wanted.
  private func head(_ wanted: LogitsWanted) throws {
    let c = configuration, a = activations
    let rows = wanted == .all ? count : 1
    let first = (count - rows) * c.embeddingLength
    let shape: Shape = [rows, c.embeddingLength]
    try program.record(
      RMSNorm(rows: rows, width: c.embeddingLength, epsilon: c.normEpsilon, addsResidual: true),
      [
        "x": backend.part(of: a.residual, from: first, shape), "addend": backend.part(of: a.delta, from: first, shape),
        "gain": weights.outputGain, "y": a.normed,
      ])
    try multiply(weights.output, a.normed, rows: rows, to: a.logits)
  }

  private func rotate(_ x: B.Tensor, heads: Int, _ positions: B.Tensor) throws {
    let c = configuration
    try program.record(
      RoPE(
        tokens: count, heads: heads, headSize: c.headSize, rotaryDimensions: c.rotaryDimensions,
        pairing: c.architecture.ropePairing),
      ["x": x, "positions": positions, "frequencies": weights.frequencies])
  }

  fileprivate func multiply(_ linear: Linear<B.Tensor>, _ x: B.Tensor, rows: Int? = nil, to y: B.Tensor) throws {
    let op = MatMul(
      m: linear.outputs, n: rows ?? count, k: linear.inputs, weight: linear.format, bias: linear.bias != nil)
    var arguments = ["weight": linear.weight, "x": x, "y": y]
    arguments["bias"] = linear.bias
    try program.record(op, arguments)
  }
}

/// Normalizes the residual stream for the projections of one block: once, or once for every gain that they ask for.
private struct Normalizer<B: Backend> {
  let pass: ForwardPass<B>
  let gains: [B.Tensor]
  /// Whether the last block's output must still be added to the residual stream.
  var addsResidual: Bool
  private var current: Int?

  init(pass: ForwardPass<B>, gains: [B.Tensor], addsResidual: Bool) {
    self.pass = pass
    self.gains = gains
    self.addsResidual = addsResidual
  }

  mutating func project(_ projection: Projection<B.Tensor>, to y: B.Tensor) throws {
    let a = pass.activations
    if current != projection.gain {
      let c = pass.configuration
      let op = RMSNorm(
        rows: pass.count, width: c.embeddingLength, epsilon: c.normEpsilon, addsResidual: addsResidual)
      var arguments = ["x": a.residual, "gain": gains[projection.gain], "y": a.normed]
      if addsResidual { arguments["addend"] = a.delta }
      try pass.program.record(op, arguments)
      addsResidual = false
      current = projection.gain
    }
    try pass.multiply(projection.linear, a.normed, to: y)
  }
}
