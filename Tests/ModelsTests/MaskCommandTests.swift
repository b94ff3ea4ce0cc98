import Foundation
import Testing

/// `pumice mask`.
@Suite struct MaskCommandTests {
  private let tool = CommandLineTests()

  @Test func tilesAreCountedAndDrawn() throws {
    let path = NSTemporaryDirectory() + "pumice-mask-\(UUID().uuidString).svg"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let plan = "causal; layers 3 heads 1: causal & window(64)"
    let arguments = ["mask", plan, "--heads", "3", "--keys", "256", "--layer", "3"]
    let table = try tool.run(arguments + ["--svg", path])
    #expect(table.code == 0 && table.errors.isEmpty)
    // Four tiles on the diagonal are partial; a window of 64 reaches into the tile before, and its end into none.
    #expect(table.output.contains("\nheads 0, 2  50.20 %           6        4     6\n"), "\(table.output)")
    #expect(table.output.contains("\nhead 1      21.92 %           0        7     9\n"), "\(table.output)")
    #expect(try String(contentsOfFile: path, encoding: .utf8).hasPrefix("<svg "))

    struct Result: Decodable {
      struct Row: Decodable {
        var heads: [Int], density: Double, live: Int, partial: Int, dead: Int
      }
      var mask: String, rows: [Row]
    }
    let json = try JSONDecoder().decode(Result.self, from: Data(tool.run(arguments + ["--json"]).output.utf8))
    #expect(json.mask == "perHead(causal, causal & window(64), causal)")
    #expect(json.rows.map(\.heads) == [[0, 2], [1]] && json.rows.map(\.live) == [6, 0])
    #expect(json.rows[0].density == 257.0 / 512)
  }

  @Test func mistakesArePointedAt() throws {
    let outcome = try tool.run(["mask", "causal & (sinks(4) | windo(3))"])
    #expect(outcome.code == 64 && outcome.output.isEmpty)
    #expect(
      outcome.errors == """
        pumice: column 22: there is no mask windo
          causal & (sinks(4) | windo(3))
                               ^

        """)
    for (arguments, message) in [
      (["tokens(3, 1)"], "positions[1] is 1"), (["heads 4: full"], "there is no head 4; the model has 1"),
      (["perHead(full)", "--heads", "2"], "perHead is given for 1 heads, and there are 2"),
      (["full", "--keys", "0"], "--keys 0"), (["full", "--queries", "9", "--keys", "8"], "--queries 9"),
      (["full", "--keys", "100000", "--heads", "1000"], "too many"), (["full", "--tile", "-1"], "--tile"),
    ] {
      try tool.expectFailure(64, ["mask"] + arguments, contains: message)
    }
    try tool.expectFailure(1, ["mask", "full", "--svg", "/nowhere/mask.svg"], contains: "/nowhere/mask.svg")
  }
}
