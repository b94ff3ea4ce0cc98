import PumiceTensors

/// The tensors between operators, large enough for `rows` tokens.
struct Activations<B: Backend> {
  let residual: B.Tensor
  let normed: B.Tensor
  let delta: B.Tensor
  let query: B.Tensor
  let key: B.Tensor
  /// Queries and keys with their own norms; where there are none, `query` and `key`.
  let normedQuery: B.Tensor
  let normedKey: B.Tensor
  let value: B.Tensor
  let attended: B.Tensor
  /// The gate of attention, and what it lets through; where there is none, `attended`.
  let attentionGate: B.Tensor
  /// Queries and gates of heads in turn; where they are not, `query`.
  let gatedQuery: B.Tensor
  let gatedAttention: B.Tensor
  /// Of a network, of the shared expert, or of the experts that tokens use.
  let gate: B.Tensor
  let up: B.Tensor
  let activated: B.Tensor
  /// Nil where there are no experts.
  let experts: ExpertActivations<B>?
  /// Nil where no layer has latent attention.
  let latent: LatentActivations<B>?
  /// Nil where no layer has a recurrent block.
  let recurrent: RecurrentActivations<B>?
  let deltaNet: DeltaNetActivations<B>?
  /// [logitRows, vocabulary]
  let logits: B.Tensor

  init(_ c: ModelConfiguration, rows: Int, logitRows: Int, on backend: B) throws {
    func make(_ width: Int, _ label: String) throws -> B.Tensor {
      // There are no tensors without elements.
      try backend.makeTensor([rows, max(1, width)], .f32, at: .device, label: label)
    }
    let widths = Widths(c)
    residual = try make(c.embeddingLength, "residual stream")
    normed = try make(c.embeddingLength, "normalized")
    delta = try make(c.embeddingLength, "residual addend")
    query = try make(widths.query, "queries")
    key = try make(widths.key, "keys")
    normedQuery = widths.hasHeadNorm ? try make(widths.query, "normalized queries") : query
    normedKey = widths.hasHeadNorm ? try make(widths.key, "normalized keys") : key
    value = try make(widths.value, "values")
    attended = try make(widths.attended, "attention")
    attentionGate = widths.hasGate ? try make(widths.attended, "attention gate") : attended
    gatedQuery = widths.hasGateInQuery ? try make(2 * widths.query, "queries and gates") : query
    gatedAttention = widths.hasGate ? try make(widths.attended, "gated attention") : attended
    gate = try make(widths.network, "gate")
    up = try make(widths.network, "up")
    activated = try make(widths.network, "activated")
    experts = try ExpertActivations(c, rows: rows, on: backend)
    latent = try c.latent.map { try LatentActivations($0, heads: c.headCount, rows: rows, on: backend) }
    let recurrence = c.recurrence, isDelta = recurrence?.isDeltaNet == true
    recurrent = try isDelta ? nil : recurrence.map { try RecurrentActivations($0, rows: rows, on: backend) }
    deltaNet = try isDelta ? recurrence.map { try DeltaNetActivations($0, rows: rows, on: backend) } : nil
    logits = try backend.makeTensor([logitRows, c.vocabularySize], .f32, at: .device, label: "logits")
  }

  /// Elements of all of them but the logits for one token.
  static func elementsPerToken(_ c: ModelConfiguration) -> Int {
    let widths = Widths(c)
    return 3 * c.embeddingLength + (widths.query + widths.key) * (widths.hasHeadNorm ? 2 : 1) + widths.value
      + (widths.hasGateInQuery ? 2 * widths.query : 0) + widths.attended * (widths.hasGate ? 3 : 1)
      + 3 * widths.network + ofOtherBlocks(c)
  }

  /// Elements that experts, latent attention and recurrent blocks have for themselves.
  private static func ofOtherBlocks(_ c: ModelConfiguration) -> Int {
    let experts = ExpertActivations<B>.elementsPerToken(c)
    let latent = c.latent.map { LatentActivations<B>.elementsPerToken($0, heads: c.headCount) } ?? 0
    guard let recurrence = c.recurrence else { return experts + latent }
    return experts + latent
      + (recurrence.isDeltaNet
        ? DeltaNetActivations<B>.elementsPerToken(recurrence)
        : RecurrentActivations<B>.elementsPerToken(recurrence))
  }

  private struct Widths {
    let query: Int
    let key: Int
    let value: Int
    let attended: Int
    let hasHeadNorm: Bool
    let hasGate: Bool
    let network: Int
    let hasGateInQuery: Bool

    init(_ c: ModelConfiguration) {
      query = c.headCount * c.headSize
      key = c.kvHeadCount * c.headSize
      value = c.kvHeadCount * c.valueSize
      attended = c.headCount * c.valueSize
      hasHeadNorm = c.architecture.headNorm != nil
      hasGate = c.architecture.attentionGate != .none
      hasGateInQuery = c.architecture.attentionGate == .inQuery
      network = c.layers.map { layer in
        let experts = layer.experts.map { max($0.used * $0.length, $0.sharedLength ?? 0) } ?? 0
        return max(layer.feedForwardLength, experts)
      }.max()!
    }
  }
}

/// The tensors between the operators of a mixture of experts.
struct ExpertActivations<B: Backend> {
  /// What the router gives for each expert.
  let scores: B.Tensor
  /// The experts of each token, their weights, and factors of their products.
  let chosen: B.Tensor
  let weights: B.Tensor
  let factors: B.Tensor
  /// What each of them gives.
  let outputs: B.Tensor
  /// What experts read and give in a space of their own; nil where they have none.
  let latent: B.Tensor?
  /// How much of the shared expert is let through.
  let shared: B.Tensor

  init?(_ c: ModelConfiguration, rows: Int, on backend: B) throws {
    guard let sizes = Sizes(c) else { return nil }
    func make(_ width: Int, _ label: String, _ format: TensorFormat = .f32) throws -> B.Tensor {
      try backend.makeTensor([rows, width], format, at: .device, label: label)
    }
    scores = try make(sizes.count, "scores of experts")
    chosen = try make(sizes.used, "experts of tokens", .i32)
    weights = try make(sizes.used, "weights of experts")
    factors = try make(sizes.used, "factors of experts")
    outputs = try make(sizes.used * sizes.width, "outputs of experts")
    latent = sizes.latent > 0 ? try make(sizes.latent, "latent input") : nil
    shared = try make(1, "gate of the shared expert")
  }

  /// Elements of all of them for one token.
  static func elementsPerToken(_ c: ModelConfiguration) -> Int {
    Sizes(c).map { $0.count + $0.used * (3 + $0.width) + $0.latent + 1 } ?? 0
  }

  /// The largest of all layers.
  private struct Sizes {
    let count: Int
    let used: Int
    let width: Int
    let latent: Int

    init?(_ c: ModelConfiguration) {
      let layers = c.layers.compactMap(\.experts)
      guard !layers.isEmpty else { return nil }
      count = layers.map(\.count).max()!
      used = layers.map(\.used).max()!
      width = layers.map { $0.latentLength ?? c.embeddingLength }.max()!
      latent = layers.map { $0.latentLength ?? 0 }.max()!
    }
  }
}
