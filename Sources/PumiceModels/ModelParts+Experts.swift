import PumiceModelFiles
import PumiceTensors

/// Rows of every matrix of a stack, one matrix for each expert, with what may come with them.
struct ExpertPart: Sendable {
  let tensor: GGUFTensor
  /// Rows within each expert.
  let rows: Range<Int>
  /// A bias for each row, of each expert.
  var bias: VectorPart?
  /// A factor of the product for each expert.
  var scales: VectorPart?

  var experts: Int { tensor.shape[0] }
  /// Rows of an expert that the tensor has.
  var allRows: Int { tensor.shape[1] }
  var columns: Int { tensor.shape.rowLength }
}

/// The tensors of a mixture of experts.
struct MixtureParts: Sendable {
  /// What the output of the shared expert, or of the network beside the experts, is multiplied by.
  let combinedScale: Float
  /// The norm of what experts read, where it is not that of the layer's network.
  var norm: NormPart?
  var router: MatrixPart
  var selectionBias: VectorPart?
  var gate: ExpertPart?
  var up: ExpertPart
  var down: ExpertPart
  /// Into the space that experts work in, and back.
  var latentDown: MatrixPart?
  var latentUp: MatrixPart?
  var shared: NetworkParts?
  /// What the sigmoid of gates the shared expert.
  var sharedRouter: MatrixPart?
}

extension PartFinder {
  mutating func mixture(_ index: Int) throws(ModelFileError) -> MixtureParts? {
    let c = configuration, names = c.architecture.names, width = c.embeddingLength
    guard let kind = c.architecture.experts, let experts = c.layers[index].experts else { return nil }
    func name(_ part: String) -> String { names.inLayer(index, part) }
    let norm = kind.input == .ownNorm ? try self.norm(name(names.expertNorm), c.architecture.norm, width) : nil
    let router = try linear(name(names.router), [experts.count, width])
    keep(router)
    let inner = experts.latentLength ?? width
    let (gate, up) = try expertGateAndUp(index, experts, inner)
    let down = try stack(name(names.expertDown), [experts.count, inner, experts.length])
    var parts = MixtureParts(
      combinedScale: experts.combinedScale, norm: norm, router: router,
      selectionBias: kind.hasSelectionBias ? try selectionBias(name(names.selectionBias), experts.count) : nil,
      gate: gate, up: up, down: down)
    if let latent = experts.latentLength {
      parts.latentDown = try linear(name(names.latentDown), [latent, width])
      parts.latentUp = try linear(name(names.latentUp), [width, latent])
    }
    if let length = experts.sharedLength {
      parts.shared = NetworkParts(
        gate: gate == nil ? nil : try linear(name(names.sharedGate), [length, width]),
        up: try linear(name(names.sharedUp), [length, width]),
        down: try linear(name(names.sharedDown), [width, length]))
      if kind.shared == .gated { parts.sharedRouter = try gateOfShared(name(names.sharedRouter)) }
    }
    if kind.dense == .unused {
      for part in [names.gate, names.up, names.down] {
        for ending in [".weight", ".bias", ".scale", ".input_scale"] { accept(name(part) + ending) }
      }
    }
    return parts
  }

  /// Two stacks, or the rows of one.
  private mutating func expertGateAndUp(
    _ index: Int, _ experts: ExpertConfiguration, _ width: Int
  ) throws(ModelFileError) -> (gate: ExpertPart?, up: ExpertPart) {
    let names = configuration.architecture.names, length = experts.length
    let fused = names.inLayer(index, names.expertGateAndUp), up = names.inLayer(index, names.expertUp)
    if case .plain = configuration.architecture.feedForward {
      return (nil, try stack(up, [experts.count, length, width]))
    }
    if file.tensor(named: fused + ".weight") != nil {
      let both = try stack(fused, [experts.count, 2 * length, width])
      return (both.part(0..<length), both.part(length..<2 * length))
    }
    return (
      try stack(names.inLayer(index, names.expertGate), [experts.count, length, width]),
      try stack(up, [experts.count, length, width])
    )
  }

  private mutating func stack(_ name: String, _ shape: Shape) throws(ModelFileError) -> ExpertPart {
    var part = ExpertPart(tensor: try weights(name, shape), rows: 0..<shape[1])
    part.bias = try optionalVector(name + ".bias", [shape[0], shape[1]])
    part.scales = try usedVector(name + ".scale", shape[0])
    _ = try optionalVector(name + ".input_scale", shape[0])
    return part
  }

  /// Some converters leave out the ending.
  private mutating func selectionBias(_ name: String, _ count: Int) throws(ModelFileError) -> VectorPart? {
    if let bias = try optionalVector(name + ".bias", count) { return bias }
    return try optionalVector(name, count)
  }

  /// A row, which files have as a vector.
  private mutating func gateOfShared(_ name: String) throws(ModelFileError) -> MatrixPart {
    let width = configuration.embeddingLength
    let isVector = file.tensor(named: name + ".weight")?.shape.rank == 1
    let tensor = try weights(name, isVector ? [width] : [1, width])
    let part = MatrixPart(tensor: tensor, rows: 0..<1)
    keep(part)
    return part
  }
}

extension ExpertPart {
  /// Some of the rows of each expert, with their part of the biases.
  fileprivate func part(_ rows: Range<Int>) -> ExpertPart {
    ExpertPart(tensor: tensor, rows: rows, bias: bias, scales: scales)
  }
}
