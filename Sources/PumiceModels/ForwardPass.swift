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
      var norm = Normalizer(pass: self, norms: layer.attentionNorms, addsResidual: index > 0)
      try attention(layer, index, &norm, positions, cells)
      if let norms = layer.feedForwardNorms {
        // What attention gave is added first, unless both blocks read the same stream.
        norm = Normalizer(pass: self, norms: norms, addsResidual: !c.architecture.isParallel)
      }
      try feedForward(layer, &norm)
    }
    if wanted != .none { try head(wanted) }
  }

  private func attention(
    _ layer: Layer<B.Tensor>, _ index: Int, _ norm: inout Normalizer<B>, _ positions: B.Tensor, _ cells: B.Tensor
  ) throws {
    let c = configuration, a = activations
    try norm.project(layer.query, to: a.query)
    try norm.project(layer.key, to: a.key)
    try norm.project(layer.value, to: a.value)
    if let queryNorm = layer.queryNorm, let keyNorm = layer.keyNorm {
      try normalizeHeads(a.query, queryNorm, heads: c.headCount, to: a.normedQuery)
      try normalizeHeads(a.key, keyNorm, heads: c.kvHeadCount, to: a.normedKey)
    }
    if let frequencies = layer.frequencies {
      try rotate(a.normedQuery, heads: c.headCount, positions, frequencies)
      try rotate(a.normedKey, heads: c.kvHeadCount, positions, frequencies)
    }
    try program.record(
      KVAppend(
        tokens: count, kvHeads: c.kvHeadCount, keySize: c.headSize, valueSize: c.valueSize, capacity: layout.capacity,
        keyFormat: layout.keyFormats[index], valueFormat: layout.valueFormats[index]),
      [
        "keys": a.normedKey, "values": a.value, "positions": positions, "cells": cells, "key_cache": cache.keys[index],
        "value_cache": cache.values[index], "key_positions": cache.positions[index],
      ])
    let op = Attention(
      tokens: count, heads: c.headCount, kvHeads: c.kvHeadCount, keySize: c.headSize, valueSize: c.valueSize,
      capacity: layout.capacity, keys: keys, keyFormat: layout.keyFormats[index],
      valueFormat: layout.valueFormats[index], scale: c.layers[index].attentionScale, mask: layout.masks[index],
      hasSinks: layer.sinks != nil)
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
      "q": a.normedQuery, "k": cache.keys[index], "v": cache.values[index], "tile_counts": tiles.counts,
      "tile_list": tiles.list, "y": a.attended,
    ]) { first, _ in first }
    places["sinks"] = layer.sinks
    try program.record(op, places)
    try multiply(layer.attentionOutput, a.attended, norm: layer.postAttentionNorm)
  }

  private func feedForward(_ layer: Layer<B.Tensor>, _ norm: inout Normalizer<B>) throws {
    let a = activations
    try norm.project(layer.gate, to: a.gate)
    try norm.project(layer.up, to: a.up)
    switch configuration.architecture.feedForward {
    case .gated:
      try program.record(
        Activation(.silu, count: count * configuration.feedForwardLength, gated: true),
        ["gate": a.gate, "up": a.up, "y": a.activated])
    }
    try multiply(
      layer.down, a.activated, norm: layer.postFeedForwardNorm, adding: configuration.architecture.isParallel)
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
  }

  // MARK: Parts

  private func rotate(_ x: B.Tensor, heads: Int, _ positions: B.Tensor, _ frequencies: B.Tensor) throws {
    let c = configuration
    guard let rotary = c.architecture.rotary else { return }
    try program.record(
      RoPE(
        tokens: count, heads: heads, headSize: c.headSize, rotaryDimensions: c.rotaryDimensions,
        pairing: rotary.pairing),
      ["x": x, "positions": positions, "frequencies": frequencies])
  }

  /// Normalizes every head, or all of them together, by how long the gain is.
  private func normalizeHeads(_ x: B.Tensor, _ norm: NormWeights<B.Tensor>, heads: Int, to y: B.Tensor) throws {
    let c = configuration
    try normalize(x, norm, rows: count * heads * c.headSize / norm.width, epsilon: c.normEpsilon, to: y)
  }

  fileprivate func normalize(
    _ x: B.Tensor, adding addend: B.Tensor? = nil, _ norm: NormWeights<B.Tensor>, rows: Int, epsilon: Float,
    to y: B.Tensor
  ) throws {
    var arguments = ["x": x, "gain": norm.gain, "y": y]
    arguments["addend"] = addend
    try program.record(
      RMSNorm(rows: rows, width: norm.width, epsilon: epsilon, addsResidual: addend != nil), arguments)
  }

  /// A block's output: what will be added to the residual stream, or is added to what another block gave.
  private func multiply(
    _ linear: Linear<B.Tensor>, _ x: B.Tensor, norm: NormWeights<B.Tensor>?, adding: Bool = false
  ) throws {
    let a = activations
    guard let norm else { return try multiply(linear, x, to: a.delta, adding: adding) }
    try multiply(linear, x, to: a.normed)
    try normalize(a.normed, norm, rows: count, epsilon: configuration.normEpsilon, to: a.delta)
  }

  fileprivate func multiply(
    _ linear: Linear<B.Tensor>, _ x: B.Tensor, rows: Int? = nil, to y: B.Tensor, adding: Bool = false
  ) throws {
    let op = MatMul(
      m: linear.outputs, n: rows ?? count, k: linear.inputs, weight: linear.format, bias: linear.bias != nil,
      accumulates: adding)
    var arguments = ["weight": linear.weight, "x": x, "y": y]
    arguments["bias"] = linear.bias
    try program.record(op, arguments)
  }
}

/// Normalizes the residual stream for the projections of one block: once, or once for every gain that they ask for.
private struct Normalizer<B: Backend> {
  let pass: ForwardPass<B>
  let norms: [NormWeights<B.Tensor>]
  /// Whether the last block's output must still be added to the residual stream.
  var addsResidual: Bool
  private var current: Int?

  init(pass: ForwardPass<B>, norms: [NormWeights<B.Tensor>], addsResidual: Bool) {
    self.pass = pass
    self.norms = norms
    self.addsResidual = addsResidual
  }

  mutating func project(_ projection: Projection<B.Tensor>, to y: B.Tensor) throws {
    let a = pass.activations
    if current != projection.gain {
      try pass.normalize(
        a.residual, adding: addsResidual ? a.delta : nil, norms[projection.gain], rows: pass.count,
        epsilon: pass.configuration.streamEpsilon, to: a.normed)
      addsResidual = false
      current = projection.gain
    }
    try pass.multiply(projection.linear, a.normed, to: y)
  }
}

extension ModelConfiguration {
  /// ε of the norms of the residual stream in units of the residual scale.
  fileprivate var streamEpsilon: Float { normEpsilon / (residualScale * residualScale) }
}
