import PumiceOperators
import PumiceTensors

/// The shape of a pass over several texts: all are as long as the longest, and what they lack is padding.
struct PassShape: Hashable {
  var sequences: Int
  /// A multiple of `step`.
  var tokens: Int

  var rows: Int { sequences * tokens }

  /// Lengths are rounded up to multiples of this, so that every pass has so many rows that its products are computed by the
  /// same shaders: a text has the same bits alone and among others.
  static let step = 16

  static func padded(_ length: Int) -> Int { (length + step - 1) / step * step }
}

/// Texts that share a pass, by their numbers.
struct TextBatch: Hashable {
  var texts: [Int]
  var shape: PassShape

  /// Puts texts of about the same length together.
  ///
  /// - Parameter rows: tokens of a pass, padding among them; one text may have more.
  static func batches(of lengths: [Int], rows: Int) -> [TextBatch] {
    var batches: [TextBatch] = []
    var texts: [Int] = []
    func shape(_ texts: [Int], _ last: Int) -> PassShape {
      PassShape(sequences: texts.count, tokens: PassShape.padded(lengths[last]))
    }
    // The longest of a batch comes last.
    for text in lengths.indices.sorted(by: { (lengths[$0], $0) < (lengths[$1], $1) }) {
      if let last = texts.last, shape(texts + [text], text).rows > rows {
        batches.append(TextBatch(texts: texts, shape: shape(texts, last)))
        texts = []
      }
      texts.append(text)
    }
    if let last = texts.last { batches.append(TextBatch(texts: texts, shape: shape(texts, last))) }
    return batches
  }
}

extension CacheLayout {
  /// The layout of one pass over whole texts of up to `tokens` tokens, each of which is kept in the cell of its position.
  ///
  /// - Precondition: no layer is recurrent.
  init(wholeTexts tokens: Int, for c: ModelConfiguration) {
    passTokens = tokens
    longestText = tokens
    let heads = Self.headCounts(c)
    cellMaps = heads.map { CellMap(nil, heads: $0, passTokens: tokens, context: tokens) }
    layers = c.layers.indices.map { index in
      guard c.layers[index].attends else { return nil }
      let kvHeads = c.layers[index].kvHeadCount
      let run = Run(heads: 0..<kvHeads, part: nil, keyFormat: .f32, valueFormat: .f32)
      // The same mask for texts of any length, since its numbers are written once.
      let mask = Self.windowed(c.isCausal ? .causal : .full, layer: index, of: c, context: c.contextLength)
      return Layer(mask: mask, cellMap: heads.firstIndex(of: kvHeads)!, runs: [run])
    }
  }

  /// The numbers of key-value heads that layers have.
  static func headCounts(_ c: ModelConfiguration) -> [Int] {
    Set(c.layers.filter(\.attends).map(\.kvHeadCount)).sorted()
  }
}

extension KVCache {
  /// Keys and values of one pass. Layers come one after the other, so that one pair of tensors serves them all.
  ///
  /// - Parameter rows: tokens of all sequences.
  init(passOf rows: Int, _ c: ModelConfiguration, on backend: B) throws {
    func make(_ width: Int, _ format: TensorFormat, _ label: String) throws -> B.Tensor {
      try backend.makeTensor([rows, c.kvHeadCount, width], format, at: .device, label: label)
    }
    let layer = Layer(
      runs: [Run(keys: try make(c.headSize, .f32, "keys"), values: try make(c.valueSize, .f32, "values"))],
      positions: try make(1, .i32, "positions of keys"))
    layers = c.layers.map { $0.attends ? layer : nil }
  }
}

extension TileLists {
  /// Lists for passes of any shape.
  ///
  /// - Parameters:
  ///   - longest: tokens of a sequence at most.
  ///   - rows: tokens of all sequences at most, a multiple of `PassShape.step`.
  init(passOf rows: Int, longest: Int, _ c: ModelConfiguration, on backend: B) throws {
    let sequences = rows / PassShape.step
    places = try CacheLayout.headCounts(c).map { heads in
      Places(
        cells: try backend.makeTensor([rows, heads], .i32, at: .hostWritten, label: "cells"),
        lengths: try backend.makeTensor([sequences, heads], .i32, at: .hostWritten, label: "lengths"))
    }
    totals = try backend.makeTensor([sequences], .i32, at: .hostWritten, label: "lengths of sequences")
    let size = Self.size(passOf: rows, longest: longest, c)
    let layout = CacheLayout(wholeTexts: longest, for: c)
    var known: [CacheLayout.TileKind: Layer] = [:]
    layers = try layout.layers.enumerated().map { index, part in
      guard let part else { return nil }
      let kind = layout.tileKind(c, part, layer: index)
      if let same = known[kind] {
        return Layer(isFirst: false, mask: same.mask, counts: same.counts, list: same.list)
      }
      let numbers = kind.mask.parameters(heads: kind.heads).map { Int32(bitPattern: $0) }
      let words = try backend.makeTensor([numbers.count], .i32, at: .hostWritten, label: "numbers of a mask")
      try backend.write(numbers, to: words)
      let layer = Layer(
        isFirst: true, mask: words,
        counts: try backend.makeTensor([size.counts], .i32, at: .device, label: "numbers of live tiles"),
        list: try backend.makeTensor([size.list], .i32, at: .device, label: "live tiles"))
      known[kind] = layer
      return layer
    }
  }

  /// Says where the tokens of texts are, each in the cell of its position.
  ///
  /// - Parameters:
  ///   - positions: of all tokens, −1 for padding.
  ///   - lengths: of the texts.
  func write(positions: [Int32], lengths: [Int32], _ c: ModelConfiguration, on backend: B) throws {
    for (heads, places) in zip(CacheLayout.headCounts(c), places) {
      try backend.write(positions.flatMap { repeatElement($0, count: heads) }, to: places.cells)
      try backend.write(lengths.flatMap { repeatElement($0, count: heads) }, to: places.lengths)
    }
    try backend.write(lengths, to: totals)
  }

  /// How many different lists layers have.
  static func kinds(longest: Int, _ c: ModelConfiguration) -> Int {
    let layout = CacheLayout(wholeTexts: longest, for: c)
    return Set(
      layout.layers.enumerated().compactMap { index, part in part.map { layout.tileKind(c, $0, layer: index) } }
    ).count
  }

  /// Elements of the largest lists: every sequence may have one tile of rows that is not full.
  static func size(passOf rows: Int, longest: Int, _ c: ModelConfiguration) -> (counts: Int, list: Int) {
    let sizes = c.layers.filter(\.attends).map { layer in
      let full = MemoryEstimate.product([rows, layer.headCount / layer.kvHeadCount]) / Attention.rowsPerTile
      return MemoryEstimate.product([layer.kvHeadCount, MemoryEstimate.sum([full, rows / PassShape.step])])
    }
    let tiles = sizes.max() ?? 0
    return (tiles, MemoryEstimate.product([tiles, PassShape.padded(longest) / Attention.keysPerTile + 1]))
  }
}
