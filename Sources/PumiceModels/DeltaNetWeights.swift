import PumiceOperators
import PumiceTensors

/// The weights of a gated delta net: see `DeltaNetParts`.
struct DeltaNetWeights<Tensor> {
  var query: Projection<Tensor>
  var key: Projection<Tensor>
  var value: Projection<Tensor>
  var convolutions: [ConvolutionWeights<Tensor>]
  var steps: Steps
  var decay: Tensor
  var stepBias: Tensor
  var gate: Product
  /// What makes queries and keys as long as they are to be.
  var queryNorm: NormWeights<Tensor>
  var keyNorm: NormWeights<Tensor>
  var norm: NormWeights<Tensor>
  var output: Linear<Tensor>

  enum Steps {
    case apart(step: Product, share: Projection<Tensor>)
    case together(Projection<Tensor>)
  }

  struct Product {
    var first: Projection<Tensor>
    var second: Linear<Tensor>?
  }
}

/// Where gated delta nets keep what is between their operators.
struct DeltaNetActivations<B: Backend> {
  let query: B.Tensor
  let key: B.Tensor
  let value: B.Tensor
  let convolvedQuery: B.Tensor
  let convolvedKey: B.Tensor
  let convolvedValue: B.Tensor
  let step: B.Tensor
  let share: B.Tensor
  /// Shares and steps as one projection gives them.
  let together: B.Tensor
  /// What steps and gates are made of in two steps.
  let low: B.Tensor
  let gate: B.Tensor
  let output: B.Tensor
  let gated: B.Tensor

  init(_ c: RecurrenceConfiguration, rows: Int, on backend: B) throws {
    let widths = Widths(c)
    func make(_ width: Int, _ label: String) throws -> B.Tensor {
      try backend.makeTensor([rows, width], .f32, at: .device, label: label)
    }
    query = try make(widths.keys, "queries of states")
    key = try make(widths.keys, "keys of states")
    value = try make(widths.inner, "values of states")
    convolvedQuery = try make(widths.keys, "convolved queries")
    convolvedKey = try make(widths.keys, "convolved keys")
    convolvedValue = try make(widths.inner, "convolved values")
    step = try make(widths.step, "steps")
    share = try make(widths.share, "shares")
    together = try make(2 * widths.share, "shares and steps")
    low = try make(widths.low, "what steps and gates are made of")
    gate = try make(widths.inner, "gate of states")
    output = try make(widths.inner, "output of states")
    gated = try make(widths.inner, "gated output of states")
  }

  /// Elements of all of them for one token.
  static func elementsPerToken(_ c: RecurrenceConfiguration) -> Int {
    let widths = Widths(c)
    return 4 * widths.keys + 5 * widths.inner + widths.step + 3 * widths.share + widths.low
  }

  private struct Widths {
    let keys: Int
    let inner: Int
    let step: Int
    let share: Int
    let low: Int

    init(_ c: RecurrenceConfiguration) {
      keys = c.groupCount * c.stateSize
      inner = c.innerSize
      step = c.kind == .kimiDelta ? c.headCount * c.stateSize : c.headCount
      share = c.headCount
      low = c.stateSize
    }
  }
}

extension WeightLoader {
  /// - Parameter norms: those of what the block reads.
  mutating func deltaNet(_ parts: DeltaNetParts, _ norms: inout ScaledNorms?) throws -> DeltaNetWeights<B.Tensor> {
    guard let c = tensors.configuration.recurrence else { preconditionFailure("a delta net without numbers") }
    let query = try projection(parts.query, &norms, scale: scale(parts.query))
    let key = try projection(parts.key, &norms, scale: scale(parts.key))
    let value = try projection(parts.value, &norms, scale: scale(parts.value))
    let steps: DeltaNetWeights<B.Tensor>.Steps =
      switch parts.steps {
      case .apart(let step, let share):
        .apart(
          step: try product(step, &norms), share: try projection(share, &norms, scale: scale(share)))
      case .together(let part): .together(try projection(part, &norms, scale: scale(part)))
      }
    let gate = try product(parts.gate, &norms)
    guard let norm = try norm(parts.norm) else { preconditionFailure("delta nets have a norm") }
    return DeltaNetWeights(
      query: query, key: key, value: value, convolutions: try parts.convolutions.map { try convolution($0) },
      steps: steps, decay: try upload(parts.decay), stepBias: try upload(parts.stepBias), gate: gate,
      // Queries are 1/√size long, keys 1.
      queryNorm: try length(c.stateSize, 1 / Float(c.stateSize).squareRoot()), keyNorm: try length(c.stateSize, 1),
      norm: norm, output: try matrix(parts.output, scale: scale(parts.output)))
  }

  private mutating func product(
    _ part: DeltaNetParts.Product, _ norms: inout ScaledNorms?
  ) throws -> DeltaNetWeights<B.Tensor>.Product {
    DeltaNetWeights.Product(
      first: try projection(part.first, &norms, scale: scale(part.first)),
      second: try part.second.map { try matrix($0, scale: scale($0)) })
  }

  /// The norm that makes vectors so long: one by the root mean square, whose gain is that length by √(elements).
  private func length(_ size: Int, _ length: Float) throws -> NormWeights<B.Tensor> {
    let gain = Array(repeating: length / Float(size).squareRoot(), count: size)
    return NormWeights(
      norm: .plainRMS, width: size, gain: try upload(gain, "length of queries or keys"), bias: nil, count: 1)
  }
}
