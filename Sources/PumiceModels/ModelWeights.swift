import PumiceKernels
import PumiceOperators
import PumiceQuantization
import PumiceTensors

/// A matrix of a model with its bias.
struct Linear<Tensor> {
  var weight: Tensor
  var format: TensorFormat
  var outputs: Int
  var inputs: Int
  var bias: Tensor?
  /// What the product is multiplied by before the bias is added; 1 where the scale lies in something else.
  var scale: Float = 1
}

/// A norm, and what it multiplies by and adds.
struct NormWeights<Tensor> {
  var norm: Architecture.Norm
  var width: Int
  /// Gains and biases, of which row r of the input uses number r mod `count`.
  var gain: Tensor
  var bias: Tensor?
  var count: Int
}

/// A projection of what a block reads.
struct Projection<Tensor> {
  var linear: Linear<Tensor>
  /// Which of the block's norms the residual stream is normalized with for it.
  var norm: Int
}

/// What a block reads.
enum BlockInput<Tensor> {
  /// The residual stream, normalized once for every gain that projections ask for.
  case normalized([NormWeights<Tensor>])
  /// The residual stream as it is.
  case plain
  /// What the block before it reads.
  case shared
}

/// The weights of attention.
struct AttentionWeights<Tensor> {
  var query: Projection<Tensor>
  var key: Projection<Tensor>
  var value: Projection<Tensor>
  var gate: Projection<Tensor>?
  var queryNorm: NormWeights<Tensor>?
  var keyNorm: NormWeights<Tensor>?
  /// How queries and keys are turned, and the table of the frequencies; nil where nothing is.
  var rotary: (scheme: RotaryScheme, frequencies: Tensor)?
  var sinks: Tensor?
  var output: Linear<Tensor>
}

/// One layer.
struct Layer<Tensor> {
  /// What attention and the recurrent block read.
  var attentionInput: BlockInput<Tensor>
  /// A layer that attends has one of these two.
  var attention: AttentionWeights<Tensor>?
  var latentAttention: LatentWeights<Tensor>?
  var recurrence: RecurrentWeights<Tensor>?
  var deltaNet: DeltaNetWeights<Tensor>?
  var postAttentionNorm: NormWeights<Tensor>?
  var feedForwardInput: BlockInput<Tensor>
  /// Whether the feed-forward network reads the residual stream as it is before attention.
  var isParallel: Bool
  /// The network without experts, and the mixture; a layer has one of them, both, or none.
  var network: Network<Tensor>?
  var mixture: Mixture<Tensor>?
  var postFeedForwardNorm: NormWeights<Tensor>?
  /// The norm of attention's output and the stream, which is added to the stream instead of that output.
  var sumNorm: NormWeights<Tensor>?
  /// The norm of the stream after the layer, which the next one reads.
  var layerOutputNorm: NormWeights<Tensor>?
}

/// A feed-forward network.
struct Network<Tensor> {
  var gate: Projection<Tensor>?
  var up: Projection<Tensor>
  /// What the activated numbers are multiplied by.
  var activationGain: Tensor?
  var down: Linear<Tensor>
}

/// A stack of matrices, one for each expert.
struct ExpertLinear<Tensor> {
  var weight: Tensor
  var format: TensorFormat
  var experts: Int
  var outputs: Int
  var inputs: Int
  /// For each expert and output.
  var bias: Tensor?
  /// A factor of the product with its bias for each expert, [experts, 1].
  var scales: Tensor?
}

/// A mixture of experts.
struct Mixture<Tensor> {
  /// The norm of what experts read; nil for the layer's input.
  var norm: NormWeights<Tensor>?
  /// Which of the norms of the layer's input is for the experts.
  var inputNorm: Int
  var router: Linear<Tensor>
  var selectionBias: Tensor?
  var gate: ExpertLinear<Tensor>?
  var up: ExpertLinear<Tensor>
  var down: ExpertLinear<Tensor>
  var latentDown: Linear<Tensor>?
  var latentUp: Linear<Tensor>?
  var shared: Network<Tensor>?
  var sharedRouter: Linear<Tensor>?
}

/// The weights of a model on a backend.
struct ModelWeights<B: Backend> {
  let tokenEmbedding: Linear<B.Tensor>
  let positionEmbedding: Linear<B.Tensor>?
  let tokenType: B.Tensor?
  let embeddingNorm: NormWeights<B.Tensor>?
  let layers: [Layer<B.Tensor>]
  let outputNorm: NormWeights<B.Tensor>?
  /// Nil where no logits are wanted.
  let output: Linear<B.Tensor>?
  let dense: [Linear<B.Tensor>]
  /// The numbers of what becomes of scores; nil where nothing does.
  let scoreNumbers: B.Tensor?

  /// Copies all weights to the backend, straight from the mapped file.
  ///
  /// - Parameters:
  ///   - context: the tokens of the longest text, which some families choose rotary frequencies by.
  ///   - encoding: what matrices are encoded in on the way; nil to leave them as they are.
  ///   - purpose: what the model is for, which decides what is loaded.
  ///   - progress: told the share of the bytes that are done.
  init(
    _ tensors: ModelTensors, on backend: B, context: Int, encodedIn encoding: WeightEncoding?,
    purpose: ModelPurpose = .logits,
    progress: @escaping (Double) -> Void
  ) throws {
    let c = tensors.configuration
    var loader = WeightLoader(
      tensors: tensors, for: purpose, backend: backend, target: encoding, progress: progress)
    let stager = loader
    defer { stager.stop() }
    let embedding = try loader.matrix(tensors.tokenEmbedding)
    tokenEmbedding = embedding
    positionEmbedding = try tensors.positionEmbedding.map { try loader.matrix($0) }
    tokenType = try tensors.tokenType.map { try loader.upload($0) }
    embeddingNorm = try loader.norm(tensors.embeddingNorm)
    switch purpose {
    case .embeddings:
      output = nil
      outputNorm = try loader.norm(tensors.outputNorm)
      dense = try tensors.dense.map { try loader.matrix($0) }
    case .logits:
      // Tied embeddings: without a matrix of its own the output uses the table of the tokens.
      output = try tensors.output.map { try loader.matrix($0, biasScale: c.logitScale) } ?? embedding
      // Logits are linear in what the last norm gives.
      outputNorm = try tensors.outputNorm.map { part in
        var norms = ScaledNorms(part, tensors)
        _ = norms.index(of: c.logitScale * (tensors.output.map(loader.scale) ?? 1))
        return try loader.upload(norms)[0]
      }
      dense = []
    }
    let words = ScoreProgram(c.scoreModifications).words.map { Int32(bitPattern: $0) }
    scoreNumbers =
      c.scoreModifications.isEmpty
      ? nil : try backend.makeTensor([words.count], .i32, from: words, label: "numbers of scores")
    var tables: [RotaryScheme: B.Tensor] = [:]
    layers = try zip(tensors.layers, c.layers).map { parts, layer in
      var rotary: (RotaryScheme, B.Tensor)?
      if let scheme = layer.rotary {
        let table = try tables[scheme] ?? loader.frequencies(scheme, context: context)
        tables[scheme] = table
        rotary = (scheme, table)
      }
      return try loader.layer(parts, rotary: rotary)
    }
  }
}
