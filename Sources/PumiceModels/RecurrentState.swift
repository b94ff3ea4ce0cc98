import PumiceTensors

/// What recurrent blocks remember of the text, all zeros before it: the last inputs of convolutions, and states.
struct RecurrentState<B: Backend> {
  /// Of each layer; nil where it has no recurrent block.
  let layers: [Layer?]

  struct Layer {
    /// [taps − 1, channels] each, in the order of `RecurrenceConfiguration.convolved`.
    let convolutions: [B.Tensor]
    /// [states, channels]; nil where there is only the convolution.
    let state: B.Tensor?
  }

  init(_ c: ModelConfiguration, on backend: B) throws {
    let shapes = c.recurrence.map { Self.shapes($0) }
    layers = try c.layers.enumerated().map { index, layer in
      guard layer.recurs, let shapes else { return nil }
      func make(_ shape: Shape, _ what: String) throws -> B.Tensor {
        try backend.makeTensor(shape, .f32, at: .device, label: "\(what) of layer \(index)")
      }
      return Layer(
        convolutions: try shapes.convolutions.map { try make($0, "last inputs") },
        state: try shapes.state.map { try make($0, "state") })
    }
  }

  /// Sets everything to what it is before a text.
  func clear(on backend: B) throws {
    for layer in layers {
      guard let layer else { continue }
      for tensor in layer.convolutions + [layer.state].compactMap({ $0 }) { try backend.clear(tensor) }
    }
  }

  /// Of one layer.
  private static func shapes(_ c: RecurrenceConfiguration) -> (convolutions: [Shape], state: Shape?) {
    (c.convolved.map { [c.taps - 1, $0] }, c.kind == .shortConvolution ? nil : [c.stateSize, c.innerSize])
  }

  /// Elements of each tensor of all layers.
  static func shapes(_ c: ModelConfiguration) -> [Shape] {
    guard let recurrence = c.recurrence else { return [] }
    let (convolutions, state) = shapes(recurrence), one = convolutions + [state].compactMap { $0 }
    return c.layers.flatMap { $0.recurs ? one : [] }
  }
}
