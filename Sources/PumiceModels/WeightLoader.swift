import PumiceModelFiles
import PumiceOperators
import PumiceQuantization
import PumiceReference
import PumiceTensors

/// Uploads tensors and folds scales.
///
/// A matrix may come with a scale of its product (files of formats whose scales have little range). Most of these products
/// are linear in something that is an f32 vector of the model, so the scale goes there and costs nothing: those of queries,
/// keys, values, gates and ups into the norm before them, that of the attention's output into the values, that of a gated
/// feed-forward network's output into the ups. Attention adds its biases after scaling, the feed-forward network before (as
/// llama.cpp's graph does).
struct WeightLoader<B: Backend> {
  let tensors: ModelTensors
  let backend: B
  let target: WeightEncoding?
  let progress: (Double) -> Void
  private let stager: WeightStager
  /// Weights, and those that are uploaded.
  private let total: Int
  private var done = 0

  init(
    tensors: ModelTensors, for purpose: ModelPurpose, backend: B, target: WeightEncoding?,
    progress: @escaping (Double) -> Void
  ) {
    self.tensors = tensors
    self.backend = backend
    self.target = target
    self.progress = progress
    stager = WeightStager(tensors, tensors.parts(for: purpose), encodedIn: target)
    total = max(1, tensors.matrices.reduce(0) { $0 + $1.shape.count })
  }

  /// Ends the threads that prepare matrices.
  func stop() { stager.stop() }

  // MARK: Tensors

  /// - Parameters:
  ///   - scale: what the product is to be multiplied by, where nothing else is.
  ///   - biasScale: what the bias is multiplied by.
  ///   - isKept: whether it stays in the format of the file.
  mutating func matrix(
    _ part: MatrixPart, scale: Float = 1, biasScale: Float = 1, isKept: Bool = false
  ) throws -> Linear<B.Tensor> {
    let (weight, format) = try upload(.matrix(part), [part.rows.count, part.columns], isKept: isKept)
    return Linear(
      weight: weight, format: format, outputs: part.rows.count, inputs: part.columns,
      bias: try part.bias.map { bias in
        try upload(tensors.values(bias).map { $0 * biasScale }, bias.tensor.name)
      }, scale: scale)
  }

  func upload(_ part: VectorPart) throws -> B.Tensor { try upload(tensors.values(part), part.tensor.name) }

  /// Uploads weights, encoded anew if that is wanted.
  ///
  /// - Parameter isKept: whether they stay in the format of the file.
  mutating func upload(
    _ part: WeightPart, _ shape: Shape, isKept: Bool = false
  ) throws -> (weight: B.Tensor, format: TensorFormat) {
    let format = (isKept ? nil : target?.format) ?? tensors.format(of: part.tensor)
    let weight = try stager.take(part, isKept: isKept) { bytes in
      try backend.makeTensor(shape, format, from: bytes, label: part.tensor.name)
    }
    done += shape.count
    progress(min(1, Double(done) / Double(total)))
    return (weight, format)
  }

  func upload(_ values: [Float], _ label: String) throws -> B.Tensor {
    try backend.makeTensor([values.count], .f32, from: values, label: label)
  }

  func scale(_ part: MatrixPart) -> Float { part.scale.map { tensors.values($0)[0] } ?? 1 }

  /// A norm for every scale that was asked for.
  func upload(_ norms: ScaledNorms) throws -> [NormWeights<B.Tensor>] {
    let part = norms.part, label = part.gain?.tensor.name ?? "ones"
    return try norms.scales.map { scale in
      NormWeights(
        norm: part.norm, width: part.width, gain: try upload(norms.gain.map { $0 * scale }, label),
        bias: try norms.bias.map { try upload($0.map { $0 * scale }, label) }, count: norms.gain.count / part.width)
    }
  }

  func norm(_ part: NormPart?) throws -> NormWeights<B.Tensor>? {
    guard let part else { return nil }
    var norms = ScaledNorms(part, tensors)
    _ = norms.index(of: 1)
    return try upload(norms)[0]
  }

  func frequencies(_ scheme: RotaryScheme, context: Int) throws -> B.Tensor {
    let c = tensors.configuration
    let factors: VectorPart? =
      switch scheme.usesFactors ? tensors.ropeFactors : .none {
      case .none: nil
      case .one(let factors): factors
      case .shortAndLong(let short, let long): context > c.shortContext ?? context ? long : short
      }
    let divisors = factors.map(tensors.values)
    let plain = scheme.yarn.map { RoPEScaling.yarn($0) } ?? .linear(factor: 1 / scheme.scale)
    let table = plain.frequencies(rotaryDimensions: scheme.dimensions, base: scheme.base).enumerated().flatMap {
      RoPE.words(radians: $1 / Double(divisors?[$0] ?? 1))
    }
    return try backend.makeTensor([scheme.dimensions / 2, 2], .i32, from: table, label: "rotary frequencies")
  }

  // MARK: Layers

  mutating func layer(
    _ parts: LayerParts, rotary: (scheme: RotaryScheme, frequencies: B.Tensor)?
  ) throws -> Layer<B.Tensor> {
    var norms = parts.attentionNorm.map { ScaledNorms($0, tensors) }
    let attention = try parts.attention.map { try self.attention($0, &norms, rotary: rotary) }
    let latent = try parts.latentAttention.map { try latentAttention($0, &norms, rotary: rotary) }
    let recurrence = try parts.recurrence.map { try self.recurrence($0, &norms) }
    let deltaNet = try parts.deltaNet.map { try self.deltaNet($0, &norms) }

    let isShared = parts.feedForwardNorm == nil && parts.isParallel
    // A norm whose output is the residual stream itself can take no scales.
    let takesScales = tensors.configuration.architecture.residual != .normalized
    var feedForward =
      isShared ? norms : parts.feedForwardNorm.map { ScaledNorms($0, tensors, takesScales: takesScales) }
    let combinedScale = parts.mixture?.combinedScale ?? 1
    let network = try parts.network.map { try self.network($0, &feedForward, outputScale: combinedScale) }
    let mixture = try parts.mixture.map { try self.mixture($0, &feedForward) }
    if isShared { norms = feedForward }
    return Layer(
      attentionInput: try input(norms), attention: attention, latentAttention: latent, recurrence: recurrence,
      deltaNet: deltaNet, postAttentionNorm: try norm(parts.postAttentionNorm),
      feedForwardInput: isShared ? .shared : try input(feedForward), isParallel: parts.isParallel, network: network,
      mixture: mixture, postFeedForwardNorm: try norm(parts.postFeedForwardNorm), sumNorm: try norm(parts.sumNorm),
      layerOutputNorm: try norm(parts.layerOutputNorm))
  }

  /// - Parameter outputScale: what its output is multiplied by besides.
  mutating func network(
    _ parts: NetworkParts, _ norms: inout ScaledNorms?, outputScale: Float = 1
  ) throws -> Network<B.Tensor> {
    let used = tensors.configuration.architecture.scales.feedForwardProducts
    let gateScale = used ? parts.gate.map(scale) ?? 1 : 1
    let downScale = (used ? scale(parts.down) : 1) * outputScale
    // Only a gated network is linear in the ups.
    let foldsDown = parts.gate != nil
    let upScale = (used ? scale(parts.up) : 1) * (foldsDown ? downScale : 1)
    return Network(
      gate: try parts.gate.map { try projection($0, &norms, scale: gateScale, biasScale: gateScale) },
      up: try projection(parts.up, &norms, scale: upScale, biasScale: upScale),
      activationGain: try parts.activationScales.map { scales in
        try upload(tensors.values(scales).map { 1 / $0 }, scales.tensor.name)
      }, down: try matrix(parts.down, scale: foldsDown ? 1 : downScale, biasScale: downScale))
  }

  private mutating func attention(
    _ parts: AttentionParts, _ norms: inout ScaledNorms?, rotary: (scheme: RotaryScheme, frequencies: B.Tensor)?
  ) throws -> AttentionWeights<B.Tensor> {
    let c = tensors.configuration
    // What is cut off is not linear in the values any more.
    let foldsOutput = c.projectionClamp == nil, sharpness = c.architecture.attentionGateSharpness
    let outputScale = scale(parts.output) * c.attentionOutputScale / sharpness
    let valueScale = foldsOutput ? outputScale : 1
    let query = try projection(parts.query, &norms, scale: scale(parts.query))
    let key = try projection(parts.key, &norms, scale: scale(parts.key))
    let value = try projection(parts.value, &norms, scale: scale(parts.value) * valueScale, biasScale: valueScale)
    let gate = try parts.gate.map { try projection($0, &norms, scale: scale($0) * sharpness) }
    return AttentionWeights(
      query: query, key: key, value: value, gate: gate, queryNorm: try norm(parts.queryNorm),
      keyNorm: try norm(parts.keyNorm), rotary: rotary,
      sinks: try parts.sinks.map { try upload($0) },
      output: try matrix(parts.output, scale: foldsOutput ? 1 : outputScale))
  }

  private func input(_ norms: ScaledNorms?) throws -> BlockInput<B.Tensor> {
    try norms.map { .normalized(try upload($0)) } ?? .plain
  }

  mutating func projection(
    _ part: MatrixPart, _ norms: inout ScaledNorms?, scale: Float, biasScale: Float = 1
  ) throws -> Projection<B.Tensor> {
    guard let norm = norms?.index(of: scale) else {
      return Projection(linear: try matrix(part, scale: scale, biasScale: biasScale), norm: 0)
    }
    return Projection(linear: try matrix(part, biasScale: biasScale), norm: norm)
  }
}

/// One norm times the scales that its projections ask for, each kept once.
struct ScaledNorms {
  let part: NormPart
  let gain: [Float]
  let bias: [Float]?
  private(set) var scales: [Float] = []
  private let takesScales: Bool

  init(_ part: NormPart, _ tensors: ModelTensors, takesScales: Bool = true) {
    self.part = part
    self.takesScales = takesScales
    if !takesScales { scales = [1] }
    gain = part.gain.map(tensors.values) ?? Array(repeating: 1, count: part.width)
    bias = part.bias.map(tensors.values)
  }

  /// Nil for a scale that the norm cannot take.
  mutating func index(of scale: Float) -> Int? {
    if let index = scales.firstIndex(of: scale) { return index }
    guard takesScales else { return nil }
    scales.append(scale)
    return scales.count - 1
  }
}
