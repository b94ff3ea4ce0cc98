public import PumiceModelFiles
import PumiceReference
import PumiceTensors

/// The tensors of one model by name, checked against its configuration: all that are needed are there with the right
/// shape in a format that can be computed with, and no others.
public struct ModelTensors: Sendable {
  public let configuration: ModelConfiguration
  private let file: any GGUFSource
  private var known: Set<String> = []

  /// - Throws: `ModelFileError` that names the tensor.
  public init(_ file: any GGUFSource, _ configuration: ModelConfiguration) throws(ModelFileError) {
    self.configuration = configuration
    self.file = file
    let c = configuration, names = c.architecture.names
    let width = c.embeddingLength, queries = c.headCount * c.headSize, keys = c.kvHeadCount * c.headSize
    try matrix(names.tokenEmbedding, [c.vocabularySize, width])
    try vector(names.outputNorm + ".weight", width)
    try matrix(names.output, [c.vocabularySize, width], required: false)
    try vector(names.ropeFactors + ".weight", c.rotaryDimensions / 2, required: false)
    for layer in 0..<c.layerCount {
      func name(_ part: String) -> String { names.inLayer(layer, part) }
      try vector(name(names.attentionNorm) + ".weight", width)
      try linear(name(names.query), [queries, width])
      try linear(name(names.key), [keys, width])
      try linear(name(names.value), [keys, width])
      try linear(name(names.attentionOutput), [width, queries])
      try vector(name(names.feedForwardNorm) + ".weight", width)
      switch c.architecture.feedForward {
      case .swiGLU:
        try linear(name(names.gate), [c.feedForwardLength, width])
        try linear(name(names.up), [c.feedForwardLength, width])
        try linear(name(names.down), [width, c.feedForwardLength])
      }
    }
    if let extra = file.tensors.first(where: { !known.contains($0.name) }) {
      throw file.error(
        .invalidTensor, subject: "tensor \(extra.name)",
        "is no part of a \(c.architecture.name) model with \(c.layerCount) layers")
    }
  }

  /// A matrix with what may come with it: a bias, a scale of its product, and a scale of its input that is of use only
  /// where activations are quantized.
  private mutating func linear(_ name: String, _ shape: Shape) throws(ModelFileError) {
    try matrix(name, shape)
    try vector(name + ".bias", shape[0], required: false)
    try vector(name + ".scale", 1, required: false)
    try vector(name + ".input_scale", 1, required: false)
  }

  private mutating func matrix(_ name: String, _ shape: Shape, required: Bool = true) throws(ModelFileError) {
    guard let tensor = try check(name + ".weight", shape, required: required) else { return }
    let format = try file.format(of: tensor)
    guard !format.isInteger else { throw refusal(tensor, "is of type \(format.name), which is no weight") }
  }

  private mutating func vector(_ name: String, _ count: Int, required: Bool = true) throws(ModelFileError) {
    guard let tensor = try check(name, [count], required: required) else { return }
    let format = try file.format(of: tensor)
    guard format.isPlain else {
      throw refusal(tensor, "is of type \(tensor.type), expected f32, f16 or bf16 for a vector")
    }
  }

  private mutating func check(_ name: String, _ shape: Shape, required: Bool) throws(ModelFileError) -> GGUFTensor? {
    known.insert(name)
    guard let tensor = required ? try file.requiredTensor(named: name) : file.tensor(named: name) else { return nil }
    guard tensor.shape == shape else {
      throw refusal(tensor, "has the shape \(tensor.shape), expected \(shape)")
    }
    return tensor
  }

  private func refusal(_ tensor: GGUFTensor, _ detail: String) -> ModelFileError {
    file.error(.invalidTensor, subject: "tensor \(tensor.name)", detail)
  }

  // MARK: Contents

  /// A matrix that was found to be there.
  func matrix(_ name: String) -> GGUFTensor? { file.tensor(named: name + ".weight") }

  /// The elements of a vector, or nil if the file does not have it.
  func vector(_ name: String) -> [Float]? {
    guard let tensor = file.tensor(named: name) else { return nil }
    return file.withBytes(of: tensor) { bytes in
      (tensor.format ?? .f32).decode(bytes).map(Float.init)
    }
  }

  func withBytes<R>(of tensor: GGUFTensor, _ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    try file.withBytes(of: tensor, body)
  }

  /// Throws if a block of the tensor has a scale that is infinite or no number, which would spread over all that follows.
  func checkScales(of tensor: GGUFTensor, _ bytes: UnsafeRawBufferPointer) throws(ModelFileError) {
    guard case .block(let block)? = tensor.format, let bad = block.firstBadBlock(bytes) else { return }
    throw refusal(tensor, "the scale of block \(bad) is infinite or no number")
  }

  /// All matrices that the model uses.
  var matrices: [GGUFTensor] { file.tensors.filter { $0.shape.rank == 2 } }
}

extension ModelTensors {
  /// The memory that a session takes on a device.
  public func memory(_ options: SessionOptions) -> MemoryEstimate {
    MemoryEstimate(self, options) { VulkanBackend.storageBytes($0, $1) }
  }
}
