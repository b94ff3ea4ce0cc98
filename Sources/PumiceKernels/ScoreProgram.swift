public import PumiceTensors

/// Changes of scores as shaders take them, one after the other: GLSL for what they are, and words for their numbers.
///
/// The text defines `score_modified`, which `Shaders/Common/score.glsl` describes, and goes into a step as
/// `generated: ["score": text]`; the words lie in a buffer that the shader knows as `SCORE_WORD(i)`.
public struct ScoreProgram: Hashable, Sendable {
  public let text: String
  /// At least one.
  public let words: [UInt32]

  /// - Precondition: the modifications are valid.
  public init(_ modifications: [ScoreModification]) {
    var functions = ""
    var statements = ""
    var words = Array(repeating: UInt32(0), count: max(1, modifications.count))
    for (slot, modification) in modifications.enumerated() {
      switch modification {
      case .softCap(let cap):
        words[slot] = cap.bitPattern
        statements += "  score = score_soft_cap(SCORE_FLOAT(\(slot)u), score);\n"
      case .alibi(let slopes):
        words[slot] = UInt32(words.count)
        words += slopes.map(\.bitPattern)
        statements += "  score = score_alibi(SCORE_FLOAT(SCORE_WORD(\(slot)u) + head), score, query, key);\n"
      case .user(let function):
        functions += UserExpression.function(
          "float score_user_\(slot)(float score, uint head, int query, int key)", expression: function.glsl,
          file: "score \(function.name)", within: "Generated/score.glsl")
        statements += "  score = score_user_\(slot)(score, head, query, key);\n"
      }
    }
    self.words = words
    text = """
      \(functions)float score_modified(float score, uint head, int query, int key) {
      \(statements)  return score;
      }

      """
  }

  /// A text with every kind in it: what hashes of shaders stand for that take any.
  package static let sample: [String: String] = [
    "score": ScoreProgram([
      .softCap(1), .alibi([]), .user(ScoreFunction("sample", glsl: "score") { score, _, _, _ in score }),
    ]).text
  ]
}
