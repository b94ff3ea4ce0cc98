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

  /// - Parameters:
  ///   - scale: what the product is to be multiplied by, where nothing else is.
  ///   - biasScale: what the bias is multiplied by.
  ///   - isKept: whether it stays in the format of the file.
  mutating func matrix(
    _ part: MatrixPart, scale: Float = 1, biasScale: Float = 1, isKept: Bool = false
  ) throws -> Linear<B.Tensor> {
    let (weight, format) = try tensors.withBytes(of: part) {
      try upload($0, [part.rows.count, part.columns], part.tensor, isKept: isKept)
    }
    return Linear(
      weight: weight, format: format, outputs: part.rows.count, inputs: part.columns,
      bias: try part.bias.map { bias in
        try upload(tensors.values(bias).map { $0 * biasScale }, bias.tensor.name)
      }, scale: scale)
  }

  /// Uploads rows of a tensor, encoded anew if that is wanted.
  mutating func upload(
    _ bytes: UnsafeRawBufferPointer, _ shape: Shape, _ tensor: GGUFTensor, isKept: Bool = false
  ) throws -> (weight: B.Tensor, format: TensorFormat) {
    let stored = tensor.format!
    done += bytes.count
    defer { progress(Double(done) / Double(total)) }
    guard !isKept, let target, target.format != stored || target.isBalanced else {
      return (try backend.makeTensor(shape, stored, from: bytes, label: tensor.name), stored)
    }
    let encoded: [UInt8]
    do throws(QuantizationError) {
      encoded = try target.encode(stored.decode(bytes).map(Float.init), columns: shape.rowLength)
    } catch {
      throw error.about(tensor.name)
    }
    let weight = try encoded.withUnsafeBytes {
      try backend.makeTensor(shape, target.format, from: $0, label: tensor.name)
    }
    return (weight, target.format)
  }

  func upload(_ part: VectorPart) throws -> B.Tensor { try upload(tensors.values(part), part.tensor.name) }

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
    let c = tensors.configuration
    var attention = parts.attentionNorm.map { ScaledNorms($0, tensors) }
    // What is cut off is not linear in the values any more.
    let foldsOutput = c.projectionClamp == nil
    let sharpness = c.architecture.attentionGateSharpness
    let outputScale = scale(parts.attentionOutput) * c.attentionOutputScale / sharpness,
      valueScale = foldsOutput ? outputScale : 1
    let query = try projection(parts.query, &attention, scale: scale(parts.query))
    let key = try projection(parts.key, &attention, scale: scale(parts.key))
    let value = try projection(
      parts.value, &attention, scale: scale(parts.value) * valueScale, biasScale: valueScale)
    let attentionGate = try parts.attentionGate.map { try projection($0, &attention, scale: scale($0) * sharpness) }
    let attentionOutput = try matrix(parts.attentionOutput, scale: foldsOutput ? 1 : outputScale)

    let isShared = parts.feedForwardNorm == nil && parts.isParallel
    // A norm whose output is the residual stream itself can take no scales.
    let takesScales = c.architecture.residual != .normalized
    var feedForward =
      isShared ? attention : parts.feedForwardNorm.map { ScaledNorms($0, tensors, takesScales: takesScales) }
    let combinedScale = parts.mixture?.combinedScale ?? 1
    let network = try parts.network.map { try self.network($0, &feedForward, outputScale: combinedScale) }
    let mixture = try parts.mixture.map { try self.mixture($0, &feedForward) }
    if isShared { attention = feedForward }
    return Layer(
      attentionInput: try input(attention), query: query, key: key, value: value, attentionGate: attentionGate,
      queryNorm: try norm(parts.queryNorm), keyNorm: try norm(parts.keyNorm), rotary: rotary,
      sinks: try parts.sinks.map { try upload($0) },
      attentionOutput: attentionOutput, postAttentionNorm: try norm(parts.postAttentionNorm),
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
