import ArgumentParser
import Foundation
import PumiceTensors

/// Something outside of models and devices that cannot be used: a text file, the standard input.
struct InputError: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

extension Pumice {
  /// Runs the tool. Every failure is one line on stderr, and its exit code says whose it is.
  static func main() {
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch {
      Foundation.exit(report(error))
    }
  }

  /// Prints what went wrong, or the help that was asked for, and gives the exit code.
  private static func report(_ error: any Error) -> Int32 {
    if let error = error as? MaskSyntaxError {
      // Its lines belong below each other: the last points at a column of the one above.
      note("pumice: \(error)")
      return ExitCode.validationFailure.rawValue
    }
    let code = exitCode(for: error)
    if code == .success {
      let text = fullMessage(for: error)
      if !text.isEmpty { print(text) }
      return code.rawValue
    }
    var text = message(for: error).split(whereSeparator: \.isNewline).joined(separator: " ")
    if code == .validationFailure { text += " (see pumice help)" }
    // A command that has told its failure already throws the bare code.
    if !text.isEmpty { note("pumice: \(text)") }
    return code.rawValue
  }
}
