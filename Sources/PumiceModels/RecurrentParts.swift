import PumiceModelFiles
import PumiceTensors

/// Rows of a convolution's kernel, with their part of the bias.
struct ConvolutionPart: Sendable {
  /// [channels, taps]
  let weight: VectorPart
  let bias: VectorPart?
}

/// The tensors of a recurrent block, found and checked.
struct RecurrentParts: Sendable {
  /// What is convolved; of `shortConvolution` what is multiplied by `b` first. With `isInterleaved` a gate and an input for
  /// each head.
  var input: MatrixPart
  var isInterleaved = false
  /// What gates the output: by its SiLU, of `shortConvolution` as it is.
  var gate: MatrixPart?
  var convolution: ConvolutionPart
  /// What goes into the states, and how they come out.
  var b: MatrixPart
  var c: MatrixPart?
  /// Where these are convolved as well.
  var bConvolution: ConvolutionPart?
  var cConvolution: ConvolutionPart?
  /// The steps, or what they are made of.
  var step: MatrixPart?
  var stepOutput: MatrixPart?
  var stepNorm: NormPart?
  var bNorm: NormPart?
  var cNorm: NormPart?
  var decay: VectorPart?
  var skip: VectorPart?
  /// The norm of the groups of what comes out.
  var norm: NormPart?
  var output: MatrixPart
}

extension PartFinder {
  /// The recurrent block of layer `index`; nil if it has none, or a delta net.
  mutating func recurrence(_ index: Int) throws(ModelFileError) -> RecurrentParts? {
    let model = configuration
    guard model.layers[index].recurs, let c = model.recurrence else { return nil }
    switch c.kind {
    case .deltaNet, .deltaNetTiled, .kimiDelta: return nil
    case .shortConvolution: return try shortConvolution(index, c)
    case .mamba2: return try mamba2(index, c)
    case .mamba, .plamo2: return try mamba(index, c, isInterleaved: c.kind == .plamo2)
    }
  }

  private mutating func shortConvolution(
    _ index: Int, _ c: RecurrenceConfiguration
  ) throws(ModelFileError) -> RecurrentParts {
    func name(_ part: String) -> String { model.names.inLayer(index, "shortconv.\(part)") }
    let model = configuration.architecture, width = c.innerSize
    let all = try linear(name("in_proj"), [3 * width, configuration.embeddingLength])
    return RecurrentParts(
      input: all.part(2 * width..<3 * width), gate: all.part(width..<2 * width),
      convolution: try convolution(name("conv"), [width], c)[0], b: all.part(0..<width),
      output: try linear(name("out_proj"), [configuration.embeddingLength, width]))
  }

  private mutating func mamba2(
    _ index: Int, _ c: RecurrenceConfiguration
  ) throws(ModelFileError) -> RecurrentParts {
    func name(_ part: String) -> String { model.names.inLayer(index, part) }
    let model = configuration.architecture, width = configuration.embeddingLength
    let inner = c.innerSize, shared = c.groupCount * c.stateSize
    var all = try linear(name("ssm_in"), [2 * inner + 2 * shared + c.headCount, width], scales: 5)
    let scales = all.scale.flatMap { $0.elements.count == 5 ? $0.tensor : nil }
    func part(_ index: Int, _ rows: Range<Int>) -> MatrixPart {
      // Folders may have a factor for each of the five.
      if let scales { all.scale = VectorPart(tensor: scales, elements: index..<index + 1) }
      return all.part(rows)
    }
    let convolutions = try convolution(name("ssm_conv1d"), [inner, shared, shared], c)
    let steps = 2 * inner + 2 * shared
    var step = part(4, steps..<steps + c.headCount)
    step.bias = try vector(name("ssm_dt.bias"), c.headCount)
    let hasNorm = file.tensor(named: name("ssm_norm.weight")) != nil
    return RecurrentParts(
      input: part(1, inner..<2 * inner), gate: part(0, 0..<inner), convolution: convolutions[0],
      b: part(2, 2 * inner..<2 * inner + shared), c: part(3, 2 * inner + shared..<steps),
      bConvolution: convolutions[1], cConvolution: convolutions[2], step: step,
      decay: try vector(name("ssm_a"), [c.headCount, 1]), skip: try vector(name("ssm_d"), [c.headCount, 1]),
      norm: hasNorm ? try norm(name("ssm_norm"), .rms, inner / c.groupCount, vectors: c.groupCount) : nil,
      output: try linear(name("ssm_out"), [width, inner]))
  }

  private mutating func mamba(
    _ index: Int, _ c: RecurrenceConfiguration, isInterleaved: Bool
  ) throws(ModelFileError) -> RecurrentParts {
    func name(_ part: String) -> String { model.names.inLayer(index, part) }
    let model = configuration.architecture, width = configuration.embeddingLength
    let inner = c.innerSize, states = c.stateSize, rank = c.stepRank
    let all = try linear(name("ssm_in"), [2 * inner, width])
    let made = try linear(name("ssm_x"), [rank + 2 * states, inner])
    // The order of the parts: steps, b, c; in PLaMo 2 b, c, steps.
    let steps = isInterleaved ? 2 * states : 0, b = isInterleaved ? 0 : rank
    let hasNorms = ["ssm_dt_norm", "ssm_dt_norm.weight"].contains { file.tensor(named: name($0)) != nil }
    let kind: Architecture.Norm? = hasNorms ? .rms : c.normalizesSteps ? .plainRMS : nil
    var parts = RecurrentParts(
      input: isInterleaved ? all : all.part(0..<inner), isInterleaved: isInterleaved,
      gate: isInterleaved ? nil : all.part(inner..<2 * inner),
      convolution: try convolution(name("ssm_conv1d"), [inner], c)[0], b: made.part(b..<b + states),
      c: made.part(b + states..<b + 2 * states), step: made.part(steps..<steps + rank),
      stepOutput: try linear(name("ssm_dt"), [c.headCount, rank]),
      decay: try vector(name("ssm_a"), isInterleaved ? [c.headCount] : [inner, states]),
      skip: try vector(name("ssm_d"), [c.headCount]), output: try linear(name("ssm_out"), [width, inner]))
    if let kind {
      parts.stepNorm = try norm(name("ssm_dt_norm"), kind, rank)
      parts.bNorm = try norm(name("ssm_b_norm"), kind, states)
      parts.cNorm = try norm(name("ssm_c_norm"), kind, states)
    }
    return parts
  }

  /// The kernels of neighbouring channels, with their biases if the file has them.
  mutating func convolution(
    _ name: String, _ channels: [Int], _ c: RecurrenceConfiguration
  ) throws(ModelFileError) -> [ConvolutionPart] {
    let count = channels.reduce(0, +)
    let weight = try vector(name + ".weight", [count, c.taps])
    let bias = try optionalVector(name + ".bias", count)
    var first = 0
    return channels.map { channels in
      let rows = first..<first + channels
      first += channels
      return ConvolutionPart(
        weight: VectorPart(tensor: weight.tensor, elements: rows.lowerBound * c.taps..<rows.upperBound * c.taps),
        bias: bias.map { VectorPart(tensor: $0.tensor, elements: rows) })
    }
  }
}
