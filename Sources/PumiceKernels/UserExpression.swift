import PumiceGPU

/// GLSL expressions of users within generated texts.
enum UserExpression {
  /// A function that returns the expression. Messages of the compiler about it name `file` and the user's own lines, and
  /// go on with lines of `outer` after it.
  static func function(_ signature: String, expression: String, file: String, within outer: String) -> String {
    let lines = expression.split(separator: "\n", omittingEmptySubsequences: false).count
    return """
      \(signature) {
      #line 1 "\(file)"
        return (\(expression)
      #line \(lines) "\(file)"
        );
      }
      #line 1 "\(outer)"

      """
  }

  /// What the compiler says about a user's expression, if the error is about one: the lines of its message that name a
  /// mask or score function. No file of the shaders has a space in its name.
  static func complaint(in error: GPUError) -> (function: String, message: String)? {
    guard error.code == .shaderCompilation else { return nil }
    let lines = error.detail.split(separator: "\n").filter { $0.hasPrefix("mask ") || $0.hasPrefix("score ") }
    guard let first = lines.first, let colon = first.firstIndex(of: ":") else { return nil }
    return (String(first[..<colon]), lines.joined(separator: "\n"))
  }
}
