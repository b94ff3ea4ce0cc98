import PumiceOperators
import PumiceTensors

/// The weights of latent attention: see `LatentParts`.
struct LatentWeights<Tensor> {
  var query: Query
  var latent: Projection<Tensor>
  var latentNorm: NormWeights<Tensor>
  var rotatedKey: Projection<Tensor>
  var expansion: Expansion
  /// How the rotated parts are turned, and the table of the frequencies; nil where nothing is.
  var rotary: (scheme: RotaryScheme, frequencies: Tensor)?
  var output: Linear<Tensor>

  enum Query {
    case direct(Projection<Tensor>)
    case latent(down: Projection<Tensor>, norm: NormWeights<Tensor>, up: Linear<Tensor>)
  }

  enum Expansion {
    case heads(Linear<Tensor>)
    case absorbed(key: Linear<Tensor>, value: Linear<Tensor>)
  }
}

/// Where latent attention keeps what is between its operators, besides what all attention has.
struct LatentActivations<B: Backend> {
  /// The latent of queries, as the projection gives it and normalized.
  let rawQueryLatent: B.Tensor
  let queryLatent: B.Tensor
  /// Queries of all heads, their parts without positions, and what these are to latents.
  let rawQuery: B.Tensor
  let plainQuery: B.Tensor
  let absorbedQuery: B.Tensor
  /// The latent of keys and values, as the projection gives it and normalized.
  let rawLatent: B.Tensor
  let latent: B.Tensor
  let rotatedKey: B.Tensor
  /// Keys without their rotated parts, and values, of all heads.
  let expanded: B.Tensor
  /// Values of all heads.
  let values: B.Tensor
  /// For every row the number of its head.
  let heads: B.Tensor

  init(_ c: LatentConfiguration, heads count: Int, rows: Int, on backend: B) throws {
    let widths = Widths(c, heads: count)
    func make(_ width: Int, _ label: String) throws -> B.Tensor {
      try backend.makeTensor([rows, width], .f32, at: .device, label: label)
    }
    rawQueryLatent = try make(widths.queryLatent, "projected latents of queries")
    queryLatent = try make(widths.queryLatent, "latents of queries")
    rawQuery = try make(widths.rawQuery, "projected queries")
    plainQuery = try make(widths.plainQuery, "queries without positions")
    absorbedQuery = try make(widths.absorbedQuery, "queries of latents")
    rawLatent = try make(widths.latent, "projected latents")
    latent = try make(widths.latent, "latents")
    rotatedKey = try make(widths.rotatedKey, "rotated keys")
    expanded = try make(widths.expanded, "keys and values")
    values = try make(widths.values, "attention's values")
    let numbers = (0..<rows).flatMap { _ in 0..<Int32(count) }
    heads = try backend.makeTensor([rows, count], .i32, from: numbers, label: "numbers of heads")
  }

  /// Elements of all of them for one token.
  static func elementsPerToken(_ c: LatentConfiguration, heads: Int) -> Int {
    let widths = Widths(c, heads: heads)
    return 2 * widths.queryLatent + widths.rawQuery + widths.plainQuery + widths.absorbedQuery + 2 * widths.latent
      + widths.rotatedKey + widths.expanded + widths.values + heads
  }

  /// At least 1 each, since there are no tensors without elements.
  private struct Widths {
    let queryLatent: Int
    let rawQuery: Int
    let plainQuery: Int
    let absorbedQuery: Int
    let latent: Int
    let rotatedKey: Int
    let expanded: Int
    let values: Int

    init(_ c: LatentConfiguration, heads: Int) {
      queryLatent = c.queryRank ?? 1
      rawQuery = heads * c.querySize
      plainQuery = c.isAbsorbed ? heads * c.plainSize : 1
      absorbedQuery = c.isAbsorbed ? heads * c.rank : 1
      latent = c.rank
      rotatedKey = c.rotatedSize
      expanded = c.isAbsorbed ? 1 : heads * (c.plainSize + c.valueSize)
      values = c.isAbsorbed ? heads * c.valueSize : 1
    }
  }
}

extension WeightLoader {
  /// - Parameter norms: those of what attention reads.
  mutating func latentAttention(
    _ parts: LatentParts, _ norms: inout ScaledNorms?,
    rotary: (scheme: RotaryScheme, frequencies: B.Tensor)?
  ) throws -> LatentWeights<B.Tensor> {
    let query: LatentWeights<B.Tensor>.Query
    if let down = parts.queryDown, let norm = try norm(parts.queryNorm) {
      query = .latent(
        down: try projection(down, &norms, scale: scale(down)), norm: norm,
        up: try matrix(parts.query, scale: scale(parts.query)))
    } else {
      query = .direct(try projection(parts.query, &norms, scale: scale(parts.query)))
    }
    let expansion: LatentWeights<B.Tensor>.Expansion =
      switch parts.expansion {
      case .heads(let part): .heads(try matrix(part, scale: scale(part)))
      case .absorbed(let key, let value): .absorbed(key: try matrix(key), value: try matrix(value))
      }
    guard let latentNorm = try norm(parts.latentNorm) else { preconditionFailure("latents have a norm") }
    return LatentWeights(
      query: query, latent: try projection(parts.latent, &norms, scale: scale(parts.latent)), latentNorm: latentNorm,
      rotatedKey: try projection(parts.rotatedKey, &norms, scale: scale(parts.rotatedKey)), expansion: expansion,
      rotary: rotary, output: try matrix(parts.output, scale: scale(parts.output)))
  }
}
