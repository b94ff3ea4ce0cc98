import PumiceModelFiles
import PumiceOperators
import PumiceQuantization
import PumiceReference
import PumiceTensors

/// A matrix of a model with its bias, and the gain that the input must be normalized with.
struct Linear<Tensor> {
  var weight: Tensor
  var format: TensorFormat
  var outputs: Int
  var inputs: Int
  var bias: Tensor?
}

/// A projection of the normalized residual stream.
struct Projection<Tensor> {
  var linear: Linear<Tensor>
  /// Which of the layer's gains the residual stream is normalized with for it.
  var gain: Int
}

/// One transformer layer.
struct Layer<Tensor> {
  var attentionGains: [Tensor]
  var query: Projection<Tensor>
  var key: Projection<Tensor>
  var value: Projection<Tensor>
  var attentionOutput: Linear<Tensor>
  var feedForwardGains: [Tensor]
  var gate: Projection<Tensor>
  var up: Projection<Tensor>
  var down: Linear<Tensor>
}

/// The weights of a model on a backend.
struct ModelWeights<B: Backend> {
  let tokenEmbedding: Linear<B.Tensor>
  let layers: [Layer<B.Tensor>]
  let outputGain: B.Tensor
  let output: Linear<B.Tensor>
  /// The table of rotary frequencies.
  let frequencies: B.Tensor

  /// Copies all weights to the backend, straight from the mapped file.
  ///
  /// - Parameter encoding: what matrices are encoded in on the way; nil to leave them as they are.
  /// - Parameter progress: told the share of the bytes that are done.
  init(
    _ tensors: ModelTensors, on backend: B, encodedIn encoding: WeightEncoding?, progress: @escaping (Double) -> Void
  )
    throws
  {
    let c = tensors.configuration, names = c.architecture.names
    var loader = WeightLoader(tensors: tensors, backend: backend, target: encoding, progress: progress)
    let embedding = try loader.matrix(names.tokenEmbedding)!
    tokenEmbedding = embedding
    // Tied embeddings: without a matrix of its own the output uses the table of the tokens.
    output = try loader.matrix(names.output) ?? embedding
    outputGain = try loader.upload(tensors.vector(names.outputNorm + ".weight")!, names.outputNorm)
    let factors = tensors.vector(names.ropeFactors + ".weight")
    let table = RoPE.frequencies(
      rotaryDimensions: c.rotaryDimensions, base: c.ropeBase, scale: c.ropeScale, factors: factors)
    frequencies = try backend.makeTensor(
      [c.rotaryDimensions / 2, 2], .i32, from: table, label: "rotary frequencies")
    layers = try (0..<c.layerCount).map { try loader.layer($0, names) }
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

  mutating func matrix(_ name: String, bias: [Float]? = nil) throws -> Linear<B.Tensor>? {
    guard let tensor = tensors.matrix(name), let stored = tensor.format else { return nil }
    let format = target?.format ?? stored
    let weight = try tensors.withBytes(of: tensor) { bytes in
      try tensors.checkScales(of: tensor, bytes)
      guard let target, format != stored || target.isBalanced else {
        return try backend.makeTensor(tensor.shape, format, from: bytes, label: tensor.name)
      }
      let encoded: [UInt8]
      do throws(QuantizationError) {
        encoded = try target.encode(stored.decode(bytes).map(Float.init), columns: tensor.shape.rowLength)
      } catch {
        throw error.about(tensor.name)
      }
      return try encoded.withUnsafeBytes {
        try backend.makeTensor(tensor.shape, format, from: $0, label: tensor.name)
      }
    }
    done += tensor.byteCount
    progress(Double(done) / Double(total))
    return Linear(
      weight: weight, format: format, outputs: tensor.shape[0], inputs: tensor.shape[1],
      bias: try bias.map { try upload($0, name + ".bias") })
  }

  func upload(_ values: [Float], _ label: String) throws -> B.Tensor {
    try backend.makeTensor([values.count], .f32, from: values, label: label)
  }

  private func scale(_ name: String) -> Float { tensors.vector(name + ".scale")?[0] ?? 1 }

  private func bias(_ name: String, times scale: Float = 1) -> [Float]? {
    tensors.vector(name + ".bias")?.map { $0 * scale }
  }

  mutating func layer(_ index: Int, _ names: TensorNames) throws -> Layer<B.Tensor> {
    func name(_ part: String) -> String { names.inLayer(index, part) }
    let outputScale = scale(name(names.attentionOutput))
    var attention = ScaledGains(tensors.vector(name(names.attentionNorm) + ".weight")!)
    let query = try projection(name(names.query), &attention, biasScale: 1)
    let key = try projection(name(names.key), &attention, biasScale: 1)
    let value = try projection(name(names.value), &attention, extra: outputScale, biasScale: outputScale)

    let downScale = scale(name(names.down))
    let gateScale = scale(name(names.gate)), upScale = scale(name(names.up)) * downScale
    var feedForward = ScaledGains(tensors.vector(name(names.feedForwardNorm) + ".weight")!)
    let gate = try projection(name(names.gate), &feedForward, biasScale: gateScale)
    let up = try projection(name(names.up), &feedForward, extra: downScale, biasScale: upScale)
    return Layer(
      attentionGains: try attention.vectors.map { try upload($0, name(names.attentionNorm)) },
      query: query, key: key, value: value,
      attentionOutput: try matrix(name(names.attentionOutput), bias: bias(name(names.attentionOutput)))!,
      feedForwardGains: try feedForward.vectors.map { try upload($0, name(names.feedForwardNorm)) },
      gate: gate, up: up,
      down: try matrix(name(names.down), bias: bias(name(names.down), times: downScale))!)
  }

  private mutating func projection(
    _ name: String, _ gains: inout ScaledGains, extra: Float = 1, biasScale: Float
  ) throws -> Projection<B.Tensor> {
    let gain = gains.index(of: scale(name) * extra)
    return Projection(linear: try matrix(name, bias: bias(name, times: biasScale))!, gain: gain)
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
