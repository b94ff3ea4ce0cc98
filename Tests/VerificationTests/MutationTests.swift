import PumiceKernels
import PumiceOperators
import Testing

@testable import PumiceVerification

@Suite struct MutationTests {
  private let text = """
    #version 460
    // a < b in a comment
    layout(local_size_x = 64) in;
    #define SIZE 32
    void main() {
      float sum = 0.0;  /* 1 + 2 */
      for (uint i = first; i < SIZE; i += 2) sum = fma(x.v[i], y.v[i + 1], sum);
      barrier();
      if (gl_LocalInvocationID.x == 0) z.v[row] = min(sum, limit) - 8.0;
    }
    """

  private func edits(_ rule: String) -> [String] {
    Mutant.all(of: "Test/test.comp", text: text).filter { $0.rule == rule }.map {
      "\($0.line): \($0.original) → \($0.replacement)"
    }
  }

  @Test func rulesMakeTheMistakesTheySay() {
    #expect(edits("bound") == ["7: < → <="])
    #expect(edits("equality") == ["9: == → !="])
    #expect(edits("barrier") == ["8: barrier(); → ;"])
    #expect(edits("dropped_term") == ["7: + 1 → ", "9: - 8.0 → "])
    #expect(edits("sign") == ["7: + → -", "9: - → +"])
    #expect(edits("function") == ["9: min → max"])
    #expect(edits("dimension") == ["9: x → y"])
    #expect(
      edits("multiply_add") == [
        "7: fma(x.v[i], y.v[i + 1], sum) → ((x.v[i]) * (y.v[i + 1]))", "7: fma(x.v[i], y.v[i + 1], sum) → (sum)",
      ])
    #expect(edits("condition").count == 2)
    #expect(
      edits("statement") == [
        "7: sum = fma(x.v[i], y.v[i + 1], sum); → ;", "9: z.v[row] = min(sum, limit) - 8.0; → ;",
      ])
    #expect(edits("index") == ["7: [i] → [(i) + 1]", "7: [i + 1] → [(i + 1) + 1]", "9: [row] → [(row) + 1]"])
  }

  @Test func numbersAreMutatedWhereTheyCompute() {
    // Not in the layout, in comments, in the version or in a loop's step.
    #expect(edits("number") == ["4: 32 → 33", "6: 0.0 → 1048576.0", "7: 1 → 2", "9: 0 → 1", "9: 8.0 → 7.0"])
  }

  @Test func aMutantDiffersInOnePlace() {
    for mutant in Mutant.all(of: "Test/test.comp", text: text) {
      #expect(mutant.text != text)
      #expect(mutant.text.count == text.count - mutant.original.count + mutant.replacement.count)
    }
  }

  @Test func theSampleCoversEveryShaderAndIsTheSameEveryTime() throws {
    let paths = Set(OperatorName.allCases.flatMap { $0.type.shaderPaths }).sorted()
    let all = try Mutant.all(of: paths)
    #expect(all.count >= 100)
    // One of each file, those that are included as well, and some more.
    let limit = Set(all.map(\.path)).count + 10
    let sample = Mutant.sample(all, limit: limit, seed: 1)
    #expect(sample.count == limit)
    #expect(Set(sample.map(\.path)).isSuperset(of: paths))
    #expect(sample.map(\.description) == Mutant.sample(all, limit: limit, seed: 1).map(\.description))
    #expect(sample.map(\.description) != Mutant.sample(all, limit: limit, seed: 2).map(\.description))
  }

  @Test func theJudgeTellsTheVerdictsApart() throws {
    try withDevice { device, _ in
      let judge = MutantJudge(device: device, seed: 1)
      func verdict(_ passage: String, _ replacement: String) throws -> MutantVerdict.Kind {
        let path = "Activation/activation.comp"
        let text = try broken(path, passage, replacement)[path]!
        let mutant = Mutant(
          path: path, line: 1, rule: "test", original: passage, replacement: replacement, text: text)
        return try judge.judge(mutant).verdict.kind
      }
      let verdicts = [
        try verdict("1.0 +", "1.5 +"), try verdict("1.0 +", "2.0 - 1.0 +"), try verdict("1.0 +", "1.0 + unknown +"),
        // One unit in the last place is within the bound: such a change survives.
        try verdict("exp(-g)", "exp(-g) * 1.0000002"),
      ]
      #expect(verdicts == [.caught, .equivalent, .invalid, .survived])
    }
  }
}
