/// Why a model file cannot be used: the file, the key or tensor in it, and what is wrong with it.
///
/// Files are data from outside. Nothing in them may stop the process, so every defect ends in one of these values.
public struct ModelFileError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What kind of defect it is. The set may grow: a `switch` over it needs a `default`.
  public struct Code: RawRepresentable, Hashable, Sendable {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }

    /// No file has that path.
    public static let notFound = Code(rawValue: "notFound")
    /// The path names a directory.
    public static let isDirectory = Code(rawValue: "isDirectory")
    /// The path names a pipe, socket or device: something that cannot be mapped.
    public static let notRegularFile = Code(rawValue: "notRegularFile")
    /// The operating system refused to open, map, write or rename the file.
    public static let inputOutput = Code(rawValue: "inputOutput")
    /// The file does not begin as GGUF files do.
    public static let notGGUF = Code(rawValue: "notGGUF")
    /// The file does not begin as safetensors files do.
    public static let notSafetensors = Code(rawValue: "notSafetensors")
    /// The file does not begin as files of saved log-probabilities do.
    public static let notSavedLogits = Code(rawValue: "notSavedLogits")
    /// The file ends before something that it announces.
    public static let truncated = Code(rawValue: "truncated")
    /// GGUF, but a version or byte order that is not read.
    public static let unsupportedVersion = Code(rawValue: "unsupportedVersion")
    /// A key, its type or its value breaks the specification, or the value is out of range.
    public static let invalidMetadata = Code(rawValue: "invalidMetadata")
    /// A key that is needed is absent.
    public static let missingKey = Code(rawValue: "missingKey")
    /// A key has a value of another type than the one that is needed.
    public static let wrongKeyType = Code(rawValue: "wrongKeyType")
    /// A tensor's name, dimensions, type or place in the file breaks the specification.
    public static let invalidTensor = Code(rawValue: "invalidTensor")
    /// A tensor that is needed is absent.
    public static let missingTensor = Code(rawValue: "missingTensor")
    /// A tensor is stored in a format that cannot be computed with.
    public static let unsupportedFormat = Code(rawValue: "unsupportedFormat")
    /// A key or a tensor's name occurs twice.
    public static let duplicate = Code(rawValue: "duplicate")
    /// The weights are quantized in a way that is not read.
    public static let unsupportedQuantization = Code(rawValue: "unsupportedQuantization")
    /// The file is in order, but asks for something that is not supported.
    public static let unsupportedModel = Code(rawValue: "unsupportedModel")
    /// The parts of a split model are incomplete or contradict each other.
    public static let splitMismatch = Code(rawValue: "splitMismatch")
  }

  /// The path of the file, as it was given.
  public var file: String
  public var code: Code
  /// What in the file is wrong, with its kind: `key general.alignment`, `tensor output.weight`; nil for the file itself.
  public var subject: String?
  /// What is wrong with it.
  public var detail: String

  public init(file: String, code: Code, subject: String? = nil, detail: String) {
    self.file = file
    self.code = code
    self.subject = subject
    self.detail = detail
  }

  /// One line: `model.gguf: tensor blk.0.attn_q.weight: the file ends inside it`.
  ///
  /// Names come from the file, so control characters in them are escaped.
  public var description: String {
    ([file] + (subject.map { [$0] } ?? []) + [detail]).map(printable).joined(separator: ": ")
  }
}

/// `text` on one line: control characters escaped, and cut after 200 characters. Names come from files.
package func printable(_ text: String) -> String {
  var line = ""
  for scalar in text.unicodeScalars.prefix(200) {
    switch scalar.properties.generalCategory {
    case .control, .lineSeparator, .paragraphSeparator, .format: line += scalar.escaped(asASCII: true)
    default: line.unicodeScalars.append(scalar)
    }
  }
  return text.unicodeScalars.count > 200 ? line + "…" : line
}
