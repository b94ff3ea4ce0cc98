import PumiceTensors
import Testing

/// What a mask lets through lies within its reach.
@Suite struct MaskReachTests {
  @Test(arguments: [
    ("causal & (sinks(4) | window(7))", 4, 7), ("window(0)", 0, 0), ("sinks(3)", 3, 0), ("dilated(3, 4)", 0, 9),
    ("dilated(0, 4)", 0, 0), ("tokens(1, 5)", 6, 0), ("slash(0, 9)", 0, 10), ("shiftedGroups(6)", 0, 6),
    ("perHead(window(3), sinks(2))", 2, 3), ("span(6, 2)", 0, 6), ("window(5) & sinks(9)", 0, 5),
    ("(sinks(1) | window(9)) & (sinks(20) | window(2))", 1, 9), ("causal & window(5) | tokens(2)", 3, 5),
  ])
  func reachIsABound(text: String, sinks: Int, window: Int) throws {
    let mask = try AttentionMask(parsing: text)
    let reach = try #require(mask.reach)
    #expect(reach == MaskReach(sinks: sinks, window: window))
    for head in 0..<2 {
      for query in 0..<60 {
        for key in 0...query where key >= reach.sinks && query - key >= reach.window {
          #expect(!mask.isLive(head: head, heads: 2, query: query, key: key, length: 60), "\(query) sees \(key)")
        }
      }
    }
  }

  @Test(arguments: [
    ("causal", true), ("slash(0, 7)", true), ("causal & window(5)", true), ("full & (causal | slash(1))", true),
    ("perHead(causal, window(4) & causal)", true), ("window(5)", false), ("sinks(3)", false), ("prefixLM(4)", false),
    ("causal | sinks(2)", false), ("perHead(causal, full)", false), ("!causal", false), ("documents(9)", false),
  ])
  func causalMasksHideWhatComesLater(text: String, isCausal: Bool) throws {
    let mask = try AttentionMask(parsing: text)
    #expect(mask.isCausal == isCausal)
    let seesLater = (0..<2).contains { head in
      (0..<20).contains { query in
        (query + 1..<30).contains { mask.isLive(head: head, heads: 2, query: query, key: $0, length: 30) }
      }
    }
    #expect(seesLater == !isCausal)
  }

  @Test func spansInBlocksReachToTheEndOfABlock() throws {
    for (alpha, block) in [(0, 4), (7, 4), (8, 4), (11, 3), (-5, 2)] {
      let mask = AttentionMask.span([HeadSpan(alpha: alpha, beta: 0)], block: block)
      let reach = try #require(mask.reach)
      for query in 0..<50 {
        for key in 0...query where query - key >= reach.window {
          #expect(!mask.isLive(head: 0, heads: 1, query: query, key: key, length: 50))
        }
      }
    }
  }

  @Test(arguments: [
    "full", "causal", "prefixLM(3)", "documents(5)", "blocks(2, [0])", "tree(2, -1)", "!window(3)",
    "window(3) | causal",
    "perHead(window(3), causal)", "span(5+0.5N, 3)",
  ])
  func somethingIsNeverForgotten(text: String) throws {
    #expect(try AttentionMask(parsing: text).reach == nil)
  }
}
