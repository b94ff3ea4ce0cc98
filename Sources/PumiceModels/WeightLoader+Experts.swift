import PumiceModelFiles
import PumiceTensors

extension WeightLoader {
  /// Uploads a mixture. Routers stay in the format of the file: they are small, and a choice has no half measures.
  mutating func mixture(_ parts: MixtureParts, _ norms: inout ScaledNorms?) throws -> Mixture<B.Tensor> {
    // Experts, latent projections and routers read what is normalized with the gains as they are.
    let inputNorm = norms?.index(of: 1) ?? 0
    return Mixture(
      norm: try norm(parts.norm), inputNorm: inputNorm,
      router: try matrix(parts.router, scale: scale(parts.router), isKept: true),
      selectionBias: try parts.selectionBias.map { try upload(tensors.values($0), $0.tensor.name) },
      gate: try parts.gate.map { try stack($0) }, up: try stack(parts.up), down: try stack(parts.down),
      latentDown: try parts.latentDown.map { try matrix($0, scale: scale($0)) },
      latentUp: try parts.latentUp.map { try matrix($0, scale: scale($0)) },
      shared: try parts.shared.map { try network($0, &norms, outputScale: parts.combinedScale) },
      sharedRouter: try parts.sharedRouter.map { try matrix($0, isKept: true) })
  }

  private mutating func stack(_ part: ExpertPart) throws -> ExpertLinear<B.Tensor> {
    let shape: Shape = [part.experts, part.rows.count, part.columns]
    let (weight, format) = try upload(.experts(part), shape)
    let used = tensors.configuration.architecture.scales.feedForwardProducts
    var scales = used ? part.scales.map(tensors.values) : nil
    if scales?.allSatisfy({ $0 == 1 }) == true { scales = nil }
    let bias = part.bias.map { bias -> [Float] in
      let values = tensors.values(bias)
      return (0..<part.experts).flatMap { expert in
        // The bias is added before the product is scaled, and must not be.
        values[expert * part.allRows..<(expert + 1) * part.allRows][...].dropFirst(part.rows.lowerBound)
          .prefix(part.rows.count).map { $0 / (scales?[expert] ?? 1) }
      }
    }
    return ExpertLinear(
      weight: weight, format: format, experts: part.experts, outputs: part.rows.count, inputs: part.columns,
      bias: try bias.map { try upload($0, part.bias!.tensor.name) },
      scales: try scales.map {
        try backend.makeTensor([part.experts, 1], .f32, from: $0, label: part.scales!.tensor.name)
      })
  }
}
