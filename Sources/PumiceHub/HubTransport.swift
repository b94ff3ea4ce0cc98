import Foundation
import Synchronization

#if canImport(FoundationNetworking)
  import FoundationNetworking
#endif

/// One request of HTTP at a time, waited for.
final class HubTransport: Sendable {
  /// What is done with what comes.
  protocol Receiver: AnyObject {
    /// Takes the head of the answer; false ends the request.
    func begin(_ response: HTTPURLResponse) -> Bool
    /// Takes a part of the body; false ends the request.
    func receive(_ data: Data) -> Bool
  }

  private let session: URLSession
  private let delegate = Delegate()

  /// - Parameter timeout: seconds without a byte after which a connection is given up.
  init(timeout: Double) {
    let configuration = URLSessionConfiguration.ephemeral
    configuration.timeoutIntervalForRequest = timeout
    configuration.requestCachePolicy = .reloadIgnoringLocalCacheData
    session = URLSession(configuration: configuration, delegate: delegate, delegateQueue: nil)
  }

  deinit { session.invalidateAndCancel() }

  /// - Parameter leavesHost: whether redirections to another host are followed; the answer is the redirection if not. They
  ///   never take the token along.
  /// - Throws: what the connection broke with. A request that the receiver ended is no error.
  func run(_ request: URLRequest, leavesHost: Bool, to receiver: any Receiver) throws {
    let exchange = Exchange(receiver: receiver, leavesHost: leavesHost, host: request.url?.host)
    let task = session.dataTask(with: request)
    delegate.exchanges.withLock { $0[task.taskIdentifier] = exchange }
    task.resume()
    exchange.done.wait()
    delegate.exchanges.withLock { _ = $0.removeValue(forKey: task.taskIdentifier) }
    if let error = exchange.error, !exchange.isEnded { throw error }
  }

  /// A request under way. Touched by the session's queue until `done` is signalled, by the caller after.
  private final class Exchange: @unchecked Sendable {
    let receiver: any Receiver
    let leavesHost: Bool
    let host: String?
    let done = DispatchSemaphore(value: 0)
    var error: (any Error)?
    var isEnded = false

    init(receiver: any Receiver, leavesHost: Bool, host: String?) {
      self.receiver = receiver
      self.leavesHost = leavesHost
      self.host = host
    }
  }

  private final class Delegate: NSObject, URLSessionDataDelegate, Sendable {
    let exchanges = Mutex<[Int: Exchange]>([:])

    private func exchange(_ task: URLSessionTask) -> Exchange? { exchanges.withLock { $0[task.taskIdentifier] } }

    func urlSession(
      _ session: URLSession, task: URLSessionTask, willPerformHTTPRedirection response: HTTPURLResponse,
      newRequest request: URLRequest, completionHandler: @escaping @Sendable (URLRequest?) -> Void
    ) {
      guard let exchange = exchange(task) else { return completionHandler(nil) }
      if request.url?.host == exchange.host { return completionHandler(request) }
      guard exchange.leavesHost else { return completionHandler(nil) }
      var stranger = request
      stranger.setValue(nil, forHTTPHeaderField: "Authorization")
      completionHandler(stranger)
    }

    func urlSession(
      _ session: URLSession, dataTask: URLSessionDataTask, didReceive response: URLResponse,
      completionHandler: @escaping @Sendable (URLSession.ResponseDisposition) -> Void
    ) {
      guard let exchange = exchange(dataTask), let response = response as? HTTPURLResponse else {
        return completionHandler(.cancel)
      }
      let goesOn = exchange.receiver.begin(response)
      exchange.isEnded = !goesOn
      completionHandler(goesOn ? .allow : .cancel)
    }

    func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
      guard let exchange = exchange(dataTask), !exchange.isEnded else { return }
      if !exchange.receiver.receive(data) {
        exchange.isEnded = true
        dataTask.cancel()
      }
    }

    func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?) {
      guard let exchange = exchange(task) else { return }
      exchange.error = error
      exchange.done.signal()
    }
  }
}
