import PumiceModelFiles
import PumiceTensors

/// The tensors of latent attention, found and checked.
struct LatentParts: Sendable {
  /// What makes the latent of queries, and its norm; nil where there is none.
  var queryDown: MatrixPart?
  var queryNorm: NormPart?
  var query: MatrixPart
  var latent: MatrixPart
  var latentNorm: NormPart
  /// The rotated part of the keys of all heads.
  var rotatedKey: MatrixPart
  var expansion: Expansion
  var output: MatrixPart

  enum Expansion: Sendable {
    /// Keys without their rotated part, and values, of all heads.
    case heads(MatrixPart)
    /// For each head the matrix that makes a query of latents of it, and the one that makes a value of latents: one after
    /// the other.
    case absorbed(key: MatrixPart, value: MatrixPart)
  }
}

extension PartFinder {
  /// Nil where the model has no latent attention.
  mutating func latentAttention(_ index: Int) throws(ModelFileError) -> LatentParts? {
    let model = configuration, width = model.embeddingLength, heads = model.headCount
    guard let c = model.latent else { return nil }
    func name(_ part: String) -> String { model.architecture.names.inLayer(index, part) }
    var queryDown: MatrixPart?
    var queryNorm: NormPart?
    if let rank = c.queryRank {
      queryDown = try linear(name("attn_q_a"), [rank, width])
      queryNorm = try norm(name("attn_q_a_norm"), .rms, rank)
    }
    let query = try linear(
      name(c.queryRank == nil ? "attn_q" : "attn_q_b"), [heads * c.querySize, c.queryRank ?? width])
    let down = try linear(name("attn_kv_a_mqa"), [c.rank + c.rotatedSize, width])
    let latentNorm = try norm(name("attn_kv_a_norm"), .rms, c.rank)
    let expansion: LatentParts.Expansion =
      c.isAbsorbed
      ? .absorbed(
        key: try stack(name("attn_k_b"), heads, [c.rank, c.plainSize]),
        value: try stack(name("attn_v_b"), heads, [c.valueSize, c.rank]))
      : .heads(try linear(name("attn_kv_b"), [heads * (c.plainSize + c.valueSize), c.rank]))
    return LatentParts(
      queryDown: queryDown, queryNorm: queryNorm, query: query, latent: down.part(0..<c.rank), latentNorm: latentNorm,
      rotatedKey: down.part(c.rank..<c.rank + c.rotatedSize), expansion: expansion,
      output: try linear(name(model.architecture.names.attentionOutput), [width, heads * c.valueSize]))
  }

  /// A matrix for each head, one after the other; files leave out a number of heads that is 1.
  private mutating func stack(_ name: String, _ heads: Int, _ shape: [Int]) throws(ModelFileError) -> MatrixPart {
    let isFlat = heads == 1 && file.tensor(named: name + ".weight")?.shape.rank == 2
    var part = try matrix(name, Shape(isFlat ? shape : [heads] + shape))
    part.rows = 0..<heads * shape[0]
    return part
  }
}
