import PumiceShaders

/// A shader file with one small mistake.
public struct Mutant: Sendable, Codable, CustomStringConvertible {
  /// Path below `Shaders/`.
  public var path: String
  public var line: Int
  /// Name of the rule that made the mistake.
  public var rule: String
  /// The text that was replaced, and what stands there now.
  public var original: String
  public var replacement: String
  /// The whole file with the mistake in it.
  var text: String

  public var description: String {
    "\(path):\(line) \(rule): `\(original)` → `\(replacement.isEmpty ? "" : replacement)`"
  }

  enum CodingKeys: CodingKey { case path, line, rule, original, replacement, text }
}

extension Mutant {
  /// Files that hold no code that computes: they declare how shaders reach their buffers.
  private static let interfaces: Set<String> = ["Common/buffers.glsl"]

  /// Every mutant of the shaders at `paths` and of the files that they include, in the order of the files.
  public static func all(of paths: [String]) throws -> [Mutant] {
    var files: [String] = []
    for path in paths {
      for file in try ShaderLibrary.files(of: path) where !files.contains(file) && !interfaces.contains(file) {
        files.append(file)
      }
    }
    return try files.sorted().flatMap { all(of: $0, text: try ShaderLibrary.text($0)) }
  }

  /// Every mutant of one file.
  static func all(of path: String, text: String) -> [Mutant] {
    let tokens = GLSLTokens(text)
    var mutants: [Mutant] = []
    for index in tokens.tokens.indices where !tokens.tokens[index].isFixed {
      for rule in MutationRule.all {
        for edit in rule.edits(tokens, index) {
          let replaced = tokens.text(edit.range)
          let range = replaced.startIndex..<replaced.endIndex
          let line = text[..<range.lowerBound].count { $0 == "\n" } + 1
          mutants.append(
            Mutant(
              path: path, line: line, rule: rule.name, original: String(replaced), replacement: edit.replacement,
              text: text[..<range.lowerBound] + edit.replacement + text[range.upperBound...]))
        }
      }
    }
    return mutants
  }

  /// A part of the mutants that is the same for the same seed: files in turn, and rules in turn within a file.
  public static func sample(_ mutants: [Mutant], limit: Int, seed: UInt64) -> [Mutant] {
    var queues: [[Mutant]] = Dictionary(grouping: mutants, by: \.path).sorted { $0.key < $1.key }.map { path, all in
      var random = RandomSource(seed: seed, label: path)
      var byRule = Dictionary(grouping: all.shuffled(using: &random), by: \.rule).sorted { $0.key < $1.key }.map(
        \.value)
      byRule.shuffle(using: &random)
      return inTurn(&byRule)
    }
    return Array(inTurn(&queues).prefix(limit))
  }

  private static func inTurn(_ queues: inout [[Mutant]]) -> [Mutant] {
    let longest = queues.map(\.count).max() ?? 0
    return (0..<longest).flatMap { i in queues.compactMap { $0.indices.contains(i) ? $0[i] : nil } }
  }
}
