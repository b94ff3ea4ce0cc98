import PumiceModelFiles
import PumiceTensors

/// The tensors of a gated delta net, found and checked.
struct DeltaNetParts: Sendable {
  /// Queries, keys and values, and the kernels that each is convolved with.
  var query: MatrixPart
  var key: MatrixPart
  var value: MatrixPart
  var convolutions: [ConvolutionPart]
  var steps: Steps
  /// Rates of decay.
  var decay: VectorPart
  /// What is added to the steps.
  var stepBias: VectorPart
  /// What gates the output, made in one step or two.
  var gate: Product
  /// The norm of each head's output.
  var norm: NormPart
  var output: MatrixPart

  /// Steps, and the shares of what is stored that are replaced.
  enum Steps: Sendable {
    case apart(step: Product, share: MatrixPart)
    /// Shares and steps of the heads that a head of keys serves, in turn.
    case together(MatrixPart)
  }

  /// A projection, or one into few numbers and another one from there.
  struct Product: Sendable {
    var first: MatrixPart
    var second: MatrixPart?
  }
}

extension PartFinder {
  /// The gated delta net of layer `index`; nil if it has none.
  mutating func deltaNet(_ index: Int) throws(ModelFileError) -> DeltaNetParts? {
    guard configuration.layers[index].recurs, let c = configuration.recurrence, c.isDeltaNet else {
      return nil
    }
    func name(_ part: String) -> String { configuration.architecture.names.inLayer(index, part) }
    let width = configuration.embeddingLength, keys = c.groupCount * c.stateSize
    if c.kind == .kimiDelta { return try kimiDelta(index, c) }
    let all = try linear(name("attn_qkv"), [2 * keys + c.innerSize, width])
    let isApart = c.kind == .deltaNetTiled || file.tensor(named: name("ssm_alpha.weight")) != nil
    let steps: DeltaNetParts.Steps =
      isApart
      ? .apart(
        step: DeltaNetParts.Product(first: try linear(name("ssm_alpha"), [c.headCount, width])),
        share: try linear(name("ssm_beta"), [c.headCount, width]))
      : .together(try linear(name("ssm_ba"), [2 * c.headCount, width]))
    return DeltaNetParts(
      query: all.part(0..<keys), key: all.part(keys..<2 * keys), value: all.part(2 * keys..<2 * keys + c.innerSize),
      convolutions: try convolution(name("ssm_conv1d"), [keys, keys, c.innerSize], c), steps: steps,
      decay: try vector(name("ssm_a"), c.headCount), stepBias: try vector(name("ssm_dt.bias"), c.headCount),
      gate: DeltaNetParts.Product(first: try linear(name("attn_gate"), [c.innerSize, width])),
      norm: try norm(name("ssm_norm"), .rms, c.headSize), output: try linear(name("ssm_out"), [width, c.innerSize]))
  }

  private mutating func kimiDelta(
    _ index: Int, _ c: RecurrenceConfiguration
  ) throws(ModelFileError) -> DeltaNetParts {
    func name(_ part: String) -> String { configuration.architecture.names.inLayer(index, part) }
    let width = configuration.embeddingLength, inner = c.innerSize
    var convolutions: [ConvolutionPart] = []
    for part in ["q", "k", "v"] {
      let weight = name("ssm_conv1d_\(part).weight")
      // Files say that each channel is for itself by an extent of 1, in front or behind.
      let shapes: [Shape] = [[inner, 1, c.taps], [1, inner, 1, c.taps], [inner, c.taps]]
      let shape = shapes.first { file.tensor(named: weight)?.shape == $0 } ?? shapes[0]
      convolutions.append(ConvolutionPart(weight: try vector(weight, shape), bias: nil))
    }
    var output = try linear(name("attn_output"), [width, inner])
    // llama.cpp uses it where attention is latent alone.
    output.scale = nil
    let rates = name("ssm_a"), isFlat = file.tensor(named: rates)?.shape.rank == 1
    return DeltaNetParts(
      query: try linear(name("attn_q"), [inner, width]), key: try linear(name("attn_k"), [inner, width]),
      value: try linear(name("attn_v"), [inner, width]), convolutions: convolutions,
      steps: .apart(
        step: DeltaNetParts.Product(
          first: try linear(name("ssm_f_a"), [c.stateSize, width]),
          second: try linear(name("ssm_f_b"), [inner, c.stateSize])),
        share: try flatLinear(name("ssm_beta"), c.headCount, width)),
      decay: try vector(rates, isFlat ? [c.headCount] : [c.headCount, 1]),
      stepBias: try vector(name("ssm_dt.bias"), inner),
      gate: DeltaNetParts.Product(
        first: try linear(name("ssm_g_a"), [c.stateSize, width]),
        second: try linear(name("ssm_g_b"), [inner, c.stateSize])),
      norm: try norm(name("ssm_norm"), .rms, c.headSize), output: output)
  }

  /// A matrix; files leave out a number of rows that is 1.
  private mutating func flatLinear(_ name: String, _ rows: Int, _ width: Int) throws(ModelFileError) -> MatrixPart {
    let isFlat = rows == 1 && file.tensor(named: name + ".weight")?.shape == [width]
    var part = try linear(name, isFlat ? [width] : [rows, width])
    part.rows = 0..<rows
    return part
  }
}
