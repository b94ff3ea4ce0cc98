/// Why a model could not be fetched. Nothing that was already fetched is lost by it.
public struct HubError: Error, Hashable, Sendable, CustomStringConvertible {
  public enum Code: String, Hashable, Sendable {
    /// The text names no model.
    case invalidReference
    /// An environment variable means nothing.
    case invalidSetting
    /// The hub does not have the repository, revision or file.
    case notFound
    /// The hub wants a token, or one that may read this.
    case unauthorized
    /// The hub cannot be reached, or broke off too often.
    case connection
    /// What it answered is not the hub's protocol.
    case protocolViolation
    /// What came is not what the hub said would come.
    case checksumMismatch
    /// The model has no file that could be run, or several where one was asked for.
    case noSuchModel
    /// There is too little room.
    case noSpace
    /// It is not in the cache, and the hub must not be asked.
    case offline
    /// The program that asks the hub is not there.
    case noProgram
    /// A file of the cache cannot be read or written.
    case cache
  }

  public let code: Code
  /// The repository, file, variable or address that it is about.
  public let subject: String
  public let detail: String

  public init(_ code: Code, _ subject: String, _ detail: String) {
    self.code = code
    self.subject = subject
    self.detail = detail
  }

  public var description: String { "\(subject): \(detail)" }
}
