import PumiceModelFiles
import PumiceOperators
import PumiceQuantization
import PumiceTensors

/// How many bytes a model takes on a device.
public struct MemoryEstimate: Hashable, Sendable, CustomStringConvertible {
  public var weights: Int
  /// Keys and values of a full cache, and their positions.
  public var cache: Int
  /// What recurrent layers remember, however long the text is.
  public var state: Int
  /// Values between operators, and the lists of live tiles.
  public var activations: Int

  public var total: Int { Self.sum([weights, cache, state, activations]) }

  public var description: String {
    "weights \(readable(bytes: weights)), cache \(readable(bytes: cache)), "
      + (state == 0 ? "" : "recurrent state \(readable(bytes: state)), ")
      + "activations \(readable(bytes: activations))"
  }

  /// - Parameter tensorBytes: what a tensor takes on the device.
  init(_ tensors: ModelTensors, _ options: SessionOptions, bytes tensorBytes: (Shape, TensorFormat) -> Int) {
    let c = tensors.configuration
    weights = Self.sum(
      tensors.matrices.map { matrix in
        let encoding = tensors.kept.contains(matrix.name) ? nil : options.weightEncoding?.format
        return tensorBytes(matrix.shape, encoding ?? matrix.format ?? .f32)
      })
    // A product that overflows is no shape, and fits nowhere.
    func bytes(_ rows: Int, _ columns: Int, _ format: TensorFormat) -> Int {
      Self.product([rows, columns]) == .max ? .max : tensorBytes([rows, columns], format)
    }
    let layout = CacheLayout(options, for: c)
    let attending = c.layers.indices.filter { c.layers[$0].attends }
    cache = Self.sum(
      attending.flatMap { index in
        let cells = Self.product([c.layers[index].kvHeadCount, layout.capacity])
        return [
          bytes(cells, c.headSize, layout.keyFormats[index]), bytes(cells, c.valueSize, layout.valueFormats[index]),
          bytes(cells, 1, .i32),
        ]
      })
    state = Self.sum(RecurrentState<VulkanBackend>.shapes(c).map { bytes($0[0], $0[1], .f32) })
    let lists = Set(attending.map { layout.tileKind(c, layer: $0) }).map { kind in
      let tiles = layout.tiles(c, kind)
      return bytes(Self.product([kind.kvHeads, tiles.rowTiles]), tiles.keyTiles, .i32)
    }
    activations = Self.sum(
      [
        bytes(Activations<VulkanBackend>.elementsPerToken(c), layout.passTokens, .f32),
        bytes(options.keepsAllLogits ? layout.passTokens : 1, c.vocabularySize, .f32),
      ] + lists)
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
