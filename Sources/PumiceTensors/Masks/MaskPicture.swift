/// What a mask is to the tiles of some queries and keys, counted and drawn.
public struct MaskPicture: Sendable {
  public enum Tile: Hashable, Sendable {
    case live, partial, dead
  }

  public let mask: AttentionMask
  public let heads: Int
  /// The last queries of as many positions as there are keys.
  public let queries: Int
  public let keys: Int
  /// Positions along the side of a tile.
  public let side: Int

  /// One head, or several that see the same.
  public struct Head: Sendable {
    public var heads: [Int]
    /// Rows of tiles, the first queries first.
    public var tiles: [[Tile]]
    public var livePairs: Int

    public func count(_ tile: Tile) -> Int { tiles.reduce(0) { $0 + $1.count { $0 == tile } } }
  }

  public private(set) var pictures: [Head] = []

  /// - Precondition: the mask is valid for `heads`, there are no more queries than keys, and all numbers are positive.
  public init(_ mask: AttentionMask, heads: Int, queries: Int, keys: Int, side: Int) {
    self.mask = mask
    self.heads = heads
    self.queries = queries
    self.keys = keys
    self.side = side
    for head in 0..<(mask.dependsOnHead ? heads : 1) {
      let (tiles, live) = draw(head)
      if let same = pictures.firstIndex(where: { $0.tiles == tiles && $0.livePairs == live }) {
        pictures[same].heads.append(head)
      } else {
        pictures.append(Head(heads: [head], tiles: tiles, livePairs: live))
      }
    }
    if !mask.dependsOnHead { pictures[0].heads = Array(0..<heads) }
  }

  /// The share of pairs of a query and a key that are live.
  public func density(_ head: Head) -> Double { Double(head.livePairs) / (Double(queries) * Double(keys)) }

  private func draw(_ head: Int) -> ([[Tile]], Int) {
    var pairs = 0
    let tiles = stride(from: 0, to: queries, by: side).map { row in
      stride(from: 0, to: keys, by: side).map { column -> Tile in
        var live = 0
        let rows = row..<min(row + side, queries), columns = column..<min(column + side, keys)
        for query in rows {
          for key in columns
          where mask.isLive(head: head, heads: heads, query: keys - queries + query, key: key, length: keys) {
            live += 1
          }
        }
        pairs += live
        return live == 0 ? .dead : live == rows.count * columns.count ? .live : .partial
      }
    }
    return (tiles, pairs)
  }
}

extension MaskPicture {
  /// The pictures as a drawing in SVG: queries downwards, keys to the right, a square for each tile that is not dead.
  public func svg() -> String {
    let square = max(2, min(12, 480 / max(1, (keys + side - 1) / side)))
    let width = square * ((keys + side - 1) / side), height = square * ((queries + side - 1) / side)
    // A picture takes at least as much room as the text above it.
    let gap = 24, title = 40, caption = 20, column = max(width, 220) + gap
    let columns = min(pictures.count, max(1, 1440 / column))
    let rows = (pictures.count + columns - 1) / columns
    let pageWidth = gap + columns * column
    let pageHeight = title + rows * (height + caption + gap)
    var body = ""
    for (index, picture) in pictures.enumerated() {
      let x = gap + index % columns * column, y = title + index / columns * (height + caption + gap) + caption
      body += """
          <g transform="translate(\(x) \(y))">
            <text y="-5">\(Self.names(picture.heads)): \(picture.count(.live)) live, \(picture.count(.partial)) partial, \
        \(picture.count(.dead)) dead</text>
            <rect class="dead" width="\(width)" height="\(height)"/>

        """
      for (row, tiles) in picture.tiles.enumerated() {
        var start = 0
        while start < tiles.count {
          var end = start + 1
          while end < tiles.count, tiles[end] == tiles[start] { end += 1 }
          if tiles[start] != .dead {
            body +=
              "    <rect class=\"\(tiles[start] == .live ? "live" : "partial")\" x=\"\(start * square)\" "
              + "y=\"\(row * square)\" width=\"\((end - start) * square)\" height=\"\(square)\"/>\n"
          }
          start = end
        }
      }
      body += "  </g>\n"
    }
    return """
      <svg xmlns="http://www.w3.org/2000/svg" width="\(pageWidth)" height="\(pageHeight)" font-family="sans-serif" \
      font-size="11">
        <style>.live { fill: #1f5f8b } .partial { fill: #8cc0dd } .dead { fill: #eeeeee }</style>
        <rect width="100%" height="100%" fill="white"/>
        <text x="\(gap)" y="18" font-size="13">\(Self.escaped(shortened(to: (pageWidth - 2 * gap) / 7)))</text>
        <text x="\(gap)" y="33">\(queries) queries × \(keys) keys in tiles of \(side)</text>
      \(body)</svg>

      """
  }

  private func shortened(to count: Int) -> String {
    let text = mask.description
    return text.count > count ? "\(text.prefix(count - 1))…" : text
  }

  private static func escaped(_ text: String) -> String {
    text.reduce(into: "") { result, character in
      switch character {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      default: result.append(character)
      }
    }
  }

  /// `head 3`, `heads 0-2, 5`.
  public static func names(_ heads: [Int]) -> String {
    "\(heads.count == 1 ? "head" : "heads") \(AttentionMask.runs(heads))"
  }
}
