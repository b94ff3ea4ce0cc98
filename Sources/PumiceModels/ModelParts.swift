import PumiceModelFiles
import PumiceTensors

/// Elements of a tensor of the file that make a vector.
struct VectorPart: Sendable {
  let tensor: GGUFTensor
  let elements: Range<Int>
}

/// Rows of a matrix of the file, with what may come with it.
struct MatrixPart: Sendable {
  let tensor: GGUFTensor
  let rows: Range<Int>
  var bias: VectorPart?
  /// A factor of the product.
  var scale: VectorPart?

  var columns: Int { tensor.shape.rowLength }
}

struct NormPart: Sendable {
  let gain: VectorPart
}

/// The tensors of a layer, found and checked.
struct LayerParts: Sendable {
  var attentionNorm: NormPart
  var query: MatrixPart
  var key: MatrixPart
  var value: MatrixPart
  var queryNorm: NormPart?
  var keyNorm: NormPart?
  var sinks: VectorPart?
  var attentionOutput: MatrixPart
  var postAttentionNorm: NormPart?
  var feedForwardNorm: NormPart?
  var gate: MatrixPart
  var up: MatrixPart
  var down: MatrixPart
  var postFeedForwardNorm: NormPart?
}

/// Finds the tensors that an architecture wants in a file, and keeps account of them.
struct PartFinder {
  let file: any GGUFSource
  let configuration: ModelConfiguration
  /// Names that are part of the model, whether the file has them or not.
  private(set) var known: Set<String> = []
  /// The matrices that were found, each once.
  private(set) var matrices: [GGUFTensor] = []

  init(_ file: any GGUFSource, _ configuration: ModelConfiguration) {
    self.file = file
    self.configuration = configuration
  }

  // MARK: Parts of a layer

  mutating func layer(_ index: Int) throws(ModelFileError) -> LayerParts {
    let c = configuration, names = c.architecture.names, width = c.embeddingLength
    func name(_ part: String) -> String { names.inLayer(index, part) }
    let attentionNorm = try norm(name(names.attentionNorm), width)
    let attended = c.headCount * c.valueSize
    let (query, key, value) = try projections(index)
    let headNorms = try headNorms(index)
    let sinks = c.architecture.hasSinks ? try vector(name(names.sinks) + ".weight", c.headCount) : nil
    let output = try linear(name(names.attentionOutput), [width, attended])
    let postAttentionNorm = try optionalNorm(names.postAttentionNorm, index)
    let feedForwardNorm = try optionalNorm(names.feedForwardNorm, index)
    let (gate, up) = try gateAndUp(index)
    let down = try linear(name(names.down), [width, c.feedForwardLength])
    let postFeedForwardNorm = try optionalNorm(names.postFeedForwardNorm, index)
    return LayerParts(
      attentionNorm: attentionNorm, query: query, key: key, value: value, queryNorm: headNorms.query,
      keyNorm: headNorms.key, sinks: sinks, attentionOutput: output, postAttentionNorm: postAttentionNorm,
      feedForwardNorm: feedForwardNorm, gate: gate, up: up, down: down, postFeedForwardNorm: postFeedForwardNorm)
  }

  private mutating func optionalNorm(_ name: String?, _ index: Int) throws(ModelFileError) -> NormPart? {
    guard let name else { return nil }
    return try norm(configuration.architecture.names.inLayer(index, name), configuration.embeddingLength)
  }

  /// Three matrices, or the rows of one.
  private mutating func projections(
    _ index: Int
  ) throws(ModelFileError) -> (query: MatrixPart, key: MatrixPart, value: MatrixPart) {
    let c = configuration, names = c.architecture.names, width = c.embeddingLength
    let queries = c.headCount * c.headSize, keys = c.kvHeadCount * c.headSize, values = c.kvHeadCount * c.valueSize
    let fused = names.inLayer(index, names.fused)
    if file.tensor(named: fused + ".weight") != nil {
      let all = try linear(fused, [queries + keys + values, width])
      return (
        all.part(0..<queries), all.part(queries..<queries + keys),
        all.part(queries + keys..<queries + keys + values)
      )
    }
    return (
      try linear(names.inLayer(index, names.query), [queries, width]),
      try linear(names.inLayer(index, names.key), [keys, width]),
      try linear(names.inLayer(index, names.value), [values, width])
    )
  }

  private mutating func headNorms(_ index: Int) throws(ModelFileError) -> (query: NormPart?, key: NormPart?) {
    let c = configuration, names = c.architecture.names
    guard c.architecture.headNorm != nil else { return (nil, nil) }
    let query = names.inLayer(index, names.queryNorm), key = names.inLayer(index, names.keyNorm)
    // One gain for every head, or one for all heads together.
    let isWhole = file.tensor(named: query + ".weight")?.shape.count == c.headCount * c.headSize && c.headCount > 1
    return (
      try norm(query, isWhole ? c.headCount * c.headSize : c.headSize),
      try norm(key, isWhole ? c.kvHeadCount * c.headSize : c.headSize)
    )
  }

  private mutating func gateAndUp(_ index: Int) throws(ModelFileError) -> (gate: MatrixPart, up: MatrixPart) {
    let c = configuration, names = c.architecture.names, width = c.embeddingLength, length = c.feedForwardLength
    let gate = names.inLayer(index, names.gate), up = names.inLayer(index, names.up)
    if file.tensor(named: gate + ".weight") == nil, file.tensor(named: up + ".weight")?.shape == [2 * length, width] {
      let both = try linear(up, [2 * length, width])
      return (both.part(0..<length), both.part(length..<2 * length))
    }
    return (try linear(gate, [length, width]), try linear(up, [length, width]))
  }

  // MARK: Tensors

  mutating func norm(_ name: String, _ width: Int) throws(ModelFileError) -> NormPart {
    NormPart(gain: try vector(name + ".weight", width))
  }

  /// A matrix with what may come with it: a bias, a scale of its product, and a scale of its input that is of use only
  /// where activations are quantized.
  mutating func linear(_ name: String, _ shape: Shape) throws(ModelFileError) -> MatrixPart {
    var part = try matrix(name, shape)
    part.bias = try optionalVector(name + ".bias", shape[0])
    part.scale = try optionalVector(name + ".scale", 1)
    _ = try optionalVector(name + ".input_scale", 1)
    return part
  }

  mutating func matrix(_ name: String, _ shape: Shape) throws(ModelFileError) -> MatrixPart {
    let tensor = try check(name + ".weight", shape)
    let format = try file.format(of: tensor)
    guard !format.isInteger else { throw refusal(tensor, "is of type \(format.name), which is no weight") }
    matrices.append(tensor)
    return MatrixPart(tensor: tensor, rows: 0..<shape[0])
  }

  mutating func vector(_ name: String, _ count: Int) throws(ModelFileError) -> VectorPart {
    let tensor = try check(name, [count])
    let format = try file.format(of: tensor)
    guard format.isPlain else {
      throw refusal(tensor, "is of type \(tensor.type), expected f32, f16 or bf16 for a vector")
    }
    return VectorPart(tensor: tensor, elements: 0..<count)
  }

  mutating func optionalVector(_ name: String, _ count: Int) throws(ModelFileError) -> VectorPart? {
    known.insert(name)
    return file.tensor(named: name) == nil ? nil : try vector(name, count)
  }

  private mutating func check(_ name: String, _ shape: Shape) throws(ModelFileError) -> GGUFTensor {
    known.insert(name)
    let tensor = try file.requiredTensor(named: name)
    guard tensor.shape == shape else {
      throw refusal(tensor, "has the shape \(tensor.shape), expected \(shape)")
    }
    return tensor
  }

  private func refusal(_ tensor: GGUFTensor, _ detail: String) -> ModelFileError {
    file.error(.invalidTensor, subject: "tensor \(tensor.name)", detail)
  }
}

extension MatrixPart {
  /// Some of the rows, with their part of the bias.
  fileprivate func part(_ rows: Range<Int>) -> MatrixPart {
    MatrixPart(
      tensor: tensor, rows: rows, bias: bias.map { VectorPart(tensor: $0.tensor, elements: rows) }, scale: scale)
  }
}
