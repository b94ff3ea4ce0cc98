import PumiceGPU
import PumiceKernels
import PumiceOperators
import PumiceShaders
import PumiceTensors
import Testing

@testable import PumiceVerification

/// What shaders make of masks, and how far they come with the bounds of a tile alone.
@Suite struct MaskProgramTests {
  /// A head for each kind of mask, and how many of its 36 tiles of 8×8 are not decided by their bounds: those in which
  /// no corner of a kind is met that the tile holds.
  private static let kinds: [(mask: AttentionMask, undecided: Int)] = [
    (.full, 0), (.causal, 0), (.window(1), 0), (.window(13), 0), (.window(17), 0), (.window(0), 6), (.sinks(11), 0),
    (.sinks(0), 0), (.sinks(16), 0), (.prefixLM(13), 0), (.dilated(window: 3, stride: 4), 0),
    (.dilated(window: 20, stride: 1), 0), (.dilated(window: 0, stride: 3), 6),
    (.blocks(BlockList(size: 8, [[0], [1, 3], [], [0, 1, 2, 3], [5]])), 0),
    (.blocks(BlockList(size: 5, [[0, 1, 2, 3], [], [1, 3, 4, 8]])), 5),
    (.blocks(BlockList(size: 2, [[0, 1, 2, 3]])), 0),
    (.blocks(BlockList(size: 1, [[0], [1], [0, 2]])), 35), (.documents([5, 16, 40]), 0), (.documents([1, 2, 3, 4]), 0),
    (.tree(start: 9, parents: [-1, 0, 0, 1, -1, 4, 2, 6, 1, 3, 9, 5, -1, -1]), 0),
    (.tree(start: 24, parents: [-1, -1, 1]), 0), (.tokens([0, 3, 16, 17, 18, 19, 20, 21, 22, 23, 24, 33]), 6),
    (.slash([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 20]), 3), (.shiftedGroups(16), 0),
    (.span([HeadSpan](repeating: HeadSpan(alpha: -5, beta: 0.375), count: 29)), 0),
    (.span([HeadSpan](repeating: HeadSpan(alpha: 9, beta: 0.25), count: 29), block: 4), 0),
    (.span([HeadSpan](repeating: HeadSpan(alpha: -99_990, beta: 1), count: 29)), 0),
    (.causal & (.sinks(4) | .window(16)), 0), (!(.causal & .window(9) | .sinks(9)), 0),
  ]
  private static let perHead = AttentionMask.perHead(kinds.map(\.mask))

  @Test func shadersEvaluateEveryKindAsTheReferenceDoes() throws {
    try withDevice { device, _ in
      for length in [0, 48, 100_000] {
        let shader = MaskShader(device: device, mask: Self.perHead, heads: Self.kinds.count, length: length)
        let found = try shader.run()
        #expect(shader.mistakes(found) == [])
        guard length == 48 else { continue }
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
        ("key <= quer", 1, "undeclared"), ("key <= query\n  && head << 1", 2, ""), ("true\n  &&\n", 3, "syntax"),
        ("(key < 3", 1, "syntax"), ("score > 0.0", 1, "undeclared"), ("key", 1, "convert"),
      ] {
        let (name, message) = try complaint(glsl)
        #expect(name == "mask mine", "\(glsl): \(message)")
        #expect(message.contains("mask mine:\(line): error"), "\(glsl): \(message)")
        #expect(message.contains(words), "\(glsl): \(message)")
      }
    }
  }

  /// Mistakes in the lowering that verification cannot see, because they only send more tiles to be looked at pair by
  /// pair, are seen here; and mistakes in generated texts.
  @Test func mutantsOfTheLoweringAreCaught() throws {
    // A mutant may read anywhere; descriptors have bounds.
    try withDevice(binding: .descriptors) { device, _ in
      let shader = MaskShader(device: device, mask: Self.perHead, heads: Self.kinds.count)
      let undecided = Self.kinds.map(\.undecided)
      func isCaught(_ mutant: Mutant) throws -> Bool {
        do {
          let found = try shader.run(overrides: [mutant.path: mutant.text])
          return !shader.mistakes(found).isEmpty
            || undecided != Self.kinds.indices.map { shader.undecided(found, head: $0) }
        } catch let error as GPUError where error.code == .shaderCompilation {
          return true
        }
      }
      let path = "Common/mask.glsl"
      let mutants =
        Mutant.all(of: path, text: try ShaderLibrary.text(path))
        + Mutant.all(of: "Generated/mask.glsl", text: MaskProgram(Self.perHead).text)
      var survivors: [String] = []
      for mutant in mutants where try !isCaught(mutant) { survivors.append(mutant.description) }
      #expect(survivors == [])
      #expect(mutants.count > 300)
    }
  }
}
