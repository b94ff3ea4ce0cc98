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
  let gate: B.Tensor
  let up: B.Tensor
  let activated: B.Tensor
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
    gate = try make(c.feedForwardLength, "gate")
    up = try make(c.feedForwardLength, "up")
    activated = try make(c.feedForwardLength, "activated")
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
      + (widths.hasGateInQuery ? 2 * widths.query : 0) + widths.attended * (widths.hasGate ? 3 : 1) + 3 * c.feedForwardLength
      + ofOtherBlocks(c)
  }

  /// Elements that latent attention and recurrent blocks have for themselves.
  private static func ofOtherBlocks(_ c: ModelConfiguration) -> Int {
    let latent = c.latent.map { LatentActivations<B>.elementsPerToken($0, heads: c.headCount) } ?? 0
    guard let recurrence = c.recurrence else { return latent }
    return latent
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
    let hasGateInQuery: Bool

    init(_ c: ModelConfiguration) {
      query = c.headCount * c.headSize
      key = c.kvHeadCount * c.headSize
      value = c.kvHeadCount * c.valueSize
      attended = c.headCount * c.valueSize
      hasHeadNorm = c.architecture.headNorm != nil
      hasGate = c.architecture.attentionGate != .none
      hasGateInQuery = c.architecture.attentionGate == .inQuery
    }
  }
}
