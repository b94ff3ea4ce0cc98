import PumiceOperators
import PumiceTensors

/// The keys and values of the tokens so far, and where each is in the text.
struct KVCache<B: Backend> {
  /// One for each layer; nil where it does not attend.
  let layers: [Layer?]

  struct Layer {
    let runs: [Run]
    /// The positions of the tokens in the cells of all heads, [kvHeads, capacity].
    let positions: B.Tensor
  }

  /// What a run of heads stores, [heads, capacity, size].
  struct Run {
    let keys: B.Tensor
    let values: B.Tensor
  }

  init(_ c: ModelConfiguration, _ layout: CacheLayout, on backend: B) throws {
    layers = try layout.layers.enumerated().map { index, layer in
      guard let layer else { return nil }
      let capacity = layout.cellMap(of: layer).capacity
      func make(_ what: String, _ shape: Shape, _ format: TensorFormat) throws -> B.Tensor {
        try backend.makeTensor(shape, format, at: .device, label: "\(what) of layer \(index)")
      }
      return Layer(
        runs: try layer.runs.map { run in
          Run(
            keys: try make("key cache", [run.heads.count, capacity, c.headSize], run.keyFormat),
            values: try make("value cache", [run.heads.count, capacity, c.valueSize], run.valueFormat))
        }, positions: try make("positions", [c.layers[index].kvHeadCount, capacity], .i32))
    }
  }
}

/// Where the tokens of a pass go, and what attention looks at: for each mask its numbers, and the tiles that it leaves.
struct TileLists<B: Backend> {
  /// By the layout's `cellMaps`; the host writes them before a pass.
  let places: [Places]
  /// The length of the sequence; the host writes it as well.
  let totals: B.Tensor
  /// Of each layer; nil where it does not attend. Layers with the same mask and as many heads keep the same tokens in the
  /// same cells, so one list serves all of them.
  let layers: [Layer?]

  struct Places {
    /// The cells of the tokens of a pass, [tokens, kvHeads].
    let cells: B.Tensor
    /// Cells in use of each key-value head.
    let lengths: B.Tensor
  }

  struct Layer {
    /// Whether no layer before has the same list, so that it must be made.
    let isFirst: Bool
    let mask: B.Tensor
    let counts: B.Tensor
    let list: B.Tensor
  }

  init(_ c: ModelConfiguration, _ layout: CacheLayout, on backend: B) throws {
    places = try layout.cellMaps.map { map in
      Places(
        cells: try backend.makeTensor([layout.passTokens, map.heads], .i32, at: .hostWritten, label: "cells"),
        lengths: try backend.makeTensor([map.heads], .i32, at: .hostWritten, label: "lengths of the cache"))
    }
    totals = try backend.makeTensor([1], .i32, at: .hostWritten, label: "length of the sequence")
    var known: [CacheLayout.TileKind: Layer] = [:]
    layers = try layout.layers.indices.map { index in
      guard let part = layout.layers[index] else { return nil }
      let kind = layout.tileKind(c, part, layer: index)
      if let same = known[kind] {
        return Layer(isFirst: false, mask: same.mask, counts: same.counts, list: same.list)
      }
      let tiles = layout.tiles(c, part, layer: index)
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

  /// Says where the tokens at these positions go, and how long the sequence is with them.
  func write(_ next: Range<Int>, _ layout: CacheLayout, on backend: B) throws {
    for (map, places) in zip(layout.cellMaps, places) {
      try backend.write(next.flatMap { repeatElement(Int32(map.cell(of: $0)), count: map.heads) }, to: places.cells)
      let cellsInUse = Int32(map.cellsInUse(by: next.upperBound))
      try backend.write(Array(repeating: cellsInUse, count: map.heads), to: places.lengths)
    }
    try backend.write([Int32(next.upperBound)], to: totals)
  }
}

extension CacheLayout {
  /// What layers with the same list of tiles have in common.
  struct TileKind: Hashable {
    let mask: AttentionMask
    let heads: Int
    let kvHeads: Int
  }

  func tileKind(_ c: ModelConfiguration, _ part: Layer, layer: Int) -> TileKind {
    TileKind(mask: part.mask, heads: c.layers[layer].headCount, kvHeads: c.layers[layer].kvHeadCount)
  }

  /// The operator that lists the tiles of a layer's mask for the longest pass.
  func tiles(_ c: ModelConfiguration, _ part: Layer, layer: Int) -> AttentionTiles {
    Attention(
      tokens: passTokens, heads: c.layers[layer].headCount, kvHeads: c.layers[layer].kvHeadCount, keySize: c.headSize,
      capacity: cellMap(of: part).capacity, keyFormat: .f32, mask: part.mask
    ).tiles
  }
}
