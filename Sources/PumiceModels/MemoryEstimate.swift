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
      tensors.matrices.map { tensorBytes($0.shape, tensors.format(of: $0, encodedIn: options.weightEncoding)) })
    // A product that overflows is no shape, and fits nowhere.
    func bytes(_ rows: Int, _ columns: Int, _ format: TensorFormat) -> Int {
      Self.product([rows, columns]) == .max ? .max : tensorBytes([rows, columns], format)
    }
    let layout = CacheLayout(options, for: c)
    let attending = layout.layers.enumerated().compactMap { index, layer in layer.map { (index, $0) } }
    cache = Self.sum(
      attending.flatMap { index, layer -> [Int] in
        let capacity = layout.cellMap(of: layer).capacity
        let runs = layer.runs.flatMap { run -> [Int] in
          let cells = Self.product([run.heads.count, capacity])
          return [bytes(cells, c.headSize, run.keyFormat), bytes(cells, c.valueSize, run.valueFormat)]
        }
        return runs + [bytes(c.layers[index].kvHeadCount, capacity, .i32)]
      })
    state = Self.sum(RecurrentState<VulkanBackend>.shapes(c).map { bytes($0[0], $0[1], .f32) })
    var kinds: Set<CacheLayout.TileKind> = []
    let lists = attending.filter { kinds.insert(layout.tileKind(c, $1, layer: $0)).inserted }.map { index, layer in
      let tiles = layout.tiles(c, layer, layer: index)
      return bytes(Self.product([c.layers[index].kvHeadCount, tiles.rowTiles]), tiles.keyTiles, .i32)
    }
    activations = Self.sum([
      bytes(Activations<VulkanBackend>.elementsPerToken(c), layout.passTokens, .f32),
      bytes(options.keepsAllLogits ? layout.passTokens : 1, c.vocabularySize, .f32), Self.sum(lists),
    ])
  }

  /// The sum, or the largest number if that overflows.
  static func sum(_ values: [Int]) -> Int {
    values.reduce(0) { total, value in
      let (sum, overflow) = total.addingReportingOverflow(value)
      return overflow ? .max : sum
    }
  }

  static func product(_ values: [Int]) -> Int {
    values.reduce(1) { total, value in
      let (product, overflow) = total.multipliedReportingOverflow(by: value)
      return overflow ? .max : product
    }
  }
}
