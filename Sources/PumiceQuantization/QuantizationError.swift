/// Why a tensor cannot be encoded: which one, and what is wrong with it.
public struct QuantizationError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What kind of defect it is. The set may grow: a `switch` over it needs a `default`.
  public struct Code: RawRepresentable, Hashable, Sendable {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }

    /// An element is not a number, or infinite.
    public static let notFinite = Code(rawValue: "notFinite")
    /// An element is beyond what the format can hold.
    public static let tooLarge = Code(rawValue: "tooLarge")
    /// Rows are no whole number of the format's blocks, or the bytes do not fit the shape.
    public static let wrongShape = Code(rawValue: "wrongShape")
    /// The format has no encoder.
    public static let unsupportedFormat = Code(rawValue: "unsupportedFormat")
    /// The weights of the errors do not fit the tensor, or are not usable numbers.
    public static let wrongImportance = Code(rawValue: "wrongImportance")
    /// A method's parameters contradict each other or the tensor.
    public static let wrongParameter = Code(rawValue: "wrongParameter")
  }

  public var code: Code
  /// The tensor's name, once it is known.
  public var tensor: String?
  /// What is wrong.
  public var detail: String

  public init(_ code: Code, tensor: String? = nil, _ detail: String) {
    self.code = code
    self.tensor = tensor
    self.detail = detail
  }

  /// The same about a tensor of that name.
  public func about(_ tensor: String) -> QuantizationError {
    var error = self
    error.tensor = tensor
    return error
  }

  public var description: String { (tensor.map { "tensor \($0): " } ?? "") + detail }
}
