import PumiceModelFiles
import PumiceTensors

extension WeightLoader {
  /// - Parameter norms: those of what the block reads.
  mutating func recurrence(
    _ parts: RecurrentParts, _ norms: inout ScaledNorms?
  ) throws -> RecurrentWeights<B.Tensor> {
    let input = try projection(parts.input, &norms, scale: scale(parts.input))
    let gate = try parts.gate.map { try projection($0, &norms, scale: scale($0)) }
    return RecurrentWeights(
      input: input, isInterleaved: parts.isInterleaved, gate: gate,
      convolution: try convolution(parts.convolution), kind: try kind(parts, &norms), norm: try norm(parts.norm),
      output: try matrix(parts.output, scale: scale(parts.output)))
  }

  private mutating func kind(
    _ parts: RecurrentParts, _ norms: inout ScaledNorms?
  ) throws -> RecurrentWeights<B.Tensor>.Kind {
    guard let step = parts.step, let c = parts.c, let decay = parts.decay, let skip = parts.skip else {
      return .convolution(factor: try projection(parts.b, &norms, scale: scale(parts.b)))
    }
    let scan = RecurrentWeights<B.Tensor>.Scan(decay: try upload(decay), skip: try upload(skip))
    if let output = parts.stepOutput {
      func normed(_ part: MatrixPart, _ norm: NormPart?) throws -> RecurrentWeights<B.Tensor>.Normed {
        RecurrentWeights.Normed(linear: try matrix(part, scale: scale(part)), norm: try self.norm(norm))
      }
      return .fromInput(
        scan, step: try normed(step, parts.stepNorm), b: try normed(parts.b, parts.bNorm),
        c: try normed(c, parts.cNorm), stepOutput: try matrix(output, scale: scale(output)))
    }
    guard let bConvolution = parts.bConvolution, let cConvolution = parts.cConvolution else {
      preconditionFailure("a recurrent block that convolves only a part of what it scans")
    }
    return .fromStream(
      scan, step: try projection(step, &norms, scale: scale(step)),
      b: try projection(parts.b, &norms, scale: scale(parts.b)), c: try projection(c, &norms, scale: scale(c)),
      bConvolution: try convolution(bConvolution), cConvolution: try convolution(cConvolution))
  }

  func convolution(_ part: ConvolutionPart) throws -> ConvolutionWeights<B.Tensor> {
    let bias = try part.bias.map { try upload($0) }
    return ConvolutionWeights(
      weight: try upload(part.weight), bias: bias,
      channels: part.weight.elements.count / part.weight.tensor.shape.rowLength)
  }
}
