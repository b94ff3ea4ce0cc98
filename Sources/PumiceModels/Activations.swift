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
  let gate: B.Tensor
  let up: B.Tensor
  let activated: B.Tensor
  /// [logitRows, vocabulary]
  let logits: B.Tensor

  init(_ c: ModelConfiguration, rows: Int, logitRows: Int, on backend: B) throws {
    func make(_ rows: Int, _ width: Int, _ label: String) throws -> B.Tensor {
      try backend.makeTensor([rows, width], .f32, at: .device, label: label)
    }
    residual = try make(rows, c.embeddingLength, "residual stream")
    normed = try make(rows, c.embeddingLength, "normalized")
    delta = try make(rows, c.embeddingLength, "residual addend")
    query = try make(rows, c.headCount * c.headSize, "queries")
    key = try make(rows, c.kvHeadCount * c.headSize, "keys")
    let hasHeadNorm = c.architecture.headNorm != nil
    normedQuery = hasHeadNorm ? try make(rows, c.headCount * c.headSize, "normalized queries") : query
    normedKey = hasHeadNorm ? try make(rows, c.kvHeadCount * c.headSize, "normalized keys") : key
    value = try make(rows, c.kvHeadCount * c.valueSize, "values")
    attended = try make(rows, c.headCount * c.valueSize, "attention")
    gate = try make(rows, c.feedForwardLength, "gate")
    up = try make(rows, c.feedForwardLength, "up")
    activated = try make(rows, c.feedForwardLength, "activated")
    logits = try make(logitRows, c.vocabularySize, "logits")
  }

  /// Elements of all of them but the logits for one token.
  static func elementsPerToken(_ c: ModelConfiguration) -> Int {
    let heads = c.headCount + c.kvHeadCount
    return 3 * c.embeddingLength + heads * c.headSize * (c.architecture.headNorm == nil ? 1 : 2) + heads * c.valueSize
      + 3 * c.feedForwardLength
  }
}
