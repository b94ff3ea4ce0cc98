public import PumiceModelFiles
import PumiceQuantization
import PumiceReference
import PumiceTensors

/// The tensors of one model, checked against its configuration: all that are needed are there with the right shape in a
/// format that can be computed with, and no others.
public struct ModelTensors: Sendable {
  public let configuration: ModelConfiguration
  private let file: any GGUFSource
  /// All matrices that the model uses.
  let matrices: [GGUFTensor]
  /// Names of those that stay in the format of the file whatever the others are encoded in.
  let kept: Set<String>
  let tokenEmbedding: MatrixPart
  let layers: [LayerParts]
  let positionEmbedding: MatrixPart?
  let embeddingNorm: NormPart?
  /// The first row of the embeddings of token types; nil where there are none.
  let tokenType: VectorPart?
  /// Nil where the last layer's norm is the last.
  let outputNorm: NormPart?
  /// Nil where the table of the tokens is the output matrix too, and in encoders.
  let output: MatrixPart?
  /// Layers after pooling.
  let dense: [MatrixPart]
  let ropeFactors: RopeFactors

  /// Tables that divide the rotary frequencies.
  enum RopeFactors {
    case none
    case one(VectorPart)
    case shortAndLong(VectorPart, VectorPart)
  }

  /// - Throws: `ModelFileError` that names the tensor.
  public init(_ file: any GGUFSource, _ configuration: ModelConfiguration) throws(ModelFileError) {
    self.configuration = configuration
    self.file = file
    let c = configuration, names = c.architecture.names
    var finder = PartFinder(file, c)
    tokenEmbedding = try finder.matrix(names.tokenEmbedding, [c.vocabularySize, c.embeddingLength])
    let hasPositions = file.tensor(named: names.positionEmbedding + ".weight") != nil
    positionEmbedding =
      switch c.architecture.positionEmbedding {
      case .optional where hasPositions, .required:
        try finder.matrix(names.positionEmbedding, [c.contextLength, c.embeddingLength])
      case .none, .optional: nil
      }
    embeddingNorm =
      switch c.architecture.embeddingNorm {
      case .none: nil
      case .plainRMS: NormPart(norm: .plainRMS, width: c.embeddingLength)
      case .weights: try finder.norm(names.embeddingNorm, c.architecture.norm, c.embeddingLength)
      }
    tokenType = try finder.tokenType()
    outputNorm =
      c.architecture.encoder?.hasOutputNorm == false
      ? nil : try finder.norm(names.outputNorm, c.architecture.norm, c.embeddingLength, groups: c.normGroups)
    dense = try finder.dense()
    let hasOutput = c.architecture.encoder == nil && file.tensor(named: names.output + ".weight") != nil
    output = hasOutput ? try finder.linear(names.output, [c.vocabularySize, c.embeddingLength]) : nil
    let pairs = c.rotaryDimensions / 2
    switch c.architecture.rotary?.factors ?? .none {
    case .none: ropeFactors = .none
    case .one:
      ropeFactors = try finder.optionalVector(names.ropeFactors + ".weight", pairs).map { .one($0) } ?? .none
    case .shortAndLong:
      let short = try finder.optionalVector(names.shortFactors + ".weight", pairs)
      let long = try finder.optionalVector(names.longFactors + ".weight", pairs)
      if let short, let long { ropeFactors = .shortAndLong(short, long) } else { ropeFactors = .none }
    }
    var layers: [LayerParts] = []
    for index in 0..<c.layerCount { layers.append(try finder.layer(index)) }
    self.layers = layers
    matrices = finder.matrices
    kept = finder.kept
    let extra = file.tensors.first { tensor in
      !finder.known.contains(tensor.name) && !c.architecture.leavesUnused(tensor.name)
        && !c.predictionLayers.contains { tensor.name.hasPrefix(names.inLayer($0, "")) }
    }
    if let extra {
      throw file.error(
        .invalidTensor, subject: "tensor \(extra.name)",
        "is no part of a \(c.architecture.name) model with \(c.layerCount) layers")
    }
  }

  // MARK: Contents

  /// The format of a matrix.
  func format(of tensor: GGUFTensor) -> TensorFormat { (try? file.format(of: tensor)) ?? .f32 }

  /// The format that a matrix has on a device when matrices are encoded on the way; some stay as they are.
  func format(of tensor: GGUFTensor, encodedIn encoding: WeightEncoding?) -> TensorFormat {
    (kept.contains(tensor.name) ? nil : encoding?.format) ?? format(of: tensor)
  }

  func values(_ part: VectorPart) -> [Float] {
    file.withBytes(of: part.tensor) { bytes in
      (part.tensor.format ?? .f32).decode(bytes)[part.elements].map(Float.init)
    }
  }

  /// Whether the bytes of a tensor lie in a file as they are.
  func isMapped(_ tensor: GGUFTensor) -> Bool { (file as? FolderAsGGUF)?.isMapped(tensor) ?? true }

  /// Runs `body` on the bytes of the rows, which are whole blocks.
  ///
  /// - Throws: if a block has a scale that is infinite or no number, which would spread over all that follows.
  func withBytes<R>(of part: MatrixPart, _ body: (UnsafeRawBufferPointer) throws -> R) throws -> R {
    try withCheckedBytes(of: part) { rows in
      try check(rows, of: part.tensor, after: part.rows.lowerBound * part.columns)
      return try body(rows)
    }
  }

  /// The same for rows whose blocks were checked before.
  func withCheckedBytes<R>(of part: MatrixPart, _ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    try file.withBytes(of: part.tensor) { bytes in
      // Rows of formats with sections do not lie together; such tensors are not divided.
      guard format(of: part.tensor).sectioned == nil else { return try body(bytes) }
      let row = part.tensor.byteCount / part.tensor.shape.rows
      return try body(
        UnsafeRawBufferPointer(rebasing: bytes[part.rows.lowerBound * row..<part.rows.upperBound * row]))
    }
  }

  /// Runs `body` on the bytes of the rows of all experts, one expert after the other.
  ///
  /// - Throws: as for a matrix.
  func withBytes<R>(of part: ExpertPart, _ body: (UnsafeRawBufferPointer) throws -> R) throws -> R {
    try withCheckedBytes(of: part) { bytes in
      try check(bytes, of: part.tensor, after: 0)
      return try body(bytes)
    }
  }

  /// The same for experts whose blocks were checked before.
  func withCheckedBytes<R>(of part: ExpertPart, _ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    try file.withBytes(of: part.tensor) { bytes in
      guard part.rows.count != part.allRows else { return try body(bytes) }
      let row = part.tensor.byteCount / part.tensor.shape.rows
      var gathered: [UInt8] = []
      gathered.reserveCapacity(part.experts * part.rows.count * row)
      for expert in 0..<part.experts {
        let first = expert * part.allRows
        gathered += bytes[(first + part.rows.lowerBound) * row..<(first + part.rows.upperBound) * row]
      }
      return try gathered.withUnsafeBytes(body)
    }
  }

  private func check(_ bytes: UnsafeRawBufferPointer, of tensor: GGUFTensor, after elements: Int) throws(ModelFileError)
  {
    guard case .block(let block)? = tensor.format, let bad = block.firstBadBlock(bytes) else { return }
    throw file.error(
      .invalidTensor, subject: "tensor \(tensor.name)",
      "the scale of block \(elements / block.length + bad) is infinite or no number")
  }
}

extension ModelTensors {
  /// The large matrices in the order in which they are loaded for a purpose.
  func parts(for purpose: ModelPurpose) -> [WeightPart] {
    func matrices(_ parts: MatrixPart?...) -> [WeightPart] { parts.compactMap { $0.map(WeightPart.matrix) } }
    func network(_ parts: NetworkParts?) -> [WeightPart] { matrices(parts?.gate, parts?.up, parts?.down) }
    return matrices(tokenEmbedding, positionEmbedding, purpose == .logits ? output : nil)
      + layers.flatMap { layer in
        let attention = layer.attention, mixture = layer.mixture
        return matrices(attention?.query, attention?.key, attention?.value, attention?.gate, attention?.output)
          + network(layer.network)
          + [mixture?.gate, mixture?.up, mixture?.down].compactMap { $0.map(WeightPart.experts) }
          + network(mixture?.shared)
      }
  }

  /// The memory that a session takes on a device.
  /// Of encoders, what an embedder takes for texts as long as the context.
  /// - Throws: as a session with these options.
  public func memory(_ options: SessionOptions) throws(ModelError) -> MemoryEstimate {
    try options.validate(for: configuration)
    guard configuration.architecture.encoder == nil else {
      let longest = EmbeddingOptions(pooling: .mean, longestText: options.context)
      return MemoryEstimate(self, longest) { VulkanBackend.storageBytes($0, $1) }
    }
    return MemoryEstimate(self, options) { VulkanBackend.storageBytes($0, $1) }
  }
}
