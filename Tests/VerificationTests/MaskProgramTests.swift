import Foundation
import PumiceGPU
import PumiceKernels
import PumiceOperators
import PumiceShaders
import PumiceTensors
import Testing

@testable import PumiceVerification

/// What shaders make of masks, and how far they come with the bounds of a tile alone.
@Suite struct MaskProgramTests {
  /// A head for each kind of mask, and how many of its 36 tiles of 8×8 are not decided by their bounds and corners. Words
  /// of neighbours are such that a list read past its end, or from elsewhere, makes a difference.
  private static let kinds: [(mask: AttentionMask, undecided: Int)] = [
    (.shiftedGroups(12), 0), (.slash([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 20]), 3), (.window(2), 0),
    (.tokens([0, 3, 16, 17, 18, 19, 20, 21, 22, 23, 24, 33]), 6), (.sinks(11), 0), (.slash([5]), 11), (.window(1), 0),
    (.tokens([9]), 6), (.documents([8, 24, 40]), 0), (.window(13), 0), (.documents([5, 16, 40]), 0), (.sinks(0), 0),
    (.documents([1, 2, 3, 4]), 0), (.window(10), 0), (.tree(start: 13, parents: [-1, 0, -1]), 0), (.prefixLM(1), 0),
    (.prefixLM(13), 0), (.tree(start: 9, parents: [-1, 0, 0, 1, -1, 4, 2, 6, 1, 3, 9, 5, -1, -1]), 3),
    (.window(0), 6), (.sinks(44), 0), (.shiftedGroups(40), 0), (.sinks(45), 0), (.shiftedGroups(16), 0),
    (.dilated(window: 3, stride: 4), 0), (.full, 0),
    (.causal, 0), (.sinks(16), 0), (.dilated(window: 3, stride: 6), 18), (.dilated(window: 20, stride: 1), 0),
    (.dilated(window: 0, stride: 3), 6),
    (.blocks(BlockList(size: 8, [[0], [1, 3], [], [0, 1, 2, 3], [5]])), 0),
    (.blocks(BlockList(size: 5, [[0, 1, 2, 3], [], [1, 3, 4, 8]])), 5), (.shiftedGroups(6), 0),
    (.blocks(BlockList(size: 2, [[0, 1, 2, 3]])), 0), (.blocks(BlockList(size: 1, [[0], [1], [0, 2]])), 35),
    (spans(block: 1), 0), (spans(block: 4), 0), (spans(block: 1, less: 40), 0),
    (.tree(start: 24, parents: [-1, 0]), 2),
    (.causal & (.sinks(4) | .window(16)), 0), (!(.causal & .window(9) | .sinks(11)), 1),
  ]
  private static let heads = 41
  private static let perHead = AttentionMask.perHead(kinds.map(\.mask))
  /// Long enough that β·N does not fit into 32 bits.
  private static let length = 100_000

  /// Windows of 9 to 13 positions at that length, or `less`, out of another α and β for each head.
  private static func spans(block: Int, less: Int = 0) -> AttentionMask {
    .span(
      (0..<heads).map { head in
        let beta = 1 - Double(head % 4) / 64
        return HeadSpan(alpha: 9 + head % 5 - less - Int(beta * Double(length)), beta: beta)
      }, block: block)
  }

  private static func shader(_ device: Device, tile: Int = 8, length: Int = length) -> MaskShader {
    MaskShader(device: device, mask: perHead, heads: heads, tile: tile, length: length)
  }

  @Test func shadersEvaluateEveryKindAsTheReferenceDoes() throws {
    try withDevice { device, _ in
      for (tile, length) in [(8, Self.length), (1, Self.length), (16, 0), (8, 48)] {
        let shader = Self.shader(device, tile: tile, length: length)
        let found = try shader.run()
        #expect(shader.mistakes(found) == [])
        guard (tile, length) == (8, Self.length) else { continue }
        for (head, kind) in Self.kinds.enumerated() {
          #expect(shader.undecided(found, head: head) == kind.undecided, "\(kind.mask)")
        }
      }
    }
  }

  @Test func numbersAreNotInTheText() {
    func text(_ mask: AttentionMask) -> String { MaskProgram(mask).text }
    #expect(text(.causal & .window(3)) == text(.causal & .window(900)))
    #expect(text(.tokens([1])) == text(.tokens(Array(0..<1000))))
    #expect(text(.perHead([.causal, .window(3), .window(4)])) == text(.perHead([.window(8), .causal])))
    #expect(text(.window(3) | .sinks(3)) != text(.sinks(3) | .window(3)))
    #expect(AttentionMask.perHead([.window(3), .window(3)]).parameters(heads: 2) == [1, 0, 5, 0, 5, 3])
    #expect(AttentionMask.full.parameters(heads: 1) == [0])
    // Two roots; the first with a child that has one.
    #expect(
      AttentionMask.tree(start: 7, parents: [-1, -1, 0, 2]).parameters(heads: 1) == [7, 3, 4, 0, 3, 3, 4, 1, 3, 2, 3])
  }

  /// A text that is generated in another way is another shader: what was said of the old one says nothing of it.
  @Test func quarantineIsTiedToWhatIsGenerated() throws {
    try withDevice { device, _ in
      let library = KernelLibrary(device: device)
      let variant = AttentionTiles.variants[0]
      func hash(_ generated: [String: String]) -> String {
        library.shaderHash(
          Variant<AttentionTiles>(
            variant.name, summary: variant.summary, shaders: variant.shaders, generated: generated,
            loopIterations: variant.loopIterations, plan: variant.plan))
      }
      #expect(hash(variant.generated) == library.shaderHash(variant))
      #expect(hash(["mask": "// another"]) != library.shaderHash(variant))
      // What a step does not give is an error that says who asked for it.
      let error = #expect(throws: ShaderLibrary.MissingShader.self) {
        _ = try ShaderLibrary.resolved("AttentionTiles/plain.comp")
      }
      #expect(error?.path == "Generated/mask.glsl" && error?.includer?.hasPrefix("Common/mask.glsl:") == true)
    }
  }

  /// A user's expression with a mistake is an error that says so, in the compiler's words and at the user's line.
  @Test func mistakesInExpressionsArePointedAt() throws {
    try withDevice { device, _ in
      func complaint(_ glsl: String) throws -> (String, String) {
        let function = MaskFunction("mine", glsl: glsl) { _, _, _, _ in true }
        let op = AttentionTiles(tokens: 3, heads: 1, kvHeads: 1, capacity: 5, mask: .causal & .user(function))
        let error = #expect(throws: KernelError.self) {
          try KernelLibrary(device: device).run(
            op,
            inputs: [
              "positions": [0, 1, 2], "key_positions": [0, 1, 2, 3, 4], "lengths": [5], "totals": [5], "mask": [0],
            ])
        }
        guard case .userExpression(let name, let message) = error else { return ("", "\(String(describing: error))") }
        return (name, message)
      }
      for (glsl, line, words) in [
        ("key <= quer", 1, "undeclared"), ("key <= query\n  && head << 1", 2, "operand"), ("true\n  &&\n", 3, "syntax"),
        ("(key < 3", 1, "syntax"), ("score > 0.0", 1, "undeclared"), ("key", 1, "convert"),
      ] {
        let (name, message) = try complaint(glsl)
        #expect(name == "mask mine", "\(glsl): \(message)")
        #expect(message.contains("mask mine:\(line): error"), "\(glsl): \(message)")
        #expect(message.contains(words), "\(glsl): \(message)")
      }
    }
  }

  /// Mutants that change nothing, by a part of their lines and their rules.
  private static let equivalent: [(line: String, rules: Set<String>)] = [
    // Which corner comes when does not matter, nor whether one is looked at twice.
    ("corner < 4", ["bound", "number"]), ("(corner & 1u) == 0", ["equality", "choice", "number"]),
    ("(corner & 2u) == 0", ["equality", "choice"]),
    // More rows of blocks may be looked at than must be.
    ("MASK_BLOCK_ROWS", ["bound", "number"]),
    // Products and what both say do not depend on the order.
    ("umulExtended(", ["arguments"]), ("mask_or(", ["arguments"]), ("mask_and(", ["arguments"]),
    // Every head has one of the alternatives.
    ("result = bool(0)", ["number"]), ("result = uint(0)", ["number"]),
    // It is for the tiles' list to ask, which is verified.
    ("#define MASK_DECIDED", ["number"]),
  ]

  private static func isEquivalent(_ mutant: Mutant, of text: String) -> Bool {
    let line = text.split(separator: "\n", omittingEmptySubsequences: false)[mutant.line - 1]
    return equivalent.contains { line.contains($0.line) && $0.rules.contains(mutant.rule) }
  }

  /// Mistakes in the lowering that verification cannot see, because they only send more tiles to be looked at pair by
  /// pair, are seen here; and mistakes in generated texts.
  @Test func mutantsOfTheLoweringAreCaught() throws {
    // A mutant may read anywhere; descriptors have bounds.
    try withDevice(binding: .descriptors) { device, _ in
      let tiles = Self.shader(device), pairs = Self.shader(device, tile: 1)
      let undecided = Self.kinds.indices.map { [found = try tiles.run()] in tiles.undecided(found, head: $0) }
      func isCaught(_ mutant: Mutant) throws -> Bool {
        do {
          let found = try tiles.run(overrides: [mutant.path: mutant.text])
          if undecided != Self.kinds.indices.map({ tiles.undecided(found, head: $0) }) { return true }
          return try !tiles.mistakes(found).isEmpty
            || !pairs.mistakes(pairs.run(overrides: [mutant.path: mutant.text])).isEmpty
        } catch let error as GPUError where error.code == .shaderCompilation {
          return true
        }
      }
      let path = "Common/mask.glsl"
      let texts = [
        path: try ShaderLibrary.text(path), "Generated/mask.glsl": MaskProgram(Self.perHead).text,
      ]
      let all = texts.sorted { $0.key < $1.key }.flatMap { Mutant.all(of: $0, text: $1) }
      #expect(all.count > 300)
      // All of them take minutes.
      let limit = ProcessInfo.processInfo.environment["PUMICE_MUTANTS"].flatMap { Int($0) } ?? 40
      let mutants = Mutant.sample(all, limit: limit, seed: 1)
      var survivors: [String] = []
      for mutant in mutants where try !isCaught(mutant) && !Self.isEquivalent(mutant, of: texts[mutant.path]!) {
        survivors.append(mutant.description)
      }
      #expect(survivors == [])
    }
  }
}
