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
