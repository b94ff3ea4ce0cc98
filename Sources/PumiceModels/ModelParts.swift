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
  var rows: Range<Int>
  var bias: VectorPart?
  /// A factor of the product.
  var scale: VectorPart?

  var columns: Int { tensor.shape.rowLength }
}

/// A norm of some kind.
struct NormPart: Sendable {
  let norm: Architecture.Norm
  /// Numbers that are normalized together.
  let width: Int
  /// Gains and biases of one vector, or of several one after the other; nil for none.
  var gain: VectorPart?
  var bias: VectorPart?
}

/// The tensors of attention, found and checked.
struct AttentionParts: Sendable {
  var query: MatrixPart
  var key: MatrixPart
  var value: MatrixPart
  var gate: MatrixPart?
  var queryNorm: NormPart?
  var keyNorm: NormPart?
  var sinks: VectorPart?
  var output: MatrixPart
}

/// The tensors of a layer, found and checked.
struct LayerParts: Sendable {
  /// Nil where attention reads the residual stream as it is.
  var attentionNorm: NormPart?
  /// Nil in layers without it.
  var attention: AttentionParts?
  var latentAttention: LatentParts?
  var recurrence: RecurrentParts?
  var deltaNet: DeltaNetParts?
  /// The norm of what attention or the recurrent block gives.
  var postAttentionNorm: NormPart?
  /// Nil where the feed-forward network reads what attention reads, or after attention the residual stream as it is.
  var feedForwardNorm: NormPart?
  /// The norm of attention's output and the residual stream that is added to the stream instead of that output.
  var sumNorm: NormPart?
  /// Whether the feed-forward network reads the residual stream as it is before attention.
  var isParallel: Bool
  /// The network without experts, and the mixture; a layer has one of them, both, or none.
  var network: NetworkParts?
  var mixture: MixtureParts?
  var postFeedForwardNorm: NormPart?
  /// The norm of the stream after the layer, which the next one reads.
  var layerOutputNorm: NormPart?
}

/// The tensors of a feed-forward network.
struct NetworkParts: Sendable {
  var gate: MatrixPart?
  var up: MatrixPart
  var activationScales: VectorPart?
  var down: MatrixPart
}

/// Finds the tensors that an architecture wants in a file, and keeps account of them.
struct PartFinder {
  let file: any GGUFSource
  let configuration: ModelConfiguration
  /// Names that are part of the model, whether the file has them or not.
  private(set) var known: Set<String> = []
  /// The matrices that were found, each once.
  private(set) var matrices: [GGUFTensor] = []
  /// Names of those that stay in the format of the file whatever the others are encoded in.
  private(set) var kept: Set<String> = []

  init(_ file: any GGUFSource, _ configuration: ModelConfiguration) {
    self.file = file
    self.configuration = configuration
  }

  // MARK: Parts of a layer

  mutating func layer(_ index: Int) throws(ModelFileError) -> LayerParts {
    let names = configuration.architecture.names, layer = configuration.layers[index]
    var parts = LayerParts(isParallel: false)
    if layer.attends || layer.recurs { parts.attentionNorm = try attentionNorm(index) }
    if layer.attends {
      parts.latentAttention = try latentAttention(index)
      if parts.latentAttention == nil { parts.attention = try attention(index) }
    }
    parts.recurrence = try recurrence(index)
    parts.deltaNet = try deltaNet(index)
    if layer.attends || layer.recurs { parts.postAttentionNorm = try streamNorm(names.postAttentionNorm, index) }
    parts.network = try network(index)
    parts.mixture = try mixture(index)
    if parts.network == nil, parts.mixture == nil { return parts }
    (parts.feedForwardNorm, parts.isParallel) = try feedForwardNorm(index)
    if let second = try secondNorm(index) { (parts.sumNorm, parts.feedForwardNorm) = (parts.feedForwardNorm, second) }
    parts.layerOutputNorm = try streamNorm(names.layerOutputNorm, index)
    parts.postFeedForwardNorm = try streamNorm(names.postFeedForwardNorm, index)
    return parts
  }

  private mutating func attention(_ index: Int) throws(ModelFileError) -> AttentionParts {
    let c = configuration, names = c.architecture.names, width = c.embeddingLength
    func name(_ part: String) -> String { names.inLayer(index, part) }
    let heads = c.layers[index].headCount
    let attended = heads * c.valueSize
    let (query, key, value) = try projections(index)
    let gate: MatrixPart? =
      switch c.architecture.attentionGate {
      case .none, .inQuery: nil
      case .perElement: try linear(name(names.attentionGate), [attended, width])
      case .perHead: try linear(name(names.attentionGate), [heads, width])
      case .byShape:
        try file.tensor(named: name(names.attentionGate) + ".weight").map { tensor throws(ModelFileError) in
          try linear(name(names.attentionGate), [tensor.shape[0] == heads ? heads : attended, width])
        }
      }
    let headNorms = try headNorms(index)
    let sinks = c.architecture.hasSinks ? try sinks(name(names.sinks) + ".weight", heads) : nil
    return AttentionParts(
      query: query, key: key, value: value, gate: gate, queryNorm: headNorms.query, keyNorm: headNorms.key,
      sinks: sinks, output: try linear(name(names.attentionOutput), [width, attended]))
  }

  private mutating func attentionNorm(_ index: Int) throws(ModelFileError) -> NormPart? {
    let architecture = configuration.architecture, names = architecture.names
    let found = names.attentionNorms.first { file.tensor(named: names.inLayer(index, $0) + ".weight") != nil }
    if found == nil, index == 0, architecture.encoder?.firstNormIsOptional == true { return nil }
    return try streamNorm(found ?? names.attentionNorms.last, index)
  }

  private mutating func feedForwardNorm(
    _ index: Int
  ) throws(ModelFileError) -> (norm: NormPart?, isParallel: Bool) {
    let architecture = configuration.architecture, names = architecture.names
    // A parallel network with the norm that attention has shares it.
    let isShared =
      names.feedForwardNorm.map { name in
        names.attentionNorms.first { file.tensor(named: names.inLayer(index, $0) + ".weight") != nil } == name
      } ?? false
    switch architecture.residual {
    case .sequential, .normalized: return (try streamNorm(names.feedForwardNorm, index), false)
    case .parallel: return (isShared ? nil : try streamNorm(names.feedForwardNorm, index), true)
    case .parallelByKey:
      let isParallel = try file.bool("\(architecture.name).use_parallel_residual")
      return (try streamNorm(names.feedForwardNorm, index), isParallel)
    case .parallelWithoutNorm:
      guard let name = names.feedForwardNorm, file.tensor(named: names.inLayer(index, name) + ".weight") != nil else {
        return (nil, true)
      }
      return (try streamNorm(name, index), false)
    }
  }

  private mutating func secondNorm(_ index: Int) throws(ModelFileError) -> NormPart? {
    let names = configuration.architecture.names
    guard let name = names.secondNorm, file.tensor(named: names.inLayer(index, name) + ".weight") != nil else {
      return nil
    }
    return try streamNorm(name, index)
  }

  /// A norm as wide as the residual stream.
  private mutating func streamNorm(_ name: String?, _ index: Int) throws(ModelFileError) -> NormPart? {
    guard let name else { return nil }
    let c = configuration
    return try norm(
      c.architecture.names.inLayer(index, name), c.architecture.norm, c.embeddingLength, groups: c.normGroups)
  }

  /// Three matrices, or the rows of one.
  private mutating func projections(
    _ index: Int
  ) throws(ModelFileError) -> (query: MatrixPart, key: MatrixPart, value: MatrixPart) {
    let c = configuration, names = c.architecture.names, width = c.embeddingLength, layer = c.layers[index]
    let queries = layer.headCount * c.headSize * (c.architecture.attentionGate == .inQuery ? 2 : 1)
    let keys = layer.kvHeadCount * c.headSize, values = layer.kvHeadCount * c.valueSize
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
    guard let kind = c.architecture.headNorm, !kind.isRotatedOnly || c.layers[index].rotary != nil,
      c.layers.lazy.compactMap(\.experts).first.map({ $0.count != kind.absentWithExperts }) ?? true
    else { return (nil, nil) }
    let query = names.inLayer(index, names.queryNorm), key = names.inLayer(index, names.keyNorm)
    if kind.isOptional, file.tensor(named: query + ".weight") == nil { return (nil, nil) }
    return (
      try headNorm(query, kind.norm, heads: c.layers[index].headCount),
      try headNorm(key, kind.norm, heads: c.layers[index].kvHeadCount)
    )
  }

  /// One gain for every head, one for each, or one for all of them together.
  private mutating func headNorm(
    _ name: String, _ kind: Architecture.Norm, heads: Int
  ) throws(ModelFileError) -> NormPart {
    let size = configuration.headSize
    switch file.tensor(named: name + ".weight")?.shape {
    case [heads, size]?: return try norm(name, kind, size, vectors: heads)
    case [heads * size]? where heads > 1: return try norm(name, kind, heads * size)
    default: return try norm(name, kind, size)
    }
  }

  private mutating func sinks(_ name: String, _ heads: Int) throws(ModelFileError) -> VectorPart? {
    configuration.architecture.sinksAreOptional ? try optionalVector(name, heads) : try vector(name, heads)
  }

  private mutating func network(_ index: Int) throws(ModelFileError) -> NetworkParts? {
    let c = configuration, names = c.architecture.names, length = c.layers[index].feedForwardLength
    guard length > 0 else { return nil }
    let (gate, up) = try gateAndUp(index, length)
    return NetworkParts(
      gate: gate, up: up,
      activationScales: try optionalVector(names.inLayer(index, names.activationScales), length),
      down: try linear(names.inLayer(index, names.down), [c.embeddingLength, length]))
  }

  private mutating func gateAndUp(
    _ index: Int, _ length: Int
  ) throws(ModelFileError) -> (gate: MatrixPart?, up: MatrixPart) {
    let c = configuration, names = c.architecture.names, width = c.embeddingLength
    if case .plain = c.architecture.feedForward {
      return (nil, try linear(names.inLayer(index, names.up), [length, width]))
    }
    let gate = names.inLayer(index, names.gate), up = names.inLayer(index, names.up)
    if file.tensor(named: gate + ".weight") == nil {
      if file.tensor(named: up + ".weight")?.shape == [2 * length, width] {
        let both = try linear(up, [2 * length, width])
        return (both.part(0..<length), both.part(length..<2 * length))
      }
      if case .gatedOrPlain = c.architecture.feedForward { return (nil, try linear(up, [length, width])) }
    }
    return (try linear(gate, [length, width]), try linear(up, [length, width]))
  }

  // MARK: Tensors

  /// - Parameters:
  ///   - vectors: how many gains and biases there are one after the other.
  ///   - groups: how many parts of the width are normalized each for itself.
  mutating func norm(
    _ name: String, _ kind: Architecture.Norm, _ width: Int, vectors: Int = 1, groups: Int = 1
  ) throws(ModelFileError) -> NormPart {
    var part = NormPart(norm: kind, width: width / groups)
    let shape: Shape = vectors == 1 ? [width] : [vectors, width]
    switch kind {
    case .plainRMS, .plainLayer: break
    case .rms, .rmsAndBias, .layer, .byKey:
      // Some converters leave out the ending.
      let isBare = file.tensor(named: name + ".weight") == nil && file.tensor(named: name) != nil
      part.gain = try vector(isBare ? name : name + ".weight", shape)
      if kind != .rms { part.bias = try optionalVector(name + ".bias", shape) }
    }
    return part
  }

  /// A matrix with what may come with it: a bias, a scale of its product, and a scale of its input that is of use only
  /// where activations are quantized.
  ///
  /// - Parameter scales: how many scales there may be in the place of one.
  mutating func linear(_ name: String, _ shape: Shape, scales: Int = 1) throws(ModelFileError) -> MatrixPart {
    var part = try matrix(name, shape)
    part.bias = try usedVector(name + ".bias", shape[0])
    let hasAll = file.tensor(named: name + ".scale")?.shape == [scales]
    part.scale = try usedVector(name + ".scale", hasAll ? scales : 1)
    _ = try optionalVector(name + ".input_scale", 1)
    return part
  }

  mutating func matrix(_ name: String, _ shape: Shape) throws(ModelFileError) -> MatrixPart {
    MatrixPart(tensor: try weights(name, shape), rows: 0..<shape[0])
  }

  /// The weights of a matrix, or of several one after the other.
  mutating func weights(_ name: String, _ shape: Shape) throws(ModelFileError) -> GGUFTensor {
    let tensor = try check(name + ".weight", shape)
    let format = try file.format(of: tensor)
    guard !format.isInteger else { throw refusal(tensor, "is of type \(format.name), which is no weight") }
    matrices.append(tensor)
    return tensor
  }

  mutating func keep(_ part: MatrixPart) { kept.insert(part.tensor.name) }

  /// Marks a tensor as part of the model that does not bear on its logits.
  mutating func accept(_ name: String) { known.insert(name) }

  mutating func vector(_ name: String, _ count: Int) throws(ModelFileError) -> VectorPart {
    try vector(name, [count] as Shape)
  }

  /// Vectors one after the other.
  mutating func vector(_ name: String, _ shape: Shape) throws(ModelFileError) -> VectorPart {
    let tensor = try check(name, shape)
    let format = try file.format(of: tensor)
    guard format.isPlain else {
      throw refusal(tensor, "is of type \(tensor.type), expected f32, f16 or bf16 for a vector")
    }
    return VectorPart(tensor: tensor, elements: 0..<shape.count)
  }

  /// Nil also for a vector that the family leaves out.
  mutating func usedVector(_ name: String, _ count: Int) throws(ModelFileError) -> VectorPart? {
    configuration.architecture.leavesUnused(name) ? nil : try optionalVector(name, count)
  }

  mutating func optionalVector(_ name: String, _ count: Int) throws(ModelFileError) -> VectorPart? {
    try optionalVector(name, [count] as Shape)
  }

  mutating func optionalVector(_ name: String, _ shape: Shape) throws(ModelFileError) -> VectorPart? {
    known.insert(name)
    return file.tensor(named: name) == nil ? nil : try vector(name, shape)
  }

  mutating func check(_ name: String, _ shape: Shape) throws(ModelFileError) -> GGUFTensor {
    known.insert(name)
    let tensor = try file.requiredTensor(named: name)
    guard tensor.shape == shape else {
      throw refusal(tensor, "has the shape \(tensor.shape), expected \(shape)")
    }
    return tensor
  }

  func refusal(_ tensor: GGUFTensor, _ detail: String) -> ModelFileError {
    file.error(.invalidTensor, subject: "tensor \(tensor.name)", detail)
  }
}

extension MatrixPart {
  /// Some of the rows, with their part of the bias.
  func part(_ rows: Range<Int>) -> MatrixPart {
    MatrixPart(
      tensor: tensor, rows: rows, bias: bias.map { VectorPart(tensor: $0.tensor, elements: rows) }, scale: scale)
  }
}
