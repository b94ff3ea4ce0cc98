import PumiceModelFiles
import PumiceOperators
import PumiceQuantization
import PumiceTensors

/// How many bytes a model takes on a device.
public struct MemoryEstimate: Hashable, Sendable, CustomStringConvertible {
  public var weights: Int
  /// Keys and values of a full cache, and their positions.
  public var cache: Int
  /// Values between operators, and the lists of live tiles.
  public var activations: Int

  public var total: Int { Self.sum([weights, cache, activations]) }

  public var description: String {
    "weights \(readable(bytes: weights)), cache \(readable(bytes: cache)), activations \(readable(bytes: activations))"
  }

  /// - Parameter tensorBytes: what a tensor takes on the device.
  init(_ tensors: ModelTensors, _ options: SessionOptions, bytes tensorBytes: (Shape, TensorFormat) -> Int) {
    let c = tensors.configuration
    weights = Self.sum(
      tensors.matrices.map { tensorBytes($0.shape, options.weightEncoding?.format ?? tensors.format(of: $0)) })
    // A product that overflows is no shape, and fits nowhere.
    func bytes(_ rows: Int, _ columns: Int, _ format: TensorFormat) -> Int {
      Self.product([rows, columns]) == .max ? .max : tensorBytes([rows, columns], format)
    }
    let layout = CacheLayout(options, for: c)
    let cells = Self.product([c.kvHeadCount, layout.capacity])
    cache = Self.sum(
      layout.keyFormats.map { bytes(cells, c.headSize, $0) } + layout.valueFormats.map { bytes(cells, c.valueSize, $0) }
        + [Self.product([c.layerCount, bytes(cells, 1, .i32)])])
    let tiles = layout.tiles(c, .causal)
    let lists = Self.product([Set(layout.masks).count, c.kvHeadCount, tiles.rowTiles])
    activations = Self.sum([
      bytes(Activations<VulkanBackend>.elementsPerToken(c), layout.passTokens, .f32),
      bytes(options.keepsAllLogits ? layout.passTokens : 1, c.vocabularySize, .f32),
      bytes(lists, tiles.keyTiles, .i32),
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
