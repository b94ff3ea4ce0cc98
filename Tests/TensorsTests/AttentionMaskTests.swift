import Foundation
import PumiceTensors
import Testing

/// What each kind of mask lets through, drawn: a line for each query, `#` for a live key.
@Suite struct AttentionMaskTests {
  private func picture(
    _ mask: AttentionMask, _ size: Int = 6, head: Int = 0, heads: Int = 1, length: Int? = nil
  ) -> String {
    (0..<size).map { query in
      (0..<size).map { key in
        mask.isLive(head: head, heads: heads, query: query, key: key, length: length ?? size) ? "#" : "."
      }.joined()
    }.joined(separator: " ")
  }

  @Test func kindsThatLookAtPositionsAlone() {
    #expect(picture(.full, 3) == "### ### ###")
    #expect(picture(.causal, 3) == "#.. ##. ###")
    #expect(picture(.window(2), 4) == "##.. ###. .### ..##")
    #expect(picture(.window(0), 2) == ".. ..")
    #expect(picture(.sinks(2), 3) == "##. ##. ##.")
    #expect(picture(.prefixLM(2), 4) == "##.. ##.. ###. ####")
    #expect(picture(.dilated(window: 2, stride: 2), 5) == "#.#.. .#.#. #.#.# .#.#. ..#.#")
  }

  @Test func kindsWithLists() {
    #expect(picture(.blocks(BlockList(size: 2, [[1], [0, 2]]))) == "..##.. ..##.. ##..## ##..## ...... ......")
    #expect(picture(.documents([2, 3]), 5) == "##... ##... ..#.. ...## ...##")
    #expect(picture(.tokens([1, 3]), 4) == ".#.# .#.# .#.# .#.#")
    #expect(AttentionMask.vertical([1, 3]) == .tokens([1, 3]))
    #expect(picture(.slash([0, 2]), 4) == "#... .#.. #.#. .#.#")
    // Nodes 2, 3, 4, 5 of a tree 2 → (3 → 5, 4), behind two tokens of context.
    #expect(
      picture(.tree(start: 2, parents: [-1, 0, 0, 1]), 7) == "##..... ##..... ###.... ####... ###.#.. ####.#. ##.....")
  }

  @Test func kindsThatDependOnTheHead() {
    #expect(picture(.shiftedGroups(4), head: 0, heads: 3) == "####.. ####.. ####.. ####.. ....## ....##")
    #expect(picture(.shiftedGroups(4), head: 0, heads: 3) != picture(.shiftedGroups(4), head: 1, heads: 3))
    #expect(picture(.shiftedGroups(4), head: 1, heads: 2) == "##.... ##.... ..#### ..#### ..#### ..####")
    let mask = AttentionMask.perHead([.causal, .sinks(1)])
    #expect(picture(mask, 2, head: 0, heads: 2) == "#. ##")
    #expect(picture(mask, 2, head: 1, heads: 2) == "#. #.")
    let spans = AttentionMask.span([HeadSpan(alpha: 1, beta: 0.25), HeadSpan(alpha: -8, beta: 0.5)])
    #expect(picture(spans, 4, head: 0, heads: 2, length: 4) == picture(.window(2), 4))
    #expect(picture(spans, 4, head: 0, heads: 2, length: 3) == picture(.window(1), 4))
    #expect(picture(spans, 8, head: 1, heads: 2, length: 24) == picture(.window(4), 8))
    #expect(picture(spans, 8, head: 1, heads: 2, length: 0) == picture(.window(1), 8), "at least the query itself")
    // MoA's rule in blocks: α // 64 + β·N / 64 blocks, that of the query included.
    let blocks = AttentionMask.span([HeadSpan(alpha: -3, beta: 1)], block: 2)
    #expect(picture(blocks, 4, length: 9) == picture(.full, 4))
    #expect(picture(blocks, 4, length: 6) == "##.. ##.. ..## ..##")
  }

  @Test func algebra() {
    let mask: AttentionMask = .causal & (.sinks(1) | .window(2))
    #expect(picture(mask, 4) == "#... ##.. ###. #.##")
    #expect(picture(!mask, 4) == ".### ..## ...# .#..")
    #expect(picture(!(.causal & .window(2)), 5) == picture(!.causal | !.window(2), 5))
    #expect(picture(.window(3)) == picture(.dilated(window: 3, stride: 1)))
    #expect(picture(.prefixLM(2)) == picture(.causal | .sinks(2)))
  }

  /// Tree masks are the ancestor relation, here by its own definition: the closure of "parent of".
  @Test func treesAreTheAncestorRelation() {
    let parents = [-1, -1, 0, 2, 1, 0, 5, 5, 3]
    var reaches = (0..<9).map { i in (0..<9).map { $0 == i } }
    for (i, parent) in parents.enumerated() where parent >= 0 {
      for j in 0..<9 where reaches[parent][j] { reaches[i][j] = true }
    }
    let mask = AttentionMask.tree(start: 4, parents: parents)
    for i in 0..<9 {
      for j in 0..<9 {
        #expect(mask.isLive(head: 0, heads: 1, query: 4 + i, key: 4 + j, length: 13) == reaches[i][j], "\(i) \(j)")
      }
      #expect(mask.isLive(head: 0, heads: 1, query: 4 + i, key: 3, length: 13))
    }
  }

  @Test func functionsAreComparedByTheirText() throws {
    let even = MaskFunction("even", glsl: "key % 2 == 0") { _, _, key, _ in key % 2 == 0 }
    #expect(even == MaskFunction("even", glsl: "key % 2 == 0") { _, _, _, _ in false })
    #expect(even != MaskFunction("even", glsl: "key % 2 != 1") { _, _, key, _ in key % 2 == 0 })
    #expect(picture(.user(even), 3) == "#.# #.# #.#")
    try MaskFunction.register(even)
    try MaskFunction.register(even)
    #expect(try AttentionMask(parsing: "user(even)") == .user(even))
    let other = MaskFunction("even", glsl: "false") { _, _, _, _ in false }
    #expect(throws: AttentionMaskError.self) { try MaskFunction.register(other) }
    #expect(throws: AttentionMaskError.self) {
      try AttentionMask.user(MaskFunction("2nd", glsl: "true") { _, _, _, _ in true }).validate(heads: 1)
    }
    #expect(throws: AttentionMaskError.self) {
      try AttentionMask.user(MaskFunction("empty", glsl: " \n") { _, _, _, _ in true }).validate(heads: 1)
    }
  }

  @Test(
    arguments: [
      (.window(-1), "window: n is -1; it must lie in 0…1073741823"),
      (.dilated(window: 3, stride: 0), "dilated: stride is 0; it must lie in 1…1073741823"),
      (.tokens([3, 3]), "tokens: positions[1] is 3, not more than 3 before it; the list must ascend"),
      (.tokens([3, 100]), "tokens: positions[1] is 100; it must lie in 0…99"),
      (.slash([-1]), "slash: offsets[0] is -1; it must lie in 0…99"),
      (.documents([5, 2]), "documents: starts[1] is 2, not more than 5 before it; the list must ascend"),
      (.tree(start: 1, parents: [-1, 1]), "tree: parents[1] is 1; it must lie in -1…0"),
      (.tree(start: 99, parents: [-1, 0]), "tree: parents has 2 entries; there are 1 positions from 99 on"),
      (.blocks(BlockList(size: 10, [[0], [9, 10]])), "blocks: columns[2] is 10; it must lie in 0…9"),
      (.blocks(BlockList(size: 0, [])), "blocks: size is 0; it must lie in 1…1073741823"),
      (.blocks(BlockList(size: 60, [[], [], []])), "blocks: rows has 3 entries; 100 positions make 2 blocks of 60"),
      (
        .blocks(BlockList(size: 10, rows: [0, 3], columns: [1])),
        "blocks: columns has 1 entries; rows begin at 0 and end at 3"
      ),
      (
        .blocks(BlockList(size: 10, rows: [0, 2, 1], columns: [1])),
        "blocks: rows[2] is 1, not more than 2 before it; the list must ascend"
      ),
      (.perHead([.full]), "perHead is given for 1 heads, and there are 2"),
      (.perHead([.full, .sinks(-2)]), "sinks: n is -2; it must lie in 0…1073741823"),
      (.span([HeadSpan(alpha: 1, beta: 0)]), "span is given for 1 heads, and there are 2"),
      (
        .span([HeadSpan(alpha: 1, beta: 0), HeadSpan(alpha: 1, beta: 1.5)]),
        "span: β of head 1 is 1.5; it must lie in 0…1"
      ),
      (.causal & !(.full | .shiftedGroups(0)), "shiftedGroups: size is 0; it must lie in 1…1073741823"),
    ] as [(AttentionMask, String)])
  func impossibleMasksAreRefused(_ mask: AttentionMask, _ message: String) {
    let error = #expect(throws: AttentionMaskError.self) { try mask.validate(heads: 2, positions: 100) }
    #expect(error?.description == message)
  }

  @Test func possibleMasksAreNot() throws {
    for mask: AttentionMask in [
      .tokens([]), .tokens([0, 99]), .blocks(BlockList(size: 60, [[0, 1], []])), .tree(start: 98, parents: [-1, -1]),
      .tree(start: 100, parents: []), .documents([0, 1, 99]), .perHead([.causal, .window(0)]),
      .span([HeadSpan(alpha: -5, beta: 1), HeadSpan(alpha: 5, beta: 0)], block: 64),
    ] {
      try mask.validate(heads: 2, positions: 100)
    }
  }

  @Test func scores() throws {
    #expect(ScoreModification.softCap(50).apply(0, head: 0, query: 0, key: 0) == 0)
    #expect(ScoreModification.softCap(2).apply(1e9, head: 0, query: 0, key: 0) == 2)
    #expect(ScoreModification.alibi([0.5, 0.25]).apply(3, head: 1, query: 7, key: 3) == 2)
    #expect(ScoreModification.alibi([0.5, 0.25]).apply(3, head: 1, query: 3, key: 7) == 2)
    #expect(ScoreModification.alibi(heads: 8) == .alibi((1...8).map { exp2(-Float($0)) }))
    // Twelve heads: the eight slopes of 8, then every other one of 16.
    #expect(
      ScoreModification.alibi(heads: 12)
        == .alibi((1...8).map { exp2(-Float($0)) } + [0.5, 1.5, 2.5, 3.5].map { exp2(-$0) }))
    #expect(throws: AttentionMaskError.self) { try ScoreModification.softCap(0).validate(heads: 1) }
    #expect(throws: AttentionMaskError.self) { try ScoreModification.softCap(.nan).validate(heads: 1) }
    #expect(throws: AttentionMaskError.self) { try ScoreModification.alibi([1]).validate(heads: 2) }
    #expect(throws: AttentionMaskError.self) { try ScoreModification.alibi([.infinity]).validate(heads: 1) }
    let shifted = ScoreFunction("shifted", glsl: "score + 1.0") { score, _, _, _ in score + 1 }
    #expect(ScoreModification.user(shifted).apply(1, head: 0, query: 0, key: 0) == 2)
    try ScoreModification.user(shifted).validate(heads: 1)
  }
}
