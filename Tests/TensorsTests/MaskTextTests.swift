import Foundation
import PumiceTensors
import Testing

/// Masks as text.
@Suite struct MaskTextTests {
  @Test(
    arguments: [
      ("causal & (sinks(4) | window(1024))", .causal & (.sinks(4) | .window(1024))),
      ("causal&sinks(4)|window(9)", (.causal & .sinks(4)) | .window(9)),
      ("!causal & full", !.causal & .full), ("!(causal & full)", !(.causal & .full)), ("!!causal", !(!.causal)),
      (" dilated ( 3 , 5 ) ", .dilated(window: 3, stride: 5)),
      ("blocks(64, [0], [0-2, 5], [])", .blocks(BlockList(size: 64, [[0], [0, 1, 2, 5], []]))),
      ("tokens()", .tokens([])), ("tokens(1, 3-5)", .tokens([1, 3, 4, 5])), ("vertical(2)", .tokens([2])),
      ("slash(0-2,9)", .slash([0, 1, 2, 9])), ("documents(5,6)", .documents([5, 6])),
      ("tree(10, -1, 0, 0)", .tree(start: 10, parents: [-1, 0, 0])), ("tree(10)", .tree(start: 10, parents: [])),
      ("prefixLM(7)", .prefixLM(7)), ("shiftedGroups(8)", .shiftedGroups(8)),
      ("perHead(causal, perHead(full, !full))", .perHead([.causal, .perHead([.full, !.full])])),
      (
        "span(512+0.5N, -8, 1N)",
        .span([HeadSpan(alpha: 512, beta: 0.5), HeadSpan(alpha: -8, beta: 0), HeadSpan(alpha: 0, beta: 1)])
      ),
      ("span(block 64, 5)", .span([HeadSpan(alpha: 5, beta: 0)], block: 64)),
    ] as [(String, AttentionMask)])
  func textsAreRead(_ text: String, _ mask: AttentionMask) throws {
    #expect(try AttentionMask(parsing: text) == mask)
    #expect(try AttentionMask(parsing: mask.description) == mask, "\(mask)")
  }

  @Test(
    arguments: [
      .full | (.causal | .full), (.full | .causal) | .full, .full & (.causal & .full), (.full | .causal) & .full,
      .full | .causal & .full, !(.full | .causal), !.tokens([1, 2, 4, 5, 6]) & .window(3), .slash([1, 2, 3, 4]),
      .span([HeadSpan(alpha: -3, beta: 1.0 / 65536), HeadSpan(alpha: 3, beta: 0.1)]), .tokens([-2, -1, 0]),
    ] as [AttentionMask])
  func whatIsWrittenIsReadAsTheSame(_ mask: AttentionMask) throws {
    #expect(try AttentionMask(parsing: mask.description) == mask, "\(mask)")
    let data = try JSONEncoder().encode([mask])
    #expect(try JSONDecoder().decode([AttentionMask].self, from: data) == [mask])
  }

  @Test(arguments: [
    ("", 1, "expected a mask, found the end"), ("causal &", 9, "expected a mask, found the end"),
    ("causal & sink(4)", 10, "there is no mask sink"), ("causal window(4)", 8, "expected &, | or the end"),
    ("window 4", 8, "expected ("), ("window(4", 9, "expected ), found the end"), ("window(x)", 8, "expected a number"),
    ("window(99999999999999999999)", 8, "99999999999999999999 is too large"),
    ("tokens(1,,2)", 10, "expected a number"), ("tokens(5-3)", 8, "5-3 runs backwards"),
    ("tokens(0-99999999999)", 8, "0-99999999999 is too long a list"),
    ("causal & user(nobody)", 15, "no function is registered as nobody"), ("(causal", 8, "expected ), found the end"),
    ("causal | é", 10, "expected a mask"), ("span(1.5)", 6, "α must be a whole number"),
    ("span(blok 4, 5)", 6, "expected α+βN or block"), ("span(1+2)", 9, "expected N"),
    ("blocks(4, 5)", 11, "expected ["),
  ])
  func mistakesArePointedAt(_ text: String, _ column: Int, _ message: String) {
    let error = #expect(throws: MaskSyntaxError.self) { try AttentionMask(parsing: text) }
    #expect(error?.column == column)
    #expect(error?.message == message)
    let lines = error?.description.split(separator: "\n", omittingEmptySubsequences: false) ?? []
    #expect(lines.count == 3 && lines[1].count >= 2 && lines[2] == String(repeating: " ", count: column + 1) + "^")
  }

  @Test func hostileTextsAreRefusedAndNotRecursedInto() {
    for text in [
      String(repeating: "(", count: 100_000), String(repeating: "!", count: 100_000) + "full",
      String(repeating: "perHead(", count: 100_000), String(repeating: "full|", count: 100_000) + "full",
    ] {
      #expect(throws: MaskSyntaxError.self) { try AttentionMask(parsing: text) }
    }
  }

  @Test func anUnknownMaskInJSONIsAnError() {
    #expect(throws: DecodingError.self) {
      _ = try JSONDecoder().decode([AttentionMask].self, from: Data(#"["casual"]"#.utf8))
    }
  }
}

/// Rules for layers and heads.
@Suite struct MaskPlanTests {
  @Test func theLastRuleThatAppliesHolds() throws {
    let plan = try MaskPlan(
      parsing:
        "causal & window(8); layers 1-2, 5: full; heads 1: sinks(2); layers 2 heads 0-1: perHead(causal, full, full)")
    #expect(plan.mask(layer: 0, heads: 1) == .causal & .window(8))
    #expect(plan.mask(layer: 0, heads: 2) == .perHead([.causal & .window(8), .sinks(2)]))
    #expect(plan.mask(layer: 5, heads: 3) == .perHead([.full, .sinks(2), .full]))
    #expect(plan.mask(layer: 2, heads: 2) == .perHead([.causal, .full, .full]))
    #expect(try MaskPlan(parsing: "layers 7: full").mask(layer: 6, heads: 4) == .causal)
    #expect(MaskPlan([]).mask(layer: 0, heads: 4) == .causal)
    #expect(try MaskPlan(parsing: "causal") == MaskPlan(.causal))
  }

  @Test(arguments: [
    "causal", "layers 0-3: causal; heads 2, 5: causal & window(64)", "layers 4-7, 9 heads 0: sinks(1) | full",
  ])
  func plansAreWrittenAsTheyAreRead(_ text: String) throws {
    let plan = try MaskPlan(parsing: text)
    #expect(plan.description == text)
    #expect(try JSONDecoder().decode([MaskPlan].self, from: JSONEncoder().encode([plan])) == [plan])
  }

  @Test(arguments: [
    ("layers: full", 7, "expected a number"), ("layers 0-2 full", 12, "expected :"),
    ("heads 1 layers 2: full", 9, "expected :"),
    ("causal;", 8, "expected a mask, found the end"), ("causal full", 8, "expected &, |, ; or the end"),
    ("layers 3-1: full", 8, "3-1 runs backwards"), ("causal; head 2: full", 9, "there is no mask head"),
  ])
  func mistakesArePointedAt(_ text: String, _ column: Int, _ message: String) {
    let error = #expect(throws: MaskSyntaxError.self) { try MaskPlan(parsing: text) }
    #expect(error?.column == column && error?.message == message, "\(String(describing: error))")
  }

  @Test func rulesAboutNothingAreRefused() throws {
    func error(_ text: String) throws -> String? {
      let plan = try MaskPlan(parsing: text)
      return #expect(throws: AttentionMaskError.self) { try plan.validate(layers: 4, heads: 8) }?.description
    }
    #expect(try error("layers 2-4: full") == "there is no layer 4; the model has 4")
    #expect(try error("heads -1: full") == "there is no head -1; the model has 8")
    #expect(try error("causal; heads 8: full") == "there is no head 8; the model has 8")
    #expect(try error("perHead(full)") == "perHead is given for 1 heads, and there are 8")
    try MaskPlan(parsing: "layers 0-3 heads 0-7: causal").validate(layers: 4, heads: 8)
  }
}

/// The tiles of a mask, counted and drawn.
@Suite struct MaskPictureTests {
  @Test func tilesAreCounted() {
    let picture = MaskPicture(.causal & .window(4), heads: 2, queries: 8, keys: 12, side: 4)
    #expect(picture.pictures.count == 1 && picture.pictures[0].heads == [0, 1])
    #expect(picture.pictures[0].tiles == [[.partial, .partial, .dead], [.dead, .partial, .partial]])
    #expect(picture.density(picture.pictures[0]) == 32.0 / 96)
    let heads = MaskPicture(.perHead([.causal, .full, .causal]), heads: 3, queries: 5, keys: 5, side: 2)
    #expect(heads.pictures.map(\.heads) == [[0, 2], [1]])
    #expect([MaskPicture.Tile.live, .partial, .dead].map { heads.pictures[0].count($0) } == [4, 2, 3])
    #expect(heads.pictures[1].count(.live) == 9)
  }

  /// The picture in the README.
  @Test func thePictureIsTheOneOnFile() throws {
    let lists = [[0], [0, 1], [0, 2], [1, 3], [0, 3, 4], [2, 5], [0, 4, 6], [1, 6, 7]]
    let mask = AttentionMask.perHead([
      .causal & (.sinks(64) | .window(256)), .causal & .blocks(BlockList(size: 128, lists)),
    ])
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Fixtures/Masks/two-heads.svg")
    #expect(
      try MaskPicture(mask, heads: 2, queries: 1024, keys: 1024, side: 64).svg()
        == String(contentsOf: file, encoding: .utf8))
  }

  @Test func theDrawingHoldsEveryRunOfTiles() {
    let svg = MaskPicture(.causal & !.sinks(2), heads: 1, queries: 6, keys: 6, side: 2).svg()
    // Rows: nothing; a partial one; a live and a partial one.
    #expect(svg.components(separatedBy: "class=\"live\"").count == 2)
    #expect(svg.components(separatedBy: "class=\"partial\"").count == 3)
    #expect(svg.hasPrefix("<svg ") && svg.hasSuffix("</svg>\n") && svg.contains("causal &amp; !sinks(2)"))
  }
}
