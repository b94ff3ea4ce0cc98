import PumiceModelFiles
import PumiceOperators
import PumiceQuantization
import PumiceReference
import PumiceTensors

/// A matrix of a model with its bias.
struct Linear<Tensor> {
  var weight: Tensor
  var format: TensorFormat
  var outputs: Int
  var inputs: Int
  var bias: Tensor?
}

/// What a norm multiplies by.
struct NormWeights<Tensor> {
  var gain: Tensor
  var width: Int
}

/// A projection of the normalized residual stream.
struct Projection<Tensor> {
  var linear: Linear<Tensor>
  /// Which of the norm's gains the residual stream is normalized with for it.
  var gain: Int
}

/// One transformer layer.
struct Layer<Tensor> {
  /// The norm before attention, once for every gain that projections ask for.
  var attentionNorms: [NormWeights<Tensor>]
  var query: Projection<Tensor>
  var key: Projection<Tensor>
  var value: Projection<Tensor>
  var queryNorm: NormWeights<Tensor>?
  var keyNorm: NormWeights<Tensor>?
  /// The table of rotary frequencies; nil where nothing is turned.
  var frequencies: Tensor?
  var sinks: Tensor?
  var attentionOutput: Linear<Tensor>
  var postAttentionNorm: NormWeights<Tensor>?
  /// Nil where the feed-forward network reads what attention reads.
  var feedForwardNorms: [NormWeights<Tensor>]?
  var gate: Projection<Tensor>
  var up: Projection<Tensor>
  var down: Linear<Tensor>
  var postFeedForwardNorm: NormWeights<Tensor>?
}

/// The weights of a model on a backend.
struct ModelWeights<B: Backend> {
  let tokenEmbedding: Linear<B.Tensor>
  let layers: [Layer<B.Tensor>]
  let outputNorm: NormWeights<B.Tensor>
  let output: Linear<B.Tensor>

  /// Copies all weights to the backend, straight from the mapped file.
  ///
  /// - Parameters:
  ///   - context: the tokens of the longest text, which some families choose rotary frequencies by.
  ///   - encoding: what matrices are encoded in on the way; nil to leave them as they are.
  ///   - progress: told the share of the bytes that are done.
  init(
    _ tensors: ModelTensors, on backend: B, context: Int, encodedIn encoding: WeightEncoding?,
    progress: @escaping (Double) -> Void
  ) throws {
    let c = tensors.configuration
    var loader = WeightLoader(tensors: tensors, backend: backend, target: encoding, progress: progress)
    let embedding = try loader.matrix(tensors.tokenEmbedding)
    tokenEmbedding = embedding
    // Tied embeddings: without a matrix of its own the output uses the table of the tokens.
    output = try tensors.output.map { try loader.matrix($0, biasScale: c.logitScale) } ?? embedding
    // Logits are linear in what the last norm gives.
    var gains = ScaledGains(tensors.values(tensors.outputNorm.gain))
    _ = gains.index(of: c.logitScale * (tensors.output.map(loader.scale) ?? 1))
    outputNorm = try loader.norms(gains, tensors.outputNorm)[0]
    var tables: [RotaryScheme: B.Tensor] = [:]
    layers = try zip(tensors.layers, c.layers).map { parts, layer in
      var table: B.Tensor?
      if let scheme = layer.rotary {
        table = try tables[scheme] ?? loader.frequencies(scheme, context: context)
        tables[scheme] = table
      }
      return try loader.layer(parts, frequencies: table)
    }
  }
}

/// Uploads tensors and folds scales.
///
/// A matrix may come with a scale of its product (files of formats whose scales have little range). All these products
/// are linear in something that is an f32 vector of the model, so the scale goes there, and no operator needs to know it:
/// those of queries, keys, values, gates and ups into the gain of the norm before them, that of the attention's output
/// into the values, that of the feed-forward's output into the ups. Attention adds its biases after scaling, the
/// feed-forward network before (as llama.cpp's graph does).
private struct WeightLoader<B: Backend> {
  let tensors: ModelTensors
  let backend: B
  let target: WeightEncoding?
  let progress: (Double) -> Void
  private let total: Int
  private var done = 0

  init(tensors: ModelTensors, backend: B, target: WeightEncoding?, progress: @escaping (Double) -> Void) {
    self.tensors = tensors
    self.backend = backend
    self.target = target
    self.progress = progress
    total = max(1, tensors.matrices.reduce(0) { $0 + $1.byteCount })
  }

  // MARK: Tensors

  mutating func matrix(_ part: MatrixPart, biasScale: Float = 1) throws -> Linear<B.Tensor> {
    let stored = part.tensor.format!, format = target?.format ?? stored
    let shape: Shape = [part.rows.count, part.columns]
    var bytesDone = 0
    let weight = try tensors.withBytes(of: part) { bytes in
      bytesDone = bytes.count
      guard let target, format != stored || target.isBalanced else {
        return try backend.makeTensor(shape, format, from: bytes, label: part.tensor.name)
      }
      let encoded: [UInt8]
      do throws(QuantizationError) {
        encoded = try target.encode(stored.decode(bytes).map(Float.init), columns: part.columns)
      } catch {
        throw error.about(part.tensor.name)
      }
      return try encoded.withUnsafeBytes {
        try backend.makeTensor(shape, format, from: $0, label: part.tensor.name)
      }
    }
    done += bytesDone
    progress(Double(done) / Double(total))
    return Linear(
      weight: weight, format: format, outputs: part.rows.count, inputs: part.columns,
      bias: try part.bias.map { bias in
        try upload(tensors.values(bias).map { $0 * biasScale }, bias.tensor.name)
      })
  }

  private func upload(_ values: [Float], _ label: String) throws -> B.Tensor {
    try backend.makeTensor([values.count], .f32, from: values, label: label)
  }

  func scale(_ part: MatrixPart) -> Float { part.scale.map { tensors.values($0)[0] } ?? 1 }

  /// A norm for every scale that was asked for.
  func norms(_ gains: ScaledGains, _ part: NormPart) throws -> [NormWeights<B.Tensor>] {
    try gains.vectors.map { NormWeights(gain: try upload($0, part.gain.tensor.name), width: $0.count) }
  }

  private func norm(_ part: NormPart?) throws -> NormWeights<B.Tensor>? {
    try part.map { part in
      let gain = tensors.values(part.gain)
      return NormWeights(gain: try upload(gain, part.gain.tensor.name), width: gain.count)
    }
  }

  func frequencies(_ scheme: RotaryScheme, context: Int) throws -> B.Tensor {
    let c = tensors.configuration
    let factors: VectorPart? =
      switch scheme.usesFactors ? tensors.ropeFactors : .none {
      case .none: nil
      case .one(let factors): factors
      case .shortAndLong(let short, let long): context > c.shortContext ?? context ? long : short
      }
    let table = RoPE.frequencies(
      rotaryDimensions: c.rotaryDimensions, base: scheme.base, scale: scheme.scale,
      factors: factors.map(tensors.values))
    return try backend.makeTensor([c.rotaryDimensions / 2, 2], .i32, from: table, label: "rotary frequencies")
  }

  // MARK: Layers

  mutating func layer(_ parts: LayerParts, frequencies: B.Tensor?) throws -> Layer<B.Tensor> {
    let outputScale = scale(parts.attentionOutput)
    var attention = ScaledGains(tensors.values(parts.attentionNorm.gain))
    let query = try projection(parts.query, &attention, scale: scale(parts.query), biasScale: 1)
    let key = try projection(parts.key, &attention, scale: scale(parts.key), biasScale: 1)
    let value = try projection(
      parts.value, &attention, scale: scale(parts.value) * outputScale, biasScale: outputScale)

    let used = tensors.configuration.architecture.scales.feedForwardProducts
    let gateScale = used ? scale(parts.gate) : 1, downScale = used ? scale(parts.down) : 1
    let upScale = (used ? scale(parts.up) : 1) * downScale
    var feedForward = parts.feedForwardNorm.map { ScaledGains(tensors.values($0.gain)) } ?? attention
    let gate = try projection(parts.gate, &feedForward, scale: gateScale, biasScale: gateScale)
    let up = try projection(parts.up, &feedForward, scale: upScale, biasScale: upScale)
    return Layer(
      attentionNorms: try norms(parts.feedForwardNorm == nil ? feedForward : attention, parts.attentionNorm),
      query: query, key: key, value: value, queryNorm: try norm(parts.queryNorm), keyNorm: try norm(parts.keyNorm),
      frequencies: frequencies, sinks: try parts.sinks.map { try upload(tensors.values($0), $0.tensor.name) },
      attentionOutput: try matrix(parts.attentionOutput), postAttentionNorm: try norm(parts.postAttentionNorm),
      feedForwardNorms: try parts.feedForwardNorm.map { try norms(feedForward, $0) }, gate: gate, up: up,
      down: try matrix(parts.down, biasScale: downScale), postFeedForwardNorm: try norm(parts.postFeedForwardNorm))
  }

  private mutating func projection(
    _ part: MatrixPart, _ gains: inout ScaledGains, scale: Float, biasScale: Float
  ) throws -> Projection<B.Tensor> {
    let gain = gains.index(of: scale)
    return Projection(linear: try matrix(part, biasScale: biasScale), gain: gain)
  }
}

/// The gains of one norm times the scales that its projections ask for, each kept once.
private struct ScaledGains {
  private let gain: [Float]
  private var scales: [Float] = []

  init(_ gain: [Float]) { self.gain = gain }

  mutating func index(of scale: Float) -> Int {
    if let index = scales.firstIndex(of: scale) { return index }
    scales.append(scale)
    return scales.count - 1
  }

  var vectors: [[Float]] { scales.map { scale in gain.map { $0 * scale } } }
}
