import PumiceModelFiles

/// Why a tokenizer cannot be made from a file, or a text cannot be encoded.
public struct TokenizerError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What kind of defect it is. The set may grow: a `switch` over it needs a `default`.
  public struct Code: RawRepresentable, Hashable, Sendable {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }

    /// The file names a kind of tokenizer, or a way of cutting text into words, that is not known.
    public static let unsupported = Code(rawValue: "unsupported")
    /// Tokens, types, scores or merges contradict each other or lack what every text needs.
    public static let invalidVocabulary = Code(rawValue: "invalidVocabulary")
    /// The text has 2³¹ bytes or more.
    public static let textTooLong = Code(rawValue: "textTooLong")
  }

  public var code: Code
  /// The path of the model file; nil when the defect is in a text.
  public var file: String?
  /// The metadata key at fault.
  public var key: String?
  public var detail: String

  public init(code: Code, file: String? = nil, key: String? = nil, detail: String) {
    self.code = code
    self.file = file
    self.key = key
    self.detail = detail
  }

  /// One line: `model.gguf: key tokenizer.ggml.merges: merge 7 names the unknown token “ab”`.
  public var description: String {
    ([file, key.map { "key \($0)" }].compactMap { $0 } + [detail]).map(printable).joined(
      separator: ": ")
  }
}
