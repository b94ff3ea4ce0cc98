import PumiceOperators
import PumiceTensors

/// The kernel of a convolution, [channels, taps].
struct ConvolutionWeights<Tensor> {
  var weight: Tensor
  var bias: Tensor?
  var channels: Int
}

/// The weights of a recurrent block: see `RecurrentParts`.
struct RecurrentWeights<Tensor> {
  var input: Projection<Tensor>
  var isInterleaved: Bool
  var gate: Projection<Tensor>?
  var convolution: ConvolutionWeights<Tensor>
  var kind: Kind
  var norm: NormWeights<Tensor>?
  var output: Linear<Tensor>

  enum Kind {
    /// A convolution alone, whose input is multiplied by what this gives.
    case convolution(factor: Projection<Tensor>)
    /// Steps and what goes in and out of what the block reads, all but the steps convolved.
    case fromStream(
      Scan, step: Projection<Tensor>, b: Projection<Tensor>, c: Projection<Tensor>,
      bConvolution: ConvolutionWeights<Tensor>, cConvolution: ConvolutionWeights<Tensor>)
    /// Of the convolved input.
    case fromInput(Scan, step: Normed, b: Normed, c: Normed, stepOutput: Linear<Tensor>)
  }

  struct Scan {
    var decay: Tensor
    var skip: Tensor
  }

  /// A projection that may be normalized.
  struct Normed {
    var linear: Linear<Tensor>
    var norm: NormWeights<Tensor>?
  }
}

/// Where recurrent blocks but delta nets keep what is between their operators.
struct RecurrentActivations<B: Backend> {
  /// Gates and inputs of heads in turn; only where they are so.
  let interleaved: B.Tensor
  let gate: B.Tensor
  let input: B.Tensor
  let convolved: B.Tensor
  let scanned: B.Tensor
  let step: B.Tensor
  /// What steps are made of, and the same normalized.
  let rawStep: B.Tensor
  let normedStep: B.Tensor
  /// What goes into the states and comes out of them, as the projections give it and as the states take it.
  let rawB: B.Tensor
  let rawC: B.Tensor
  let b: B.Tensor
  let c: B.Tensor

  init(_ c: RecurrenceConfiguration, rows: Int, on backend: B) throws {
    let widths = Widths(c)
    func make(_ width: Int, _ label: String) throws -> B.Tensor {
      try backend.makeTensor([rows, width], .f32, at: .device, label: label)
    }
    interleaved = try make(widths.interleaved, "gates and inputs of recurrent heads")
    gate = try make(widths.inner, "gate of a recurrent block")
    input = try make(widths.inner, "input of a recurrent block")
    convolved = try make(widths.inner, "convolved input")
    scanned = try make(widths.inner, "output of states")
    step = try make(widths.step, "steps")
    rawStep = try make(widths.rawStep, "what steps are made of")
    normedStep = try make(widths.rawStep, "what steps are made of, normalized")
    rawB = try make(widths.shared, "projected input factors of states")
    rawC = try make(widths.shared, "projected output factors of states")
    b = try make(widths.shared, "input factors of states")
    self.c = try make(widths.shared, "output factors of states")
  }

  /// Elements of all of them for one token.
  static func elementsPerToken(_ c: RecurrenceConfiguration) -> Int {
    let widths = Widths(c)
    return widths.interleaved + 4 * widths.inner + widths.step + 2 * widths.rawStep + 4 * widths.shared
  }

  /// At least 1 each, since there are no tensors without elements.
  private struct Widths {
    let interleaved: Int
    let inner: Int
    let step: Int
    let rawStep: Int
    let shared: Int

    init(_ c: RecurrenceConfiguration) {
      interleaved = c.kind == .plamo2 ? 2 * c.innerSize : 1
      inner = c.innerSize
      step = c.kind == .shortConvolution ? 1 : c.headCount
      rawStep = max(1, c.stepRank)
      shared = c.kind == .shortConvolution ? c.innerSize : c.groupCount * c.stateSize
    }
  }
}
