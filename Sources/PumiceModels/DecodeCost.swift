import PumiceModelFiles
import PumiceTensors

/// What one token takes of a device at least when a model writes: the weights that it uses are read once, and so are the keys
/// and values that it sees.
public struct DecodeCost: Hashable, Sendable {
  /// Bytes that are read or written.
  public var bytes: Double
  /// Operations in floating point, a multiply-add counted as two.
  public var flops: Double

  public init(bytes: Double, flops: Double) {
    self.bytes = bytes
    self.flops = flops
  }

  /// How many tokens a second are possible: what the slower of memory and arithmetic allows (the roofline of Williams et al.
  /// 2009).
  ///
  /// - Parameters:
  ///   - bandwidth: bytes per second.
  ///   - peak: operations per second.
  public func tokensPerSecond(bandwidth: Double, peak: Double) -> Double {
    1 / max(bytes / bandwidth, flops / peak)
  }
}

extension ModelTensors {
  /// What a token costs after `length` others.
  ///
  /// - Returns: nil for encoders, which write no tokens.
  /// - Throws: as a session with these options.
  public func decodeCost(_ options: SessionOptions, after length: Int) throws(ModelError) -> DecodeCost? {
    let c = configuration
    guard c.architecture.encoder == nil else { return nil }
    try options.validate(for: c)
    var cost = DecodeCost(bytes: 0, flops: 0)
    for matrix in matrices {
      let share = usedShare(of: matrix)
      let format = format(of: matrix, encodedIn: options.weightEncoding)
      cost.bytes += share * Double(format.byteCount(matrix.shape) ?? 0)
      cost.flops += share * 2 * Double(matrix.shape.count)
    }
    let layout = CacheLayout(options, for: c)
    for (layer, part) in zip(c.layers, layout.layers) {
      guard let part else { continue }
      // Attention reads no tile that the mask hides.
      let reach = part.mask.reach.map { $0.sinks + $0.window } ?? .max
      let cells = Double(min(length + 1, reach))
      for run in part.runs {
        let bits =
          Double(c.headSize) * run.keyFormat.bitsPerElement + Double(c.valueSize) * run.valueFormat.bitsPerElement
        cost.bytes += cells * Double(run.heads.count) * bits / 8
      }
      cost.flops += 2 * cells * Double(layer.headCount) * Double(c.headSize + c.valueSize)
    }
    // A state is read and written.
    for shape in RecurrentState<VulkanBackend>.shapes(c) { cost.bytes += 8 * Double(shape.count) }
    return cost
  }

  /// The share of a matrix that one token uses: a row of a table, the chosen experts of a mixture, else everything.
  private func usedShare(of matrix: GGUFTensor) -> Double {
    let isTable = matrix.name == tokenEmbedding.tensor.name && output != nil
    if isTable || matrix.name == positionEmbedding?.tensor.name { return 1 / Double(matrix.shape.rows) }
    for (layer, parts) in zip(configuration.layers, layers) {
      guard let experts = layer.experts, let mixture = parts.mixture else { continue }
      let names = [mixture.gate?.tensor.name, mixture.up.tensor.name, mixture.down.tensor.name]
      if names.contains(matrix.name) { return Double(experts.used) / Double(experts.count) }
    }
    return 1
  }
}
