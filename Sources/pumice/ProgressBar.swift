import Foundation

/// A bar on stderr with the time that is left, on a terminal; a line for every tenth elsewhere.
final class ProgressBar {
  private var line = ProgressLine()
  private let isTerminal = isatty(STDERR_FILENO) == 1
  private let start = ContinuousClock.now
  private var tenths = 0

  /// - Parameter share: how much is done, from 0 to 1.
  func show(_ share: Double, _ what: String) {
    guard isTerminal else {
      if Int(share * 10) > tenths {
        tenths = Int(share * 10)
        note("\(tenths * 10) %")
      }
      return
    }
    let elapsed = (ContinuousClock.now - start) / .seconds(1)
    line.show(
      "[\(String(repeating: "#", count: Int(share * 30)))\(String(repeating: ".", count: 30 - Int(share * 30)))] "
        + "\(Int(share * 100)) %, \(fixed(elapsed / max(share, 1e-9) - elapsed, 0)) s left, \(what)")
  }

  func clear() { line.clear() }
}
