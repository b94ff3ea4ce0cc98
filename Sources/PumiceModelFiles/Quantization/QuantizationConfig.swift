public import PumiceTensors

/// How the weights of a Hugging Face folder are quantized, as its `config.json` says.
public enum QuantizationConfig: Hashable, Sendable {
  /// Apple's MLX: `quantization`, or `quantization_config` without a method.
  case mlx(MLXQuantization)
  /// AutoGPTQ and GPTQModel: `quantization_config` with the method `gptq`.
  case gptq(GPTQQuantization)
  /// AutoAWQ: `quantization_config` with the method `awq`.
  case awq(AWQQuantization)

  /// Reads a configuration file.
  ///
  /// - Parameter path: of the file, or of its folder.
  /// - Returns: nil if the model is not quantized.
  /// - Throws: `unsupportedQuantization` for a method, version or width that is not read; what is wrong with the file and
  ///   with which key.
  public init?(path: String) throws(ModelFileError) {
    let path = FileBytes.isDirectory(path) ? "\(path)/config.json" : path
    try self.init(bytes: FileBytes(mapping: path), file: path)
  }

  /// Reads a configuration from memory.
  ///
  /// - Parameter name: stands for the path in messages.
  public init?(bytes: some Collection<UInt8>, name: String = "(memory)") throws(ModelFileError) {
    try self.init(bytes: FileBytes(copying: bytes), file: name)
  }

  private init?(bytes: FileBytes, file: String) throws(ModelFileError) {
    // The mapping ends with the last use of the object, not of its buffer.
    defer { withExtendedLifetime(bytes) {} }
    guard case .object(let object) = try JSONParser.parse(bytes.buffer, of: file, as: "the file") else {
      throw ModelFileError(file: file, code: .invalidMetadata, detail: "the file is not a JSON object")
    }
    let config = ConfigurationReader(file: file, prefix: "", object: object)
    if let mlx = try config.optionalObject("quantization") {
      self = .mlx(try MLXQuantization(mlx))
      return
    }
    guard let other = try config.optionalObject("quantization_config") else { return nil }
    switch try other.optionalString("quant_method") {
    case nil where other.value("group_size") != nil: self = .mlx(try MLXQuantization(other))
    case nil: throw other.failure(.missingKey, "quant_method", "the file does not have it")
    case "gptq": self = .gptq(try GPTQQuantization(other))
    case "awq": self = .awq(try AWQQuantization(other))
    case let method?:
      throw other.failure(
        .unsupportedQuantization, "quant_method", "the method “\(method)” is not read, only gptq, awq and MLX's")
    }
  }
}

extension ConfigurationReader {
  /// The width of codes.
  func bits(_ key: String = "bits", of known: Set<Int>) throws(ModelFileError) -> Int {
    let bits = try integer(key)
    guard known.contains(bits) else {
      let names = known.sorted().map(String.init).joined(separator: ", ")
      throw failure(.unsupportedQuantization, key, "\(bits) bits are not read, only \(names)")
    }
    return bits
  }

  /// Elements that share a scale; nil for whole rows (−1).
  func group(_ key: String = "group_size") throws(ModelFileError) -> Int? {
    let group = try integer(key)
    guard group != -1 else { return nil }
    guard group > 0, group % 32 == 0 else {
      throw failure(.unsupportedQuantization, key, "groups of \(group) are not read, only multiples of 32 and −1")
    }
    return group
  }
}

/// MLX's quantization: unsigned codes with a scale and a bias for each group; layers may differ.
///
/// Pumice's own extension, version 1, is marked by `"pumice_version": 1` beside `bits`. It adds widths of 1 and 7 bits,
/// groups of any multiple of 32 or whole rows (−1), and the mode `symmetric`: no biases, and the value of code q is
/// scale · (q − 2^(bits − 1)), or scale · (2q − 1) with one bit. In place of `bits` and `group_size` it may have `format`,
/// the name of a format of groups, palettes, normal floats or dual grained codes: `palette3`, `nf4:64`, `dgq:128`. Its
/// tensors are those of `TensorFormat.sectionTensors`.
public struct MLXQuantization: Hashable, Sendable {
  /// How the codes of one layer are to be read.
  public struct Scheme: Hashable, Sendable {
    public var bits: Int
    /// Elements that share a scale and a bias; nil for whole rows.
    public var group: Int?
    /// Whether there are no biases; the codes then lie around zero.
    public var isSymmetric: Bool
    /// The whole format where `format` names it; `bits` is then the width of its codes, and nothing else counts.
    public var format: TensorFormat?

    public init(bits: Int, group: Int?, isSymmetric: Bool = false) {
      self.bits = bits
      self.group = group
      self.isSymmetric = isSymmetric
    }
  }

  static let version = 1

  /// Of layers that nothing else is said about.
  public let scheme: Scheme
  /// Of layers by name; nil for those that are not quantized.
  public let exceptions: [String: Scheme?]

  /// The scheme of a layer; nil if it is not quantized.
  public func scheme(of layer: String) -> Scheme? { exceptions[layer] ?? scheme }

  init(_ config: ConfigurationReader) throws(ModelFileError) {
    let version = try config.optionalInteger("pumice_version")
    guard version == nil || version == Self.version else {
      throw config.failure(
        .unsupportedQuantization, "pumice_version", "version \(version!) is unknown; version \(Self.version) is read")
    }
    scheme = try Self.scheme(config, isExtended: version != nil)
    var exceptions: [String: Scheme?] = [:]
    for (name, value) in config.object.members {
      switch value {
      case .object:
        guard let layer = try config.optionalObject(name) else { continue }
        exceptions[name] = .some(try Self.scheme(layer, isExtended: version != nil))
      case .bool(false): exceptions[name] = .some(nil)
      default: continue
      }
    }
    self.exceptions = exceptions
  }

  private static func scheme(_ config: ConfigurationReader, isExtended: Bool) throws(ModelFileError) -> Scheme {
    if isExtended, let name = try config.optionalString("format") {
      guard let format = TensorFormat(name: name), let layout = format.codeLayout else {
        throw config.failure(.unsupportedQuantization, "format", "the format “\(name)” is not read from safetensors")
      }
      var scheme = Scheme(bits: layout.bits, group: nil)
      scheme.format = format
      return scheme
    }
    let mode = try config.optionalString("mode") ?? "affine"
    guard mode == "affine" || (mode == "symmetric" && isExtended) else {
      throw config.failure(.unsupportedQuantization, "mode", "the mode “\(mode)” is not read, only affine")
    }
    let bits = try config.bits(of: isExtended ? Set(1...8) : [2, 3, 4, 5, 6, 8])
    let group = try config.group()
    guard isExtended || [32, 64, 128].contains(group) else {
      throw config.failure(
        .unsupportedQuantization, "group_size", "groups of \(group ?? -1) are not MLX's, which are 32, 64 and 128")
    }
    return Scheme(bits: bits, group: group, isSymmetric: mode == "symmetric")
  }
}

/// AutoGPTQ's and GPTQModel's quantization: unsigned codes with a scale and a zero point for each group.
public struct GPTQQuantization: Hashable, Sendable {
  /// 2, 3, 4 or 8.
  public let bits: Int
  /// Inputs that share a scale; nil for all.
  public let group: Int?
  /// `desc_act`: inputs belong to groups in the order of their importance.
  public let isOrdered: Bool
  /// `sym`: the zero points are all the middle of the codes. They are stored all the same.
  public let isSymmetric: Bool
  /// What is added to stored zero points: 1 in the checkpoint format `gptq`, 0 in `gptq_v2`.
  public let zeroOffset: Int

  init(_ config: ConfigurationReader) throws(ModelFileError) {
    bits = try config.bits(of: [2, 3, 4, 8])
    group = try config.group()
    isOrdered = try config.optionalBool("desc_act") ?? false
    isSymmetric = try config.optionalBool("sym") ?? true
    let key = config.value("checkpoint_format") == nil && config.value("format") != nil ? "format" : "checkpoint_format"
    switch try config.optionalString(key) ?? "gptq" {
    case "gptq": zeroOffset = 1
    case "gptq_v2": zeroOffset = 0
    case let format:
      throw config.failure(
        .unsupportedQuantization, key, "the format “\(format)” is not read, only gptq and gptq_v2")
    }
    if try config.optionalBool("is_marlin_format") == true {
      throw config.failure(.unsupportedQuantization, "is_marlin_format", "Marlin's layout is not read")
    }
    if let packing = try config.optionalString("pack_dtype"), packing != "int32" {
      throw config.failure(.unsupportedQuantization, "pack_dtype", "codes in \(packing) are not read, only in int32")
    }
    if let dynamic = try config.optionalObject("dynamic"), !dynamic.object.members.isEmpty {
      throw config.failure(.unsupportedQuantization, "dynamic", "layers that differ from each other are not read")
    }
  }
}

/// AutoAWQ's quantization: 4-bit codes with a scale and a zero point for each group.
public struct AWQQuantization: Hashable, Sendable {
  /// 4.
  public let bits: Int
  /// Inputs that share a scale; nil for all.
  public let group: Int?
  /// Layers that are not quantized, by parts of their names.
  public let unconverted: [String]

  init(_ config: ConfigurationReader) throws(ModelFileError) {
    bits = try config.bits(config.value("bits") == nil ? "w_bit" : "bits", of: [4])
    group = try config.group(config.value("group_size") == nil ? "q_group_size" : "group_size")
    let version = try config.optionalString("version") ?? "gemm"
    guard version.lowercased() == "gemm" else {
      throw config.failure(.unsupportedQuantization, "version", "the version “\(version)” is not read, only gemm")
    }
    guard try config.optionalBool("zero_point") ?? true else {
      throw config.failure(.unsupportedQuantization, "zero_point", "codes without zero points are not read")
    }
    var unconverted: [String] = []
    switch config.value("modules_to_not_convert") {
    case nil: break
    case .array(let values)?:
      for value in values {
        guard case .string(let name) = value else {
          throw config.failure(.wrongKeyType, "modules_to_not_convert", "has \(value.typeName), expected strings")
        }
        unconverted.append(name)
      }
    case let value?:
      throw config.failure(.wrongKeyType, "modules_to_not_convert", "is \(value.typeName), expected an array")
    }
    self.unconverted = unconverted
  }
}
