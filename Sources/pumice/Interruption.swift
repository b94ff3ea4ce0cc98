import Foundation
import Synchronization

/// Whether the user has asked the program to stop, by Ctrl-C.
enum Interruption {
  private static let requested = Atomic<Bool>(false)

  static var wasRequested: Bool { requested.load(ordering: .relaxed) }

  /// From now on the first SIGINT only sets the flag; the second ends the program as always, if it should.
  static func watch(endsAtSecond: Bool = true) {
    // Made now: the handler itself must not run a lazy initializer.
    requested.store(false, ordering: .relaxed)
    if endsAtSecond {
      signal(SIGINT) { _ in
        Interruption.requested.store(true, ordering: .relaxed)
        signal(SIGINT, SIG_DFL)
      }
    } else {
      signal(SIGINT) { _ in Interruption.requested.store(true, ordering: .relaxed) }
    }
    // A program that was started from a thread without signals inherits that.
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGINT)
    pthread_sigmask(SIG_UNBLOCK, &signals, nil)
  }

  /// From now on SIGINT ends the program as always.
  static func watchNoMore() { signal(SIGINT, SIG_DFL) }
}
