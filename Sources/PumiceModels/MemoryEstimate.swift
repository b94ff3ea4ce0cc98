import PumiceModelFiles
import PumiceTensors

/// How many bytes a model takes on a device.
public struct MemoryEstimate: Hashable, Sendable, CustomStringConvertible {
  public var weights: Int
  /// Keys and values of a full context.
  public var cache: Int
  /// Values between operators.
  public var activations: Int

  public var total: Int { Self.sum([weights, cache, activations]) }

  public var description: String {
    "weights \(readable(bytes: weights)), cache \(readable(bytes: cache)), activations \(readable(bytes: activations))"
  }

  /// - Parameter bytes: what a tensor of `count` elements takes on the device.
  init(_ tensors: ModelTensors, _ options: SessionOptions, bytes: (_ count: Int, TensorFormat) -> Int) {
    let c = tensors.configuration
    weights = Self.sum(tensors.matrices.map { bytes($0.shape.count, $0.format ?? .f32) })
    let cell = Self.product([c.kvHeadCount, c.headSize, options.context])
    cache = Self.product([2 * c.layerCount, bytes(cell, options.cacheFormat)])
    let row =
      3 * c.embeddingLength + 2 * c.headCount * c.headSize + 2 * c.kvHeadCount * c.headSize + 3 * c.feedForwardLength
    activations = Self.sum([
      bytes(Self.product([row, options.passTokens]), .f32),
      bytes(Self.product([options.logitRows, c.vocabularySize]), .f32),
    ])
  }

  /// The sum, or the largest number if that overflows.
  private static func sum(_ values: [Int]) -> Int {
    values.reduce(0) { total, value in
      let (sum, overflow) = total.addingReportingOverflow(value)
      return overflow ? .max : sum
    }
  }

  private static func product(_ values: [Int]) -> Int {
    values.reduce(1) { total, value in
      let (product, overflow) = total.multipliedReportingOverflow(by: value)
      return overflow ? .max : product
    }
  }
}
