import PumiceOperators
import PumiceTensors

extension ForwardPass {
  /// Everything between attention and the end of a layer. What it gives is added to what attention gave in parallel layers, and
  /// else takes its place.
  func feedForward(_ layer: Layer<B.Tensor>, _ index: Int, _ reader: inout BlockReader<B>) throws {
    // A norm reads its input from where a block reads what the norm before it gives, which nobody needs by then.
    let target = layer.postFeedForwardNorm == nil ? activations.delta : activations.normed
    let adds = layer.isParallel && layer.postFeedForwardNorm == nil
    if let mixture = layer.mixture, let experts = configuration.layers[index].experts {
      try self.mixture(mixture, experts, beside: layer.network, index, &reader, to: target, adding: adds)
    } else if let network = layer.network {
      try self.network(
        network, length: configuration.layers[index].feedForwardLength, &reader, to: target, adding: adds)
    }
    try normalizeOutput(layer.postFeedForwardNorm)
  }

  /// A network of one gate, up and down, or without a gate.
  func network(
    _ network: Network<B.Tensor>, length: Int, limit: Float? = nil, _ reader: inout BlockReader<B>, to y: B.Tensor,
    adding: Bool
  ) throws {
    let a = activations
    if let gate = network.gate { try reader.project(gate, to: a.gate) }
    try reader.project(network.up, to: a.up)
    let activated = try activate(count * length, isGated: network.gate != nil, limit: limit)
    if let gain = network.activationGain {
      try program.record(
        ScaledSum(rows: count, width: length, gain: true, inPlace: true), ["x": activated, "gain": gain])
    }
    try multiply(network.down, activated, to: y, adding: adding)
  }

  /// Gates and ups, or ups alone, to activated numbers; gives where these are.
  ///
  /// - Parameter limit: what activated gates may not exceed, or gates of experts as their limit says, nor the magnitudes of ups.
  func activate(_ length: Int, isGated: Bool, limit: Float?, experts: Bool = false) throws -> B.Tensor {
    let a = activations
    func record(_ op: Activation, _ arguments: [String: B.Tensor]) throws { try program.record(op, arguments) }
    switch configuration.architecture.feedForward {
    case .plain(let function),
      .gatedOrPlain(let function) where !isGated:
      try record(Activation(function, count: length, gated: false), ["x": a.up, "y": a.activated])
    case .gated(let function), .gatedOrPlain(let function):
      if experts, case .gatesAddingOne(let limit)? = configuration.architecture.experts?.limit {
        try record(
          Activation(function, count: length, gated: true, limit: limit, addsOne: true),
          ["gate": a.gate, "up": a.up, "y": a.activated])
      } else if experts, case .gates? = configuration.architecture.experts?.limit {
        try record(
          Activation(function, count: length, gated: true, limit: limit),
          ["gate": a.gate, "up": a.up, "y": a.activated])
      } else if let limit {
        try record(Activation(function, count: length, gated: false), ["x": a.gate, "y": a.activated])
        for x in [a.activated, a.up] {
          try program.record(
            ScaledSum(rows: 1, width: length, range: .clamp(limit), inPlace: true), ["x": x])
        }
        try record(
          Activation(.identity, count: length, gated: true), ["gate": a.activated, "up": a.up, "y": a.gate])
        return a.gate
      } else {
        try record(
          Activation(function, count: length, gated: true), ["gate": a.gate, "up": a.up, "y": a.activated])
      }
    }
    return a.activated
  }
}
