import PumiceTensors

/// Changes of scores as shaders take them: GLSL that defines `score_modified`, for `generated: ["score": text]`. The including
/// shader knows ALiBi's slope of a head as `ALIBI_SLOPE(head)`.
struct ScoreProgram {
  let text: String

  init(_ modifications: [ScoreModification]) {
    var functions = "", calls = ""
    for (index, modification) in modifications.enumerated() {
      let name = "score_\(index)"
      calls += "  score = \(name)(score, head, query, key);\n"
      let signature = "float \(name)(float score, uint head, int query, int key)"
      switch modification {
      case .softCap(let cap):
        // tanh by one exponential, whose error is small against the cap wherever the score is.
        functions += """
          \(signature) {
            const float cap = uintBitsToFloat(\(cap.bitPattern)u);
            return cap - 2.0 * cap / (exp(min(2.0 * score / cap, 80.0)) + 1.0);
          }

          """
      case .alibi:
        functions += "\(signature) { return fma(-ALIBI_SLOPE(head), float(abs(query - key)), score); }\n"
      case .user(let function):
        functions += UserExpression.function(
          signature, expression: function.glsl, file: "score \(function.name)", within: "Generated/score.glsl")
      }
    }
    text = """
      \(functions)float score_modified(float score, uint head, int query, int key) {
      \(calls)  return score;
      }

      """
  }

  /// A text with every kind of change in it: what hashes of shaders stand for that take any.
  static let sample: [String: String] = [
    "score": ScoreProgram([
      .softCap(1), .alibi([]), .user(ScoreFunction("sample", glsl: "score") { score, _, _, _ in score }),
    ]).text
  ]
}
