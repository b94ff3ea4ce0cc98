import ArgumentParser
import Foundation
import PumiceTensors

/// `pumice mask`.
struct MaskCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mask",
    abstract: "Shows what an attention mask lets through: live, partly live and dead tiles of each head.",
    discussion: """
      A mask is put together with & (and), | (or), ! (not) and parentheses:

      full  causal  window(n)  sinks(n)  dilated(window, stride)  prefixLM(n)  shiftedGroups(size)
      blocks(size, [0], [0, 1], …)      the blocks of keys that each block of queries sees
      documents(100, 250)               where documents after the first begin
      tree(start, -1, 0, 0, 1)          the parent of each node of a tree of tokens
      tokens(0-3, 17)  slash(0-99)      keys at positions, keys at distances
      perHead(causal, window(64))       a mask for each query head
      span(512+0.5N, 1024)              a window for each head that grows with the length N

      Rules before a mask say where it holds; the last that applies counts: 'layers 0-3: causal; heads 2,5: window(64)'.

      Example: pumice mask 'causal & (sinks(64) | window(256))' --keys 2048 --svg mask.svg
      """)

  @Argument(help: "The mask, or rules with masks.")
  var expression: String

  @Option(help: "Query heads.")
  var heads = 1

  @Option(help: "The last so many positions are queries; by default all.")
  var queries: Int?

  @Option(help: "Positions of keys; also the length N of the sequence.")
  var keys = 1024

  @Option(help: "Positions along the side of a tile.")
  var tile = 64

  @Option(help: "The layer whose mask is shown, where rules tell layers apart.")
  var layer = 0

  @Option(help: "Draw the tiles into this file.", completion: .file(extensions: ["svg"]))
  var svg: String?

  @Flag(help: "Print the result as JSON.")
  var json = false

  /// More pairs than this take minutes to look at.
  private static let mostPairs = 1 << 31

  func validate() throws {
    for (name, value) in [("heads", heads), ("queries", queries ?? 1), ("keys", keys), ("tile", tile)]
    where value < 1 || value >= AttentionMask.limit {
      throw ValidationError("--\(name) \(value): it must be at least 1 and less than \(AttentionMask.limit).")
    }
    if layer < 0 { throw ValidationError("--layer \(layer): there is no such layer.") }
    if let queries, queries > keys {
      throw ValidationError("--queries \(queries): queries are the last of the \(keys) positions of --keys.")
    }
    if Double(heads) * Double(queries ?? keys) * Double(keys) > Double(Self.mostPairs) {
      throw ValidationError("\(heads) heads of \(queries ?? keys) × \(keys) positions are too many to look at.")
    }
  }

  private struct Row: Encodable {
    var heads: [Int]
    var density: Double
    var live: Int
    var partial: Int
    var dead: Int
  }

  private struct Result: Encodable {
    var mask: String
    var queries: Int
    var keys: Int
    var tile: Int
    var rows: [Row]
  }

  func run() throws {
    let plan = try MaskPlan(parsing: expression)
    let mask = plan.mask(layer: layer, heads: heads)
    do {
      try plan.validate(layers: Int.max, heads: heads)
      try mask.validate(heads: heads)
    } catch {
      throw ValidationError(error.description)
    }
    let picture = MaskPicture(mask, heads: heads, queries: queries ?? keys, keys: keys, side: tile)
    let rows = picture.pictures.map { head in
      Row(
        heads: head.heads, density: picture.density(head), live: head.count(.live), partial: head.count(.partial),
        dead: head.count(.dead))
    }
    if let svg {
      do {
        try Data(picture.svg().utf8).write(to: URL(fileURLWithPath: svg))
      } catch {
        throw InputError("\(svg) cannot be written: \(error.localizedDescription)")
      }
    }
    if json {
      try printJSON(
        Result(mask: mask.description, queries: queries ?? keys, keys: keys, tile: tile, rows: rows))
    } else {
      print("\(mask): \(queries ?? keys) queries × \(keys) keys, tiles of \(tile)")
      printTable(
        ["heads", "density", "live tiles", "partial", "dead"],
        rows.map { row in
          [MaskPicture.names(row.heads), fixed(100 * row.density, 2) + " %"]
            + [row.live, row.partial, row.dead].map(String.init)
        })
    }
  }
}
