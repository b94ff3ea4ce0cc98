import PumiceOperators
import PumiceTensors

extension ForwardPass {
  /// A mixture of experts, with the shared expert and the network beside it if there are such.
  func mixture(
    _ mixture: Mixture<B.Tensor>, _ experts: ExpertConfiguration, beside network: Network<B.Tensor>?, _ index: Int,
    _ reader: inout BlockReader<B>, to y: B.Tensor, adding: Bool
  ) throws {
    guard let e = activations.experts, let kind = configuration.architecture.experts else {
      preconditionFailure("a mixture in a family without")
    }
    var adds = adding
    // What attention gave is not yet in the residual stream.
    if kind.routerInput == .stream { try route(mixture, experts, activations.residual, e) }
    if let norm = mixture.norm {
      try normalize(
        activations.residual, norm, rows: count * norm.count, epsilon: configuration.streamEpsilon,
        to: activations.normed)
      try route(mixture, experts, activations.normed, e)
      try apply(mixture, experts, activations.normed, e)
    } else {
      let input = try reader.read(norm: mixture.inputNorm)
      if kind.routerInput != .stream { try route(mixture, experts, input, e) }
      try apply(mixture, experts, input, e)
      if let router = mixture.sharedRouter { try multiply(router, input, to: e.shared) }
    }
    if let network {
      try self.network(
        network, length: configuration.layers[index].feedForwardLength, &reader, to: y, adding: adds)
      adds = true
    }
    if let shared = mixture.shared, let length = experts.sharedLength {
      try self.network(shared, length: length, limit: experts.sharedLimit, &reader, to: y, adding: adds)
      if mixture.sharedRouter != nil { try gateShared(y, e) }
      adds = true
    }
    try sum(mixture, experts, e, to: y, adding: adds)
  }

  /// Chooses experts by what a router makes of `x`.
  private func route(
    _ mixture: Mixture<B.Tensor>, _ experts: ExpertConfiguration, _ x: B.Tensor, _ e: ExpertActivations<B>
  ) throws {
    try multiply(mixture.router, x, to: e.scores)
    var arguments = ["logits": e.scores, "experts": e.chosen, "weights": e.weights]
    arguments["bias"] = mixture.selectionBias
    try program.record(experts.routing(tokens: count, bias: mixture.selectionBias != nil), arguments)
  }

  /// What the chosen experts make of `x`, each for itself.
  private func apply(
    _ mixture: Mixture<B.Tensor>, _ experts: ExpertConfiguration, _ x: B.Tensor, _ e: ExpertActivations<B>
  ) throws {
    let a = activations, used = experts.used
    var input = x
    if let down = mixture.latentDown, let latent = e.latent {
      try multiply(down, x, to: latent)
      input = latent
    }
    if let gate = mixture.gate {
      try multiply(gate, input, e, used: used, perSlot: false, to: a.gate)
      if configuration.architecture.experts?.weighsInput == true {
        // Ups can do without: what comes after them is linear, and the sum has the weights.
        try scaleSlots(a.gate, width: experts.length, used: used, by: e.weights)
      }
    }
    try multiply(mixture.up, input, e, used: used, perSlot: false, to: a.up)
    let activated = try activate(
      count * used * experts.length, isGated: mixture.gate != nil, limit: experts.limit, experts: true)
    try multiply(mixture.down, activated, e, used: used, perSlot: true, to: e.outputs)
  }

  /// Adds up what experts gave.
  private func sum(
    _ mixture: Mixture<B.Tensor>, _ experts: ExpertConfiguration, _ e: ExpertActivations<B>, to y: B.Tensor,
    adding: Bool
  ) throws {
    let width = mixture.down.outputs
    let isLatent = mixture.latentUp != nil
    try program.record(
      ExpertSum(tokens: count, slots: experts.used, width: width, accumulates: adding && !isLatent),
      ["x": e.outputs, "weights": e.weights, "y": isLatent ? e.latent! : y])
    if let up = mixture.latentUp, let latent = e.latent { try multiply(up, latent, to: y, adding: adding) }
  }

  private func gateShared(_ y: B.Tensor, _ e: ExpertActivations<B>) throws {
    try program.record(Activation(.sigmoid, count: count, gated: false), ["x": e.shared, "y": e.factors])
    try program.record(
      ScaledSum(rows: count, width: configuration.embeddingLength, rowGain: true, inPlace: true),
      ["x": y, "row_gain": e.factors])
  }

  private func multiply(
    _ linear: ExpertLinear<B.Tensor>, _ x: B.Tensor, _ e: ExpertActivations<B>, used: Int, perSlot: Bool,
    to y: B.Tensor
  ) throws {
    let op = ExpertMatMul(
      experts: linear.experts, m: linear.outputs, k: linear.inputs, tokens: count, slots: used, weight: linear.format,
      inputPerSlot: perSlot, bias: linear.bias != nil)
    var arguments = ["weight": linear.weight, "x": x, "experts": e.chosen, "y": y]
    arguments["bias"] = linear.bias
    try program.record(op, arguments)
    guard let scales = linear.scales else { return }
    try program.record(
      EmbeddingGather(tokens: count * used, vocabulary: linear.experts, width: 1, format: .f32),
      ["table": scales, "tokens": e.chosen, "y": e.factors])
    try scaleSlots(y, width: linear.outputs, used: used, by: e.factors)
  }

  /// Multiplies the row of each token and slot by a number.
  private func scaleSlots(_ x: B.Tensor, width: Int, used: Int, by factors: B.Tensor) throws {
    try program.record(
      ScaledSum(rows: count * used, width: width, rowGain: true, inPlace: true), ["x": x, "row_gain": factors])
  }
}
