import PumiceOperators
import PumiceTensors

/// The keys and values of the tokens so far.
struct KVCache<B: Backend> {
  /// Of each layer; nil where it does not attend.
  let layers: [Layer?]

  /// [kvHeads, capacity, headSize] each, and the positions of their tokens, [kvHeads, capacity].
  struct Layer {
    let keys: B.Tensor
    let values: B.Tensor
    let positions: B.Tensor
  }

  init(_ c: ModelConfiguration, _ layout: CacheLayout, on backend: B) throws {
    layers = try c.layers.enumerated().map { index, layer in
      guard layer.attends else { return nil }
      func make(_ what: String, _ width: [Int], _ format: TensorFormat) throws -> B.Tensor {
        let shape = Shape([layer.kvHeadCount, layout.capacity] + width)
        return try backend.makeTensor(shape, format, at: .device, label: "\(what) of layer \(index)")
      }
      return Layer(
        keys: try make("key cache", [c.headSize], layout.keyFormats[index]),
        values: try make("value cache", [c.valueSize], layout.valueFormats[index]),
        positions: try make("positions", [], .i32))
    }
  }
}

/// What attention looks at in a pass: for each mask its numbers, and the tiles that it leaves.
struct TileLists<B: Backend> {
  /// Cells in use of each key-value head, and the length of the sequence; the host writes them before a pass.
  let lengths: B.Tensor
  let totals: B.Tensor
  /// Of each layer; nil where it does not attend. All layers keep the same tokens in the same cells, so one list serves all
  /// with the same mask and as many heads.
  let layers: [Layer?]

  struct Layer {
    /// Whether no layer before has the same list, so that it must be made.
    let isFirst: Bool
    let mask: B.Tensor
    let counts: B.Tensor
    let list: B.Tensor
  }

  init(_ c: ModelConfiguration, _ layout: CacheLayout, on backend: B) throws {
    lengths = try backend.makeTensor([max(1, c.kvHeadCount)], .i32, at: .hostWritten, label: "lengths of the cache")
    totals = try backend.makeTensor([1], .i32, at: .hostWritten, label: "length of the sequence")
    var known: [CacheLayout.TileKind: Layer] = [:]
    layers = try c.layers.indices.map { index in
      guard c.layers[index].attends else { return nil }
      let kind = layout.tileKind(c, layer: index)
      if let same = known[kind] {
        return Layer(isFirst: false, mask: same.mask, counts: same.counts, list: same.list)
      }
      let tiles = layout.tiles(c, kind)
      let numbers = kind.mask.parameters(heads: kind.heads).map { Int32(bitPattern: $0) }
      let words = try backend.makeTensor([numbers.count], .i32, at: .hostWritten, label: "numbers of a mask")
      try backend.write(numbers, to: words)
      let layer = Layer(
        isFirst: true, mask: words,
        counts: try backend.makeTensor(
          tiles.argument("counts").shape, .i32, at: .device, label: "numbers of live tiles"),
        list: try backend.makeTensor(tiles.argument("list").shape, .i32, at: .device, label: "live tiles"))
      known[kind] = layer
      return layer
    }
  }
}

extension CacheLayout {
  /// What layers with the same list of tiles have in common.
  struct TileKind: Hashable {
    let mask: AttentionMask
    let heads: Int
    let kvHeads: Int
  }

  func tileKind(_ c: ModelConfiguration, layer: Int) -> TileKind {
    TileKind(mask: masks[layer], heads: c.layers[layer].headCount, kvHeads: c.layers[layer].kvHeadCount)
  }

  /// The operator that lists the tiles of a mask for the longest pass.
  func tiles(_ c: ModelConfiguration, _ kind: TileKind) -> AttentionTiles {
    Attention(
      tokens: passTokens, heads: kind.heads, kvHeads: kind.kvHeads, keySize: c.headSize, capacity: capacity,
      keyFormat: .f32, mask: kind.mask
    ).tiles
  }
}
